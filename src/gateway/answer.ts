import type { IncomingMessage, ServerResponse } from 'node:http'

/** An answer of the gateway's own: a refusal, a failure, a page. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly fields?: Readonly<Record<string, string>>
  /** Where the end of the request is in doubt, nothing behind it is read any more. */
  readonly isLast?: boolean
}

// a body this small is read to its end, so that the connection stays useful after a refusal
const smallBody = 65_536

const drainBytes = 262_144
const drainMs = 2_000

/**
 * Sends an answer of our own, whatever stands unread in the request.
 *
 * A client that is still sending would lose the answer to a reset if the connection were closed at
 * once: what comes is thrown away, at most 256 KiB or 2 s of it, before the connection ends.
 * Resolves when the answer is handed over or the client is gone; never rejects.
 *
 * @returns the bytes of the answer's body
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
): Promise<number> {
  if (response.destroyed || response.headersSent) return 0
  const bytes = Buffer.from(answer.body, 'utf8')
  const unread = hasBody(request) && !request.complete
  // a client that waits for 100 Continue will not send the body any more
  const waits = request.headers.expect !== undefined
  response.statusCode = answer.status
  response.setHeader('Content-Type', answer.contentType)
  response.setHeader('Content-Length', bytes.length)
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  for (const [name, value] of Object.entries(answer.fields ?? {})) response.setHeader(name, value)
  const isSmall = Number(request.headers['content-length'] ?? Infinity) <= smallBody
  if (answer.isLast === true || (unread && (waits || !isSmall))) response.setHeader('Connection', 'close')
  const isHead = request.method === 'HEAD'
  await new Promise<void>((resolve) => {
    response.once('close', resolve)
    response.once('finish', resolve)
    if (!unread || waits) {
      response.end(isHead ? undefined : bytes)
      return
    }
    response.write(bytes)
    drain(request, () => {
      response.end()
    })
  })
  return isHead ? 0 : bytes.length
}

/** Whether the request announces a body. @see RFC 9112 section 6 */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
}

function drain(request: IncomingMessage, done: () => void): void {
  let left = drainBytes
  const timer = setTimeout(finish, drainMs)
  function finish(): void {
    clearTimeout(timer)
    request.off('data', count)
    request.off('end', finish)
    request.off('close', finish)
    request.off('error', finish)
    done()
  }
  function count(chunk: Buffer): void {
    left -= chunk.length
    if (left <= 0) finish()
  }
  request.on('data', count)
  request.once('end', finish)
  request.once('close', finish)
  request.once('error', finish)
  request.resume()
}
