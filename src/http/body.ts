import type { IncomingMessage, ServerResponse } from 'node:http'
import { deny, type Denial } from '../core/decision.js'
import { Failure } from '../core/failure.js'
import { HeldPieces } from './held-pieces.js'

/** The two ends of one exchange with a client. */
export interface ClientExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** What a body may cost. */
export interface BodyLimits {
  readonly maxBytes: number
  /** From the call to the last byte. */
  readonly timeoutMs: number
  readonly account: BodyAccount
}

/** Bytes of judged bodies held by the whole process at one time. */
export class BodyAccount {
  readonly maxBytes: number
  #held = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  get heldBytes(): number {
    return this.#held
  }

  /** Takes the bytes in, or says that there is no room for them. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.maxBytes) return false
    this.#held += bytes
    return true
  }

  release(bytes: number): void {
    this.#held -= bytes
  }
}

const invited = new WeakSet<ServerResponse>()

/** Answers `Expect: 100-continue`, once, when somebody is about to read the body. @see RFC 9110 section 10.1.1 */
export function inviteBody({ request, response }: ClientExchange): void {
  if (request.headers.expect === undefined || invited.has(response)) return
  invited.add(response)
  if (!response.headersSent && !response.destroyed) response.writeContinue()
}

/**
 * The whole body, or the denial that it is too large or too slow.
 *
 * A length announced beyond the limit is refused before a byte is read, an unannounced one at the
 * first byte too many. The bytes stay on the account until the response is closed. What is left
 * unread after a denial is for the one who answers to throw away.
 *
 * @throws Failure `overloaded` where the account is full, `client-left` where the body breaks off
 */
export async function readBody(exchange: ClientExchange, limits: BodyLimits): Promise<Uint8Array | Denial> {
  const { request, response } = exchange
  const { maxBytes, timeoutMs, account } = limits
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) return tooLarge(maxBytes)
  if (!account.take(0) || account.heldBytes + announced > account.maxBytes) throw overloaded()
  if (response.destroyed || (request.destroyed && !request.complete)) throw clientLeft()

  let held = 0
  response.once('close', () => {
    account.release(held)
    held = 0
  })
  inviteBody(exchange)
  return await new Promise<Uint8Array | Denial>((resolve, reject) => {
    const pieces = new HeldPieces()
    const timer = setTimeout(() => {
      stop()
      const received = `${pieces.length} bytes of the body in ${timeoutMs} ms`
      resolve(deny('request-timeout', { detail: received, sent: { received } }))
    }, timeoutMs)

    function stop(): void {
      clearTimeout(timer)
      request.off('data', keep)
      request.off('end', finish)
      request.off('close', leave)
      request.pause()
    }
    function keep(chunk: Buffer): void {
      if (pieces.length + chunk.length > maxBytes) {
        stop()
        resolve(tooLarge(maxBytes))
        return
      }
      if (!account.take(chunk.length)) {
        stop()
        reject(overloaded())
        return
      }
      held += chunk.length
      pieces.add(chunk)
    }
    function finish(): void {
      stop()
      resolve(pieces.whole())
    }
    function leave(): void {
      stop()
      reject(clientLeft())
    }
    request.on('data', keep)
    request.once('end', finish)
    request.once('close', leave)
    // what breaks the body is told by `close`; unheard, it would end the process
    request.on('error', ignore)
  })
}

function ignore(): void {
  // told by `close`
}

function tooLarge(maxBytes: number): Denial {
  return deny('body-too-large', { sent: { maxBytes: String(maxBytes) } })
}

function overloaded(): Failure {
  return new Failure('overloaded', 'the bodies under way fill the memory set aside for them', {
    limit: 'bodyBytesInFlight',
  })
}

function clientLeft(): Failure {
  return new Failure('client-left', 'the client left before its body was whole')
}
