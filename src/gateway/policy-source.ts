import { Worker } from 'node:worker_threads'
import type { Diagnostic } from '../core/diagnostic.js'
import type { Result } from '../core/result.js'
import type { FileProblem } from '../files/problem.js'
import { watchPaths, type PathWatcher } from '../files/watch.js'
import type { LoadOrder } from './load-worker.js'
import { whitelistExtensions } from './load-files.js'
import type { LoadProblem } from './load.js'
import { openPolicy, type LoadedPolicy, type Policy, type ReadSet } from './policy.js'

type Loaded = Result<LoadedPolicy, LoadProblem>

/** What made a reload happen. */
export type ReloadTrigger = 'change' | 'signal' | 'admin'

/** What came of a reload; told once, in log, metrics and audit. */
export interface ReloadReport {
  readonly result: 'reloaded' | 'refused' | 'unchanged'
  readonly trigger: ReloadTrigger
  /** Of the policy now in force. */
  readonly revision: string
  /** Of what was refused. */
  readonly refusedRevision?: string
  /** Whether the guard alone refused it, so that confirming `refusedRevision` lets it pass. */
  readonly confirmable?: boolean
  /** Of what came, or would come, into force. */
  readonly nextRevision?: string
  readonly diagnostics: readonly Diagnostic[]
  readonly durationMs: number
}

/** How a reload is asked for, beside its trigger. */
export interface ReloadWish {
  /** Is no event unless it finds something. */
  readonly quietly?: boolean
  /** The revision that may come into force though the guard says no. */
  readonly confirm?: string
  /** Tells what would be; nothing is replaced, noted or told. */
  readonly dryRun?: boolean
}

type ReloadFacts = Pick<ReloadReport, 'trigger' | 'durationMs'>

/** Milliseconds until what could not be read, though nothing is wrong with it, is read again; doubled up to the last. */
const retryMs = { first: 5_000, last: 60_000 } as const

interface PolicySourceOptions {
  readonly file: string
  readonly loaded: LoadedPolicy
  /** Asked before a new policy comes into force; an error refuses it. */
  readonly accept: (next: Policy, current: Policy) => readonly Diagnostic[]
  /** Asked as well, unless the new revision was confirmed. */
  readonly guard: (next: Policy, current: Policy) => readonly Diagnostic[]
  /** Brings what comes into force to other processes; what is in force here changes once it resolves. */
  readonly spread?: (loaded: LoadedPolicy) => Promise<void>
  /** Told once per reload, after the policy (if it is a new one) came into force. */
  readonly onReload: (report: ReloadReport) => void
  readonly onWatchProblem: (problem: FileProblem) => void
}

/**
 * The policy in force, and what replaces it: all or nothing, one reload at a time.
 *
 * INVARIANT: `current()` is a whole policy at every instant; a refused one leaves no trace in it.
 */
export class PolicySource {
  private readonly options: PolicySourceOptions
  private policy: Policy
  /** Of the last load, in force or refused: the same bad bytes are not parsed twice. */
  private readSet: ReadSet
  private lastRefused: ReloadReport | undefined
  private retry: NodeJS.Timeout | undefined
  private retryAfterMs: number = retryMs.first
  private watcher: PathWatcher | undefined
  private running: Promise<ReloadReport> | undefined
  private again: Promise<ReloadReport> | undefined
  private closed = false

  constructor(options: PolicySourceOptions) {
    this.options = options
    this.policy = openPolicy(options.loaded)
    this.readSet = options.loaded.readSet
  }

  /** The policy in force now. */
  current(): Policy {
    return this.policy
  }

  /** Begins to follow the files; what changed since they were read is taken up at once. */
  async follow(): Promise<void> {
    const { reload } = this.policy.config
    this.watcher = await watchPaths({
      paths: this.readSet.map(([path]) => path),
      extensions: whitelistExtensions,
      debounceMs: reload.debounceMs,
      pollMs: reload.pollSeconds * 1000,
      onChange: () => {
        void this.reload('change')
      },
      onError: this.options.onWatchProblem,
    })
    if (this.closed) await this.watcher.close()
    else await this.reload('change', { quietly: true })
  }

  /** Reads everything anew. During a reload, one more is set behind it. Never rejects. */
  reload(trigger: ReloadTrigger, wish: ReloadWish = {}): Promise<ReloadReport> {
    if (this.running === undefined) {
      this.running = this.once(trigger, wish).finally(() => {
        this.running = undefined
      })
      return this.running
    }
    // what was asked for in so many words is not answered by another reload
    if (wish.confirm !== undefined || wish.dryRun === true)
      return this.running.then(() => this.reload(trigger, wish))
    this.again ??= this.running.then(() => {
      this.again = undefined
      return this.reload(trigger, wish)
    })
    return this.again
  }

  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.retry)
    await this.watcher?.close()
  }

  private async once(trigger: ReloadTrigger, wish: ReloadWish): Promise<ReloadReport> {
    const startedAt = performance.now()
    if (wish.dryRun === true) {
      const loaded = await loadInWorker(this.options.file)
      return this.judge(loaded, wish, { trigger, durationMs: performance.now() - startedAt }).report
    }
    await this.watcher?.mark()
    // what is confirmed has been read before, and refused; what waits for another try has not been read
    const isNew = wish.confirm !== undefined || this.retry !== undefined
    const loaded = await loadInWorker(this.options.file, isNew ? [] : this.readSet)
    clearTimeout(this.retry)
    this.retry = undefined
    const report = await this.settle(loaded, wish, { trigger, durationMs: performance.now() - startedAt })
    // the look after watching began is no event unless it finds something
    if (wish.quietly !== true || (loaded !== 'unchanged' && report.result !== 'unchanged'))
      this.options.onReload(report)
    if (loaded === 'unchanged') return report
    if (!loaded.ok && loaded.problem.isPassing) {
      // what was watched before is watched on
      this.tryAgain()
      return report
    }
    this.retryAfterMs = retryMs.first
    this.readSet = loaded.ok ? loaded.value.readSet : loaded.problem.readSet
    const fresh = this.closed ? [] : await this.watcher?.update(this.readSet.map(([path]) => path))
    // a path that was read before it was watched may have changed in between
    if (fresh !== undefined && fresh.length > 0) void this.reload('change', { quietly: true })
    return report
  }

  private tryAgain(): void {
    if (this.closed) return
    this.retry = setTimeout(() => void this.reload('change'), this.retryAfterMs)
    this.retry.unref()
    this.retryAfterMs = Math.min(this.retryAfterMs * 2, retryMs.last)
  }

  private async settle(
    loaded: Loaded | 'unchanged',
    wish: ReloadWish,
    facts: ReloadFacts,
  ): Promise<ReloadReport> {
    if (loaded === 'unchanged') {
      const { lastRefused } = this
      return lastRefused === undefined
        ? { ...facts, revision: this.policy.revision, result: 'unchanged', diagnostics: [] }
        : { ...lastRefused, ...facts }
    }
    const { report, next } = this.judge(loaded, wish, facts)
    this.lastRefused = report.result === 'refused' ? report : undefined
    if (next === undefined || !loaded.ok) return report
    await this.options.spread?.(loaded.value)
    this.policy = next
    return { ...report, revision: next.revision }
  }

  /** What a reload would come to; `next` is there where something new may come into force. */
  private judge(
    loaded: Loaded,
    { confirm }: ReloadWish,
    facts: ReloadFacts,
  ): { readonly report: ReloadReport; readonly next?: Policy } {
    const base = { ...facts, revision: this.policy.revision }
    if (!loaded.ok) {
      const { diagnostics, revision } = loaded.problem
      return { report: { ...base, result: 'refused', refusedRevision: revision, diagnostics } }
    }
    const { revision, warnings } = loaded.value
    if (revision === this.policy.revision)
      return { report: { ...base, result: 'unchanged', diagnostics: [] } }
    const next = openPolicy(loaded.value, this.policy)
    const accepted = this.options.accept(next, this.policy)
    const guarded = confirm === revision ? [] : this.options.guard(next, this.policy)
    const diagnostics = [...accepted, ...guarded]
    if (diagnostics.length > 0) {
      const confirmable = accepted.length === 0
      return {
        report: { ...base, result: 'refused', refusedRevision: revision, confirmable, diagnostics },
      }
    }
    return { report: { ...base, result: 'reloaded', nextRevision: revision, diagnostics: warnings }, next }
  }
}

/** `loadPolicy` on a thread of its own; a thread that dies is a refusal with its message. */
export async function loadInWorker(file: string): Promise<Loaded>
export async function loadInWorker(file: string, unless: ReadSet): Promise<Loaded | 'unchanged'>
export async function loadInWorker(file: string, unless: ReadSet = []): Promise<Loaded | 'unchanged'> {
  const order: LoadOrder = { file, unless }
  return new Promise((resolve) => {
    const failed = (message: string): void => {
      const place = { file, line: 1, column: 1 }
      const diagnostics: Diagnostic[] = [{ severity: 'error', code: 'load-failed', place, message }]
      const problem = { revision: '', diagnostics, readSet: [], isPassing: true }
      resolve({ ok: false, problem })
    }
    const worker = new Worker(new URL('./load-worker.js', import.meta.url), { workerData: order })
    worker.once('message', (loaded: Loaded | 'unchanged') => {
      resolve(loaded)
    })
    worker.once('error', (error) => {
      failed(`the configuration could not be loaded: ${error.message}`)
    })
    worker.once('exit', (code) => {
      // after a message this settles nothing any more
      failed(`the thread that loads the configuration ended early, with code ${code}`)
    })
  })
}
