import { randomBytes } from 'node:crypto'
import type { Log, LogLevel } from '../../observe/log.js'
import type { InheritedSocket } from '../../tls/inherited-sockets.js'
import type { LoadedPolicy } from '../policy.js'
import type { BoundAddress } from '../serving.js'
import { ForkedWorker, prepareForks, startMs } from './forked-worker.js'
import type { WorkerState } from './instance-status.js'
import type { ToPrimary, ToWorker, WorkerSight } from './messages.js'
import { encodePolicy } from './policy-pipe.js'

interface PoolOptions {
  readonly count: number
  readonly version: string
  readonly loaded: LoadedPolicy
  readonly sockets: readonly InheritedSocket[]
  readonly log: Log
  readonly isAuditHealthy: () => boolean
  /** Takes lines of a worker into the trail. */
  readonly onAudit: (lines: readonly string[], times: readonly number[]) => void
  /** A worker is gone, with what it had told last. */
  readonly onGone: (sight: WorkerSight | undefined) => void
  /** Sockets that were handed over are lost with the last worker: nobody can serve any more. */
  readonly onHopeless: () => void
  /** It ended unasked. */
  readonly onLost: (cause: 'died' | 'hung') => void
}

/** Who serves as long as this did not die at its start. */
const stableMs = 5_000
const longestPauseMs = 10_000
/** How long a reload waits for workers that take it up. */
const spreadMs = 15_000
/** Between two ticks of a process that was not held up itself. */
const lateMs = 1_000

/**
 * The worker processes of an instance: started, watched, replaced, and told what to serve by.
 *
 * They share the listening sockets and accept by themselves: a worker that is blocked takes no connection,
 * and one that dies takes none with it but its own.
 *
 * @see docs/decisions/0006-workers.md
 */
export class WorkerPool {
  addresses: readonly BoundAddress[] = []
  private readonly options: PoolOptions
  private readonly workers = new Set<ForkedWorker>()
  private readonly ticketSecret = randomBytes(48)
  /** How often in a row the worker of this place died at its start. */
  private readonly deaths: number[]
  private encoded: Buffer
  private revision: string
  /** What those that begin later are to put in force. */
  private committed: string
  private logLevel: LogLevel
  private isStopping = false
  private wasAuditHealthy = true
  private tickedAt = performance.now()
  private looks = 0
  private startProblem: string | undefined
  /** Called at every word of a worker, and when one ends. */
  private readonly watchers = new Set<() => void>()

  constructor(options: PoolOptions) {
    this.options = options
    this.encoded = encodePolicy(options.loaded)
    this.revision = options.loaded.revision
    this.committed = this.revision
    this.logLevel = options.log.level
    this.deaths = Array.from({ length: options.count }, () => 0)
  }

  /** Starts them all. @throws Error in the words of the first worker that cannot serve */
  async start(): Promise<void> {
    prepareForks()
    for (let slot = 0; slot < this.options.count; slot += 1) this.fork(slot)
    const areServing = (): boolean => this.serving().length === this.options.count
    await this.until(() => this.startProblem !== undefined || areServing(), startMs)
    if (this.startProblem === undefined && areServing()) return
    const problem = this.startProblem ?? `not every worker serves after ${startMs / 1000} s`
    await this.end(0)
    throw new Error(problem)
  }

  /** Each worker gets the policy ready, then all of them put it in force. */
  async spread(loaded: LoadedPolicy): Promise<void> {
    const { revision } = loaded
    this.encoded = encodePolicy(loaded)
    this.revision = revision
    for (const worker of this.workers) worker.sendPolicy(revision, this.encoded)
    const areReady = (): boolean =>
      this.serving().every(({ prepared, isMissing }) => isMissing || prepared === revision)
    await this.until(areReady, spreadMs)
    // those that begin meanwhile are told once they listen
    this.committed = revision
    this.tellAll({ kind: 'commit', revision })
    const haveIt = (): boolean => this.serving().every((each) => each.isMissing || each.revision === revision)
    await this.until(haveIt, spreadMs)
    for (const { pid, revision: other } of this.serving()) {
      if (other !== revision)
        this.options.log.warn('a worker has not taken up the configuration', { worker: pid, revision: other })
    }
  }

  setLogLevel(level: LogLevel): void {
    this.logLevel = level
    this.tellAll({ kind: 'log-level', level })
  }

  /** Asks every worker what it counted and saw; what does not come in time stays as it was. */
  async look(patienceMs: number): Promise<readonly WorkerSight[]> {
    this.looks += 1
    const id = this.looks
    const asked = this.serving().filter(({ isMissing }) => !isMissing)
    for (const worker of asked) worker.send({ kind: 'look', id })
    const haveAnswered = (): boolean => asked.every((each) => each.looked >= id || !this.workers.has(each))
    await this.until(haveAnswered, patienceMs)
    return [...this.workers].flatMap(({ sight }) => sight ?? [])
  }

  states(): readonly WorkerState[] {
    return [...this.workers].map(({ pid, startedAt, isMissing, servingSince, revision }) => ({
      pid,
      state: isMissing ? 'missing' : servingSince === undefined ? 'starting' : 'up',
      revision,
      startedAt,
    }))
  }

  requestsUnderWay(): number {
    return this.serving().reduce((sum, { requests }) => sum + requests, 0)
  }

  /** Who says nothing for too long is counted as missing, and ended after a while. */
  tick(): void {
    const now = performance.now()
    if (now - this.tickedAt > lateMs) for (const worker of this.workers) worker.excuse(now)
    this.tickedAt = now
    for (const worker of this.workers) this.judgeSilence(worker, now)
  }

  /** Tells the workers at once where the trail is broken, or mended. */
  tellAuditHealth(): void {
    const isHealthy = this.options.isAuditHealthy()
    if (isHealthy === this.wasAuditHealthy) return
    this.wasAuditHealthy = isHealthy
    this.tellAll({ kind: 'taken', lines: 0, isHealthy })
  }

  /** Lets requests finish; who has not ended by then is ended. */
  async end(patienceMs: number): Promise<void> {
    this.isStopping = true
    this.tellAll({ kind: 'stop' })
    await this.until(() => this.workers.size === 0, patienceMs)
    for (const worker of this.workers) worker.kill()
    await this.until(() => this.workers.size === 0, startMs)
  }

  private serving(): readonly ForkedWorker[] {
    return [...this.workers].filter(({ servingSince }) => servingSince !== undefined)
  }

  private tellAll(message: ToWorker, but?: ForkedWorker): void {
    for (const worker of this.workers) if (worker !== but) worker.send(message)
  }

  private fork(slot: number): void {
    const worker = new ForkedWorker({
      slot,
      onMessage: (from, message) => {
        this.heard(from, message)
      },
      onEnd: (gone, how) => {
        this.ended(gone, how)
      },
    })
    this.workers.add(worker)
    worker.sendPolicy(this.revision, this.encoded)
  }

  private heard(worker: ForkedWorker, message: ToPrimary): void {
    if (worker.isMissing) {
      worker.isMissing = false
      this.options.log.info('a worker answers again', { worker: worker.pid })
    }
    this.take(worker, message)
    this.news()
  }

  private take(worker: ForkedWorker, message: ToPrimary): void {
    const { version, sockets, isAuditHealthy, log, onAudit } = this.options
    const { ticketSecret, logLevel } = this
    const isHealthy = isAuditHealthy()
    switch (message.kind) {
      case 'ready':
        worker.send({ kind: 'start', version, ticketSecret, sockets, logLevel, isAuditHealthy: isHealthy })
        worker.send({ kind: 'commit', revision: this.committed })
        return
      case 'serving':
        worker.servingSince = performance.now()
        this.addresses = message.addresses
        return
      case 'failed':
        this.startProblem ??= message.message
        log.error('a worker cannot serve', { worker: worker.pid, detail: message.message })
        // the last one that held them closed them
        if (this.addresses.length > 0 && sockets.length > 0 && this.serving().length === 0)
          this.options.onHopeless()
        return
      case 'prepared':
        worker.prepared = message.revision
        return
      case 'beat':
        worker.revision = message.revision
        worker.requests = message.requests
        return
      case 'sight':
        worker.sight = message.sight
        worker.looked = message.id ?? worker.looked
        return
      case 'audit':
        onAudit(message.lines, message.times)
        worker.send({ kind: 'taken', lines: message.lines.length, isHealthy: isAuditHealthy() })
        return
      case 'used':
        this.tellAll({ kind: 'used', from: worker.id, uses: message.uses }, worker)
        return
      case 'moved':
        this.tellAll(message, worker)
        return
      case 'ending':
        return
    }
  }

  private judgeSilence(worker: ForkedWorker, now: number): void {
    const silence = worker.silence(now)
    if (silence === 'hung' && !worker.isKilled) {
      worker.isKilled = true
      this.options.log.error('a worker does not answer: it is ended', { worker: worker.pid })
      worker.kill()
    }
    if (silence === 'missing' && !worker.isMissing) {
      worker.isMissing = true
      this.options.log.warn('a worker does not answer', { worker: worker.pid })
      this.news()
    }
  }

  private ended(worker: ForkedWorker, how: string): void {
    const { slot, id, pid, servingSince, isKilled, sight } = worker
    this.workers.delete(worker)
    this.options.onGone(sight)
    this.tellAll({ kind: 'gone', from: id })
    if (!this.isStopping) {
      const isYoung = servingSince === undefined || performance.now() - servingSince < stableMs
      const deaths = isYoung ? (this.deaths[slot] ?? 0) + 1 : 0
      this.deaths[slot] = deaths
      // at once, unless it dies again and again
      const pauseMs = deaths < 2 ? 0 : Math.min(longestPauseMs, 100 * 2 ** (deaths - 2))
      this.options.onLost(isKilled ? 'hung' : 'died')
      const detail = pauseMs === 0 ? how : `${how}; the other one in ${pauseMs} ms`
      this.options.log.error('a worker ended: another one is started', { worker: pid, detail })
      if (servingSince === undefined) this.startProblem ??= `a worker ended at its start (${how})`
      setTimeout(() => {
        if (!this.isStopping) this.fork(slot)
      }, pauseMs)
    }
    this.news()
  }

  private news(): void {
    for (const watcher of [...this.watchers]) watcher()
  }

  /** Resolves once it holds, or when the time is over. */
  private until(holds: () => boolean, patienceMs: number): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.watchers.delete(watcher)
        resolve()
      }
      const watcher = (): void => {
        if (holds()) done()
      }
      const timer = setTimeout(done, patienceMs)
      this.watchers.add(watcher)
    })
  }
}
