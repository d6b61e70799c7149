import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FailureCode } from '../core/failure.js'
import { passAnswer } from './answer-stream.js'
import { inviteBody } from './body.js'
import { writeHead } from './downstream-head.js'
import type { ForwardCost, ForwardOutcome, ForwardRequest, ForwardTimeouts, Reach } from './forwarder.js'
import { judgeSilence, patienceIn, type Phase } from './phase.js'
import { isRepeatable } from './repeatable.js'
import { downstreamFields } from './response-fields.js'
import { UpstreamPace } from './upstream-pace.js'

/** What an exchange came to; `stale` where a pooled connection had died and nothing was processed. */
export type ExchangeOutcome = ForwardOutcome | { readonly kind: 'stale' }

export interface ExchangeOptions {
  readonly timeouts: ForwardTimeouts
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number
  settle(outcome: ExchangeOutcome): void
}

/**
 * One request on its way up and its answer on its way down.
 *
 * Holds both ends together: whichever breaks or falls silent, the other is destroyed, and the
 * outcome is told exactly once. An answer that has begun is never ended as if it were whole.
 */
export class Exchange {
  readonly #forward: ForwardRequest
  readonly #options: ExchangeOptions
  readonly #startedAt: number
  readonly #onClientClose = (): void => {
    this.#leave()
  }
  #upstream: ClientRequest | undefined
  #phase: Phase = 'connecting'
  #socket: Socket | undefined
  /** Bytes that had come on the connection before it was ours. */
  #bytesBefore = 0
  /** Whether a connection that is being opened has come to its TLS handshake. */
  #isSecuring = false
  #timer: NodeJS.Timeout | undefined
  #paceTimer: NodeJS.Timeout | undefined
  #settled = false
  #bytesUp = 0
  #bytesDown = 0
  #headAt: number | undefined
  #upstreamStatus: number | undefined

  constructor(forward: ForwardRequest, options: ExchangeOptions) {
    this.#forward = forward
    this.#options = options
    this.#startedAt = options.now()
    forward.response.once('close', this.#onClientClose)
    forward.response.once('finish', () => {
      this.#answered()
    })
  }

  /** Takes over the request that was made upstream and gives it its body. */
  start(upstream: ClientRequest): void {
    this.#upstream = upstream
    upstream.once('socket', (socket) => {
      this.#onSocket(socket)
    })
    upstream.once('response', (answer) => {
      this.#onAnswer(answer)
    })
    upstream.on('error', (error) => {
      this.#onUpstreamError(error)
    })
    upstream.once('close', () => {
      // an upgrade nobody asked for ends here: neither an answer nor an error
      if (this.#upstreamStatus === undefined) {
        this.fail('upstream-response-invalid', new Error('the upstream closed without an answer'))
      }
    })
    this.#enter('connecting')
    const { body } = this.#forward
    if (body === 'none') upstream.end()
    else if (body !== 'stream') {
      this.#bytesUp = body.length
      upstream.end(body)
    }
  }

  /** Ends the exchange for a reason on our side or the upstream's. */
  fail(code: FailureCode, cause: Error): void {
    if (this.#settled) return
    const responseStarted = this.#forward.response.headersSent
    this.#settle({ kind: 'failed', code, reach: this.#reach(), responseStarted, cause, ...this.#cost() })
    this.#upstream?.destroy()
    // ended, it would look whole
    if (responseStarted) this.#forward.response.destroy()
  }

  #onSocket(socket: Socket): void {
    this.#socket = socket
    this.#bytesBefore = socket.bytesRead
    if (this.#settled) return
    if (connectedSockets.has(socket)) {
      this.#onConnected()
      return
    }
    const isSecure = this.#forward.upstream.startsWith('https:')
    if (isSecure) {
      this.#isSecuring = !socket.connecting
      socket.once('connect', () => (this.#isSecuring = true))
    }
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      connectedSockets.add(socket)
      this.#onConnected()
    })
  }

  #onConnected(): void {
    if (this.#settled || this.#phase !== 'connecting') return
    const { body, request } = this.#forward
    if (body !== 'stream') {
      this.#enter('waiting')
      return
    }
    // not before: what was read of it could go nowhere else any more
    if (request.readableEnded) {
      this.#upstream?.end()
      this.#enter('waiting')
      return
    }
    inviteBody(this.#forward)
    this.#enter('sending')
    request.on('data', (chunk: Buffer) => {
      this.#bytesUp += chunk.length
      this.#timer?.refresh()
    })
    request.once('end', () => {
      if (this.#phase === 'sending') this.#enter('waiting')
    })
    if (this.#upstream !== undefined) request.pipe(this.#upstream)
  }

  #onAnswer(answer: IncomingMessage): void {
    const { response, upstream, publicOrigin, responseFields = [] } = this.#forward
    const status = answer.statusCode ?? 0
    answer.on('error', ignore)
    if (this.#settled) return
    if (status < 200 || status > 599) {
      this.fail('upstream-response-invalid', new Error(`the upstream answered with status ${status}`))
      return
    }
    const { rawHeaders } = answer
    const fields = downstreamFields({ rawHeaders, status, upstream, publicOrigin, responseFields })
    if (fields === undefined) {
      this.fail('upstream-response-invalid', new Error('the upstream sent a field that cannot be passed on'))
      return
    }
    // a 204 that announces a body may have sent one: it would be read as the next answer
    if (status === 204 && announcesBody(answer) && this.#upstream !== undefined) {
      this.#upstream.shouldKeepAlive = false
    }
    this.#headAt = this.#options.now()
    this.#upstreamStatus = status
    try {
      writeHead(response, status, fields)
    } catch (error) {
      this.fail('internal', error instanceof Error ? error : new Error(String(error)))
      return
    }
    this.#enter('receiving')
    this.#watchPace()
    passAnswer(answer, response, {
      isOver: () => this.#settled,
      onProgress: (bytes) => {
        this.#bytesDown += bytes
        this.#timer?.refresh()
      },
      onBroken: () => {
        this.fail('upstream-broken', new Error('the answer broke off'))
      },
    })
  }

  #watchPace(): void {
    const { timeouts, now } = this.#options
    const { response, request, body } = this.#forward
    const pace = new UpstreamPace(timeouts)
    const look = (): void => {
      const isAwaited =
        response.writableLength === 0 && !response.writableEnded && (body !== 'stream' || request.complete)
      const problem = pace.look({ at: now(), received: this.#bytesDown, isAwaited })
      if (problem !== undefined) this.fail('upstream-timeout', problem)
    }
    look()
    this.#paceTimer = setInterval(look, Math.max(5, Math.min(500, timeouts.idleMs / 4)))
  }

  #onUpstreamError(error: Error & { code?: string }): void {
    if (this.#settled) return
    const { response } = this.#forward
    const code = error.code ?? ''
    const isReused = this.#upstream?.reusedSocket === true
    const isReset = code === 'ECONNRESET' || code === 'EPIPE'
    // only what may be repeated, and only what a kept connection lost (RFC 9110 section 9.2.2)
    const isSilent = !response.headersSent && this.#reach() !== 'answered'
    if (isReused && isReset && isSilent && isRepeatable(this.#forward)) {
      this.#settle({ kind: 'stale' })
      return
    }
    if (this.#phase === 'connecting') this.fail(this.#isSecuring ? 'upstream-tls' : 'upstream-refused', error)
    // TLS 1.3 tells of a client certificate that is not taken once the handshake is over
    else if (code.startsWith('ERR_SSL_')) this.fail('upstream-tls', error)
    else if (code.startsWith('HPE_')) this.fail('upstream-response-invalid', error)
    else this.fail('upstream-broken', error)
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => {
        this.#onSilence()
      },
      patienceIn(phase, this.#options.timeouts),
    )
  }

  #onSilence(): void {
    const verdict = judgeSilence({
      phase: this.#phase,
      timeouts: this.#options.timeouts,
      hasConnection: this.#socket !== undefined,
      isUpstreamFull: this.#upstream?.writableNeedDrain === true,
      isClientBehind: this.#forward.response.writableLength > 0,
    })
    if (verdict === 'goes-on') this.#enter(this.#phase)
    else this.fail(verdict.code, new Error(verdict.message))
  }

  #answered(): void {
    const status = this.#upstreamStatus
    if (this.#settled || status === undefined) return
    this.#settle({ kind: 'answered', status, ...this.#cost() })
    const { request, body } = this.#forward
    if (body !== 'stream' || request.complete) return
    // answered before the body was whole: the rest goes nowhere
    if (this.#upstream !== undefined) request.unpipe(this.#upstream)
    this.#upstream?.destroy()
    request.resume()
  }

  #leave(): void {
    if (this.#settled) return
    this.#settle({
      kind: 'client-left',
      responseStarted: this.#forward.response.headersSent,
      ...this.#cost(),
    })
    this.#upstream?.destroy()
    this.#forward.response.destroy()
  }

  #reach(): Reach {
    if (this.#phase === 'connecting') return 'unsent'
    const received = (this.#socket?.bytesRead ?? 0) > this.#bytesBefore
    return received || this.#upstreamStatus !== undefined ? 'answered' : 'sent'
  }

  #cost(): ForwardCost {
    return {
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      upstreamMs: (this.#headAt ?? this.#options.now()) - this.#startedAt,
      upstreamStatus: this.#upstreamStatus,
    }
  }

  #settle(outcome: ExchangeOutcome): void {
    this.#settled = true
    clearTimeout(this.#timer)
    clearInterval(this.#paceTimer)
    this.#forward.response.off('close', this.#onClientClose)
    this.#options.settle(outcome)
  }
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined
}

// a socket that is handed on tells nothing of its handshake: `reusedSocket` is false after a wait in the queue
const connectedSockets = new WeakSet<Socket>()

function ignore(): void {
  // told by `close`
}
