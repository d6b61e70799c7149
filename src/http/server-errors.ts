import { IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { deny, type Denial } from '../core/decision.js'
import { renderingOf, type DenialReason } from '../core/reasons.js'
import { renderOperationOutcome } from '../fhir/operation-outcome.js'

/** A request that Node's parser gave up on. */
export interface MalformedRequest {
  readonly reason: DenialReason
  /** Node's code, such as `HPE_INVALID_URL`: for the log. */
  readonly parserCode: string
  readonly requestId: string
  /** False where the answer could have been taken for another request's, so that none was given. */
  readonly isAnswered: boolean
  /** Of the answer's body; 0 where none was given. */
  readonly bytesOut: number
  /** False where its fields were still to come. */
  readonly isHeadWhole: boolean
}

/** A request whose fields were whole, and which is being judged while its body breaks. */
interface RequestUnderWay {
  readonly requestId: string
  /** Whether a refusal of it was handed over: that is the answer, whatever comes behind. */
  hasRefused(): boolean
  /** It is answered in its own place, with this reason and so many bytes of a body. */
  brokeOff(reason: DenialReason, parserCode: string, bytesOut: number): void
}

export interface ServerErrorOptions {
  /** The request of a response that tells by itself what became of it; `onMalformed` hears nothing of it then. */
  readonly underWay?: (response: ServerResponse) => RequestUnderWay | undefined
  /** A new id, for the answer and for the log. */
  readonly newRequestId: () => string
  /** Largest head, which one that is larger is told. */
  readonly headerBytes?: number
  /** Told once for each request given up; not for broken handshakes and lost connections. */
  readonly onMalformed: (request: MalformedRequest) => void
}

const reasons: Readonly<Record<string, DenialReason>> = {
  HPE_HEADER_OVERFLOW: 'header-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'request-ambiguous',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
  METHOD_CONNECT: 'request-ambiguous',
}

// what the parser stumbled over, in words; codes differ a little from one Node to the next
const problems: Readonly<Record<string, string>> = {
  HPE_INVALID_METHOD: 'the request does not begin with a method',
  HPE_INVALID_URL: 'the target holds a character that must not stand there: escape it (`%C3%A9` for `é`)',
  HPE_INVALID_VERSION: 'the request line does not end in `HTTP/1.1` and CR LF',
  HPE_INVALID_CONSTANT: 'the request line does not end in `HTTP/1.1` and CR LF',
  HPE_PAUSED_H2_UPGRADE: 'HTTP/2 where HTTP/1.1 is spoken',
  HPE_INVALID_HEADER_TOKEN:
    'a field line holds what must not stand there: a space before the colon, a folded line, a control character',
  HPE_INVALID_CONTENT_LENGTH: 'the Content-Length is not one plain decimal number',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'a second Content-Length, or one beside Transfer-Encoding',
  HPE_INVALID_TRANSFER_ENCODING: 'a Transfer-Encoding other than `chunked`, or beside Content-Length',
  HPE_INVALID_CHUNK_SIZE: 'a chunk of the body is not as long as it says, or does not say how long it is',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'the chunk extensions of the body are too long',
  HPE_CR_EXPECTED: 'a line does not end in CR LF',
  HPE_LF_EXPECTED: 'a line does not end in CR LF',
  HPE_STRICT: 'a line does not end in CR LF',
  HPE_INVALID_EOF_STATE: 'the connection ended before the request was whole',
  METHOD_CONNECT: 'CONNECT asks for a tunnel: this is the server of the API, and no proxy',
  HPE_CLOSED_CONNECTION: 'more was sent behind a request that closes the connection',
}

const lingerMs = 1_000
const givenUp = new WeakSet<Duplex>()

/**
 * Answers what Node's `clientError` reports: 400, 408, 414 or 431 with the reason, then closes.
 *
 * Nothing is written where no HTTP request was being read (a broken handshake, a lost connection), nor
 * where an earlier request of the connection still waits for its answer: the client would take this for it.
 */
export function answerClientError(
  error: Error & { code?: string },
  socket: Duplex,
  options: ServerErrorOptions,
): void {
  // every chunk that comes behind the broken one is reported again
  if (givenUp.has(socket)) return
  givenUp.add(socket)
  const parserCode = error.code ?? ''
  const reason = reasons[parserCode] ?? (parserCode.startsWith('HPE_') ? 'request-ambiguous' : undefined)
  if (reason === undefined) {
    socket.destroy()
    return
  }
  const current = currentResponse(socket)
  // whole, it is another request's; begun, it cannot be begun again
  const isOwed = current !== undefined && (current.headersSent || current.req.complete)
  const isAnswered = socket.writable && !isOwed
  const told = reason === 'header-too-large' && isWithinTarget(error) ? 'request-too-long' : reason
  const answer = (requestId: string): MalformedAnswer =>
    malformedAnswer(deny(told, { sent: sentOf(told, parserCode, options) }), requestId)
  const own = current === undefined || current.req.complete ? undefined : options.underWay?.(current)
  if (own !== undefined) {
    if (isAnswered) {
      const { text, bytesOut } = answer(own.requestId)
      own.brokeOff(told, parserCode, bytesOut)
      closeBehind(socket, text)
    } else closeOwed(socket, own.hasRefused() || current?.writableEnded === true)
    return
  }
  // answered before its body was whole: that was its answer, and its line
  if (current === undefined && isReadingBody(socket)) {
    closeOwed(socket, true)
    return
  }
  const requestId = options.newRequestId()
  const { text, bytesOut } = isAnswered ? answer(requestId) : { text: '', bytesOut: 0 }
  const isHeadWhole = current !== undefined
  options.onMalformed({ reason: told, parserCode, requestId, isAnswered, bytesOut, isHeadWhole })
  if (isAnswered) closeBehind(socket, text)
  else closeOwed(socket, current?.writableEnded === true)
}

/** Where an answer that was given already still has to arrive, it does. */
function closeOwed(socket: Duplex, isGiven: boolean): void {
  if (isGiven) closeBehind(socket, '')
  else socket.destroy()
}

function sentOf(
  reason: DenialReason,
  parserCode: string,
  { headerBytes }: ServerErrorOptions,
): Readonly<Record<string, string>> {
  if (reason === 'request-ambiguous')
    return { problem: problems[parserCode] ?? 'this is no request of HTTP/1.1' }
  if (reason === 'request-timeout' || headerBytes === undefined) return {}
  return { limit: `${headerBytes} bytes, the request line and all fields together` }
}

/**
 * Sends the last bytes, then closes when the client does, or after a second.
 *
 * Closed at once, with bytes of the client unread, the connection is reset and the answer lost.
 */
function closeBehind(socket: Duplex, bytes: string): void {
  const timer = setTimeout(() => {
    socket.destroy()
  }, lingerMs).unref()
  socket.once('close', () => {
    clearTimeout(timer)
  })
  socket.end(bytes)
}

interface MalformedAnswer {
  /** The whole answer as it stands on the wire. */
  readonly text: string
  /** Of its body. */
  readonly bytesOut: number
}

function malformedAnswer(denial: Denial, requestId: string): MalformedAnswer {
  const { reason } = denial
  const { status } = renderingOf(reason)
  const { contentType, body } = renderOperationOutcome({ denial, requestId, format: 'json' })
  const bytesOut = Buffer.byteLength(body)
  const text = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${bytesOut}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    `X-Request-Id: ${requestId}`,
    `Ror-Gateway-Reason: ${reason}`,
    'Connection: close',
    `Date: ${new Date().toUTCString()}`,
    '',
    body,
  ].join('\r\n')
  return { text, bytesOut }
}

/** The response that Node is writing, or waits for, on this socket. */
function currentResponse(socket: Duplex): ServerResponse | undefined {
  const current: unknown = Reflect.get(socket, '_httpMessage')
  return isResponse(current) ? current : undefined
}

/** Whether what Node reads from this socket is the rest of a body. */
function isReadingBody(socket: Duplex): boolean {
  const parser: unknown = Reflect.get(socket, 'parser')
  if (typeof parser !== 'object' || parser === null) return false
  const incoming: unknown = Reflect.get(parser, 'incoming')
  return incoming instanceof IncomingMessage && !incoming.complete
}

function isResponse(value: unknown): value is ServerResponse {
  return value instanceof ServerResponse
}

// a header section that overflows before its first line ends has a target that is too long
function isWithinTarget(error: Error): boolean {
  const packet: unknown = Reflect.get(error, 'rawPacket')
  return Buffer.isBuffer(packet) && !packet.includes('\n')
}
