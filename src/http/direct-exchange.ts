import type { FailureCode } from '../core/failure.js'
import type { LivePlace } from '../core/live-list.js'
import { endWithBody, passBody } from './answer-body.js'
import { joined, mostHeld } from './body-memory.js'
import type { Deadlines, Timed } from './deadlines.js'
import { writeHead } from './downstream-head.js'
import type { ForwardCost, ForwardOutcome, ForwardRequest, ForwardTimeouts, Reach } from './forwarder.js'
import { judgeSilence, patienceIn, type Phase } from './phase.js'
import { isRepeatable } from './repeatable.js'
import { requestHead, type RequestHead } from './request-head.js'
import { downstreamFields } from './response-fields.js'
import type { AnswerHead } from './response-parser.js'
import { sendRequest, type Upload } from './upload.js'
import { codeOfLoss, type ConnectionUser, type Loss, type UpstreamConnection } from './upstream-connection.js'
import { UpstreamPace } from './upstream-pace.js'
import type { UpstreamPool } from './upstream-pool.js'

export interface DirectExchangeOptions {
  readonly pool: UpstreamPool
  readonly deadlines: Deadlines
  readonly timeouts: ForwardTimeouts
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number
  settle(outcome: ForwardOutcome): void
}

/**
 * One request on its way up and its answer on its way down.
 *
 * Holds both ends together: whichever breaks or falls silent, the other is destroyed, and the
 * outcome is told exactly once. An answer that has begun is never ended as if it were whole.
 */
export class DirectExchange implements ConnectionUser, Timed {
  readonly isHead: boolean
  deadlineAt = 0
  readonly #forward: ForwardRequest
  readonly #options: DirectExchangeOptions
  readonly #startedAt: number
  readonly #head: RequestHead
  readonly #onClientClose = (): void => {
    this.#leave()
  }
  #place: LivePlace<Timed> | undefined
  #connection: UpstreamConnection | undefined
  #upload: Upload | undefined
  #phase: Phase = 'connecting'
  #hasRetried = false
  #hasReceived = false
  #settled = false
  // of the answer, what came with one read
  #fields: string[] | undefined
  #body: Buffer | undefined
  #isWhole = false
  #bytesDown = 0
  #pace: UpstreamPace | undefined
  #headAt: number | undefined
  #upstreamStatus: number | undefined

  /** @throws Error where the request cannot be written */
  constructor(forward: ForwardRequest, options: DirectExchangeOptions) {
    this.#forward = forward
    this.#options = options
    this.#startedAt = options.now()
    this.#head = requestHead(forward)
    this.isHead = forward.method === 'HEAD'
  }

  start(): void {
    const { response } = this.#forward
    response.on('close', this.#onClientClose)
    response.on('finish', () => {
      this.#answered()
    })
    this.#place = this.#options.deadlines.add(this)
    this.#enter('connecting')
    this.#options.pool.acquire(this, false)
  }

  /** Ends the exchange for a reason on our side or the upstream's. */
  fail(code: FailureCode, cause: Error): void {
    if (this.#settled) return
    const responseStarted = this.#forward.response.headersSent
    this.#settle({ kind: 'failed', code, reach: this.#reach(), responseStarted, cause, ...this.#cost() })
    this.#abandon()
    // ended, it would look whole
    if (responseStarted) this.#forward.response.destroy()
  }

  onConnection(connection: UpstreamConnection): void {
    this.#connection = connection
  }

  onConnected(connection: UpstreamConnection): void {
    if (this.#settled) return
    this.#upload = sendRequest(
      connection,
      { head: this.#head, forward: this.#forward },
      {
        onProgress: () => {
          this.#postpone()
        },
        onSent: () => {
          if (this.#phase === 'sending') this.#enter('waiting')
        },
        onProblem: (problem) => {
          this.fail('internal', new Error(problem))
        },
      },
    )
    this.#enter(this.#upload.isDone ? 'waiting' : 'sending')
  }

  onHead({ status, rawHeaders }: AnswerHead): void {
    const { upstream, publicOrigin, responseFields = [] } = this.#forward
    const fields = downstreamFields({ rawHeaders, status, upstream, publicOrigin, responseFields })
    if (fields === undefined) {
      this.fail('upstream-response-invalid', new Error('the upstream sent a field that cannot be passed on'))
      return
    }
    this.#fields = fields
    this.#headAt = this.#options.now()
    this.#upstreamStatus = status
  }

  onBody(piece: Buffer): void {
    this.#bytesDown += piece.length
    this.#body = this.#body === undefined ? piece : joined(this.#body, piece)
  }

  onWhole(): void {
    this.#isWhole = true
  }

  onRead(): void {
    if (this.#settled) return
    const body = this.#body
    this.#body = undefined
    if (this.#fields !== undefined && body === undefined && !this.#isWhole) {
      // the head waits a turn for the first bytes of its body
      setImmediate(() => {
        if (!this.#settled && this.#sendHead()) this.#forward.response.flushHeaders()
      })
      if (this.#phase !== 'receiving') this.#enter('receiving')
      return
    }
    // interim answers alone: nothing to pass on yet
    if (this.#upstreamStatus === undefined || !this.#sendHead()) return
    this.#enter('receiving')
    if (this.#isWhole) {
      if (body === undefined) this.#forward.response.end()
      else endWithBody(this.#forward.response, body, this.#connection)
      this.#endUpload()
    } else if (body !== undefined) this.#pass(body)
  }

  onDrain(): void {
    this.#postpone()
    this.#upload?.onDrain()
  }

  onLost({ kind, isStale, cause }: Loss): void {
    this.#hasReceived ||= this.#connection?.hasReceived === true
    this.#connection = undefined
    if (this.#settled || this.#isWhole) return
    // only what may be repeated, and only what a kept connection lost (RFC 9110 section 9.2.2)
    if (isStale && isRepeatable(this.#forward) && !this.#hasRetried) {
      this.#hasRetried = true
      this.#enter('connecting')
      this.#options.pool.closeIdle()
      this.#options.pool.acquire(this, true)
      return
    }
    this.fail(codeOfLoss[kind], cause)
  }

  onDeadline(): void {
    const verdict = judgeSilence({
      phase: this.#phase,
      timeouts: this.#options.timeouts,
      hasConnection: this.#connection !== undefined,
      isUpstreamFull: this.#connection?.socket.writableNeedDrain === true,
      isClientBehind: this.#forward.response.writableLength > 0,
    })
    if (verdict === 'goes-on') this.#postpone()
    else this.fail(verdict.code, new Error(verdict.message))
  }

  // how fast the body of an answer comes is looked at here alone: nothing is done for each piece
  onTick(at: number): void {
    if (this.#phase !== 'receiving' || this.#isWhole) return
    this.#pace ??= new UpstreamPace(this.#options.timeouts)
    const isAwaited = this.#forward.response.writableLength === 0 && this.#upload?.isDone !== false
    const problem = this.#pace.look({ at, received: this.#bytesDown, isAwaited })
    if (problem !== undefined) this.fail('upstream-timeout', problem)
  }

  /** Sends the head unless it is sent; false where that failed. */
  #sendHead(): boolean {
    const fields = this.#fields
    if (fields === undefined) return !this.#settled
    this.#fields = undefined
    try {
      writeHead(this.#forward.response, this.#upstreamStatus ?? 0, fields)
      return true
    } catch (error) {
      this.fail('internal', error instanceof Error ? error : new Error(String(error)))
      return false
    }
  }

  #pass(body: Buffer): void {
    const { response } = this.#forward
    passBody(response, body, this.#connection)
    if (response.writableLength < mostHeld) return
    this.#connection?.socket.pause()
    response.once('drain', () => {
      this.#postpone()
      this.#connection?.socket.resume()
    })
  }

  #answered(): void {
    const status = this.#upstreamStatus
    if (this.#settled || status === undefined) return
    this.#settle({ kind: 'answered', status, ...this.#cost() })
  }

  // answered before the body was whole: the rest goes nowhere
  #endUpload(): void {
    if (this.#upload?.isDone !== false) return
    this.#upload.stop()
    this.#forward.request.resume()
  }

  #leave(): void {
    if (this.#settled) return
    const { response } = this.#forward
    this.#settle({ kind: 'client-left', responseStarted: response.headersSent, ...this.#cost() })
    this.#abandon()
    response.destroy()
  }

  #abandon(): void {
    this.#upload?.stop()
    this.#options.pool.leave(this)
    // the connection of an answer that was read whole may be another request's by now
    if (!this.#isWhole) this.#connection?.destroy()
    this.#connection = undefined
  }

  #enter(phase: Phase): void {
    this.#phase = phase
    this.#postpone()
  }

  #postpone(): void {
    const { now, timeouts } = this.#options
    this.deadlineAt = now() + patienceIn(this.#phase, timeouts)
  }

  #reach(): Reach {
    if (this.#phase === 'connecting') return 'unsent'
    return this.#hasReceived || this.#connection?.hasReceived === true ? 'answered' : 'sent'
  }

  #cost(): ForwardCost {
    return {
      bytesUp: this.#upload?.bytes ?? 0,
      bytesDown: this.#bytesDown,
      upstreamMs: (this.#headAt ?? this.#options.now()) - this.#startedAt,
      upstreamStatus: this.#upstreamStatus,
    }
  }

  #settle(outcome: ForwardOutcome): void {
    this.#settled = true
    if (this.#place !== undefined) this.#options.deadlines.remove(this.#place)
    this.#forward.response.off('close', this.#onClientClose)
    this.#options.settle(outcome)
  }
}
