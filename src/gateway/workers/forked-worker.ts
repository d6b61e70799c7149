import cluster, { type Worker } from 'node:cluster'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { ToPrimary, ToWorker, WorkerSight } from './messages.js'
import { policyDescriptor, sendPolicy } from './policy-pipe.js'

/** How long a worker may say nothing before it is counted as missing, and before it is ended. */
const missingMs = 2_000
const hungMs = 10_000
/** From the fork to the first request that could be answered. */
export const startMs = 60_000

interface ForkOptions {
  /** Which of the workers it is. */
  readonly slot: number
  readonly onMessage: (worker: ForkedWorker, message: ToPrimary) => void
  /** It is gone, and all it had said has been heard; a signal or an exit code. */
  readonly onEnd: (worker: ForkedWorker, how: string) => void
}

/** One worker process, as the primary knows it. */
export class ForkedWorker {
  readonly slot: number
  /** Epoch milliseconds. */
  readonly startedAt = Date.now()
  /** Uptime of this process in milliseconds, here and below. */
  readonly forkedAt = performance.now()
  servingSince: number | undefined
  heardAt = performance.now()
  isMissing = false
  isKilled = false
  /** The revision it got ready, and the one it judges by. */
  prepared: string | undefined
  revision: string | undefined
  requests = 0
  sight: WorkerSight | undefined
  /** The last look that it answered. */
  looked = 0
  private readonly worker: Worker
  private sent: string | undefined

  constructor({ slot, onMessage, onEnd }: ForkOptions) {
    this.slot = slot
    this.worker = cluster.fork()
    this.worker.on('message', (message: ToPrimary) => {
      this.heardAt = performance.now()
      onMessage(this, message)
    })
    // a channel that breaks is followed by the end of the worker
    this.worker.on('error', () => undefined)
    this.worker.process.stdio[policyDescriptor]?.on('error', () => undefined)
    // the end of the channel comes behind all that was said
    let how: string | undefined
    let isHeard = false
    this.worker.once('exit', (code: number | null, signal: string | null) => {
      how = signal ?? `code ${code ?? 0}`
      if (isHeard) onEnd(this, how)
    })
    this.worker.once('disconnect', () => {
      isHeard = true
      if (how !== undefined) onEnd(this, how)
    })
  }

  /** Its number among all that were forked. */
  get id(): number {
    return this.worker.id
  }

  get pid(): number {
    return this.worker.process.pid ?? 0
  }

  send(message: ToWorker): void {
    if (this.worker.isConnected()) this.worker.send(message)
  }

  /** Hands a policy over, unless it has it. */
  sendPolicy(revision: string, encoded: Buffer): void {
    const pipe = this.worker.process.stdio[policyDescriptor]
    if (this.sent === revision || !(pipe instanceof Writable)) return
    this.sent = revision
    sendPolicy(pipe, encoded)
  }

  kill(): void {
    this.worker.process.kill('SIGKILL')
  }

  /** What its silence means by now. @param now - as `performance.now` */
  silence(now: number): 'none' | 'missing' | 'hung' {
    if (this.servingSince === undefined) return now - this.forkedAt > startMs ? 'hung' : 'none'
    if (now - this.heardAt > hungMs) return 'hung'
    return now - this.heardAt > missingMs ? 'missing' : 'none'
  }

  /** What it said before `now` counts: this process itself did not listen. */
  excuse(now: number): void {
    this.heardAt = now
  }
}

/** Says once how workers are forked: this program's other entrance, and a pipe for policies. */
export function prepareForks(): void {
  // not round robin: the primary would hand connections to a worker that stands still, and lose them with it
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('./worker-process.js', import.meta.url)),
    args: [],
    serialization: 'advanced',
    stdio: ['inherit', 'inherit', 'inherit', 'ipc', 'pipe'],
  })
}
