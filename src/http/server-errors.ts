import { ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { deny } from '../core/decision.js'
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
  /** False where its fields were still to come. */
  readonly isHeadWhole: boolean
}

/** A request whose fields were whole, and which is being judged while its body breaks. */
interface RequestUnderWay {
  readonly requestId: string
  /** Whether a refusal of it was handed over: that is the answer, whatever comes behind. */
  hasRefused(): boolean
  /** Whether nothing of it went anywhere yet. */
  isUnsent(): boolean
  /** It is answered in its own place, with this reason. */
  brokeOff(reason: DenialReason, parserCode: string): void
}

export interface ServerErrorOptions {
  /** The request of a response that tells by itself what became of it; `onMalformed` hears nothing of it then. */
  readonly underWay?: (response: ServerResponse) => RequestUnderWay | undefined
  /** A new id, for the answer and for the log. */
  readonly newRequestId: () => string
  /** Told once for each request given up; not for broken handshakes and lost connections. */
  readonly onMalformed: (request: MalformedRequest) => void
}

const reasons: Readonly<Record<string, DenialReason>> = {
  HPE_HEADER_OVERFLOW: 'header-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'request-ambiguous',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
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
  if (reason === 'request-ambiguous' && current !== undefined && !current.req.complete) {
    const own = options.underWay?.(current)
    if (own?.hasRefused() === true) {
      closeBehind(socket, '')
      return
    }
    if (isAnswered && own?.isUnsent() === true) {
      own.brokeOff(reason, parserCode)
      closeBehind(socket, malformedAnswer(reason, own.requestId))
      return
    }
  }
  const requestId = options.newRequestId()
  const told = reason === 'header-too-large' && isWithinTarget(error) ? 'request-too-long' : reason
  options.onMalformed({ reason: told, parserCode, requestId, isAnswered, isHeadWhole: current !== undefined })
  if (isAnswered) closeBehind(socket, malformedAnswer(told, requestId))
  // a refusal that has been given already still has to arrive
  else if (current?.writableEnded === true) closeBehind(socket, '')
  else socket.destroy()
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

/** The whole answer as it stands on the wire. */
function malformedAnswer(reason: DenialReason, requestId: string): string {
  const { status } = renderingOf(reason)
  const { contentType, body } = renderOperationOutcome({ denial: deny(reason), requestId, format: 'json' })
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    `X-Request-Id: ${requestId}`,
    `Ror-Gateway-Reason: ${reason}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}

/** The response that Node is writing, or waits for, on this socket. */
function currentResponse(socket: Duplex): ServerResponse | undefined {
  const current: unknown = Reflect.get(socket, '_httpMessage')
  return isResponse(current) ? current : undefined
}

function isResponse(value: unknown): value is ServerResponse {
  return value instanceof ServerResponse
}

// a header section that overflows before its first line ends has a target that is too long
function isWithinTarget(error: Error): boolean {
  const packet: unknown = Reflect.get(error, 'rawPacket')
  return Buffer.isBuffer(packet) && !packet.includes('\n')
}
