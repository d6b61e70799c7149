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
  readonly diagnostics: readonly Diagnostic[]
  readonly durationMs: number
}

interface PolicySourceOptions {
  readonly file: string
  readonly loaded: LoadedPolicy
  /** Asked before a new policy comes into force; an error refuses it. */
  readonly accept: (next: Policy, current: Policy) => readonly Diagnostic[]
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
    else await this.reload('change', 'quietly')
  }

  /** Reads everything anew. During a reload, one more is set behind it. Never rejects. */
  reload(trigger: ReloadTrigger, voice: 'aloud' | 'quietly' = 'aloud'): Promise<ReloadReport> {
    if (this.running === undefined) {
      this.running = this.once(trigger, voice).finally(() => {
        this.running = undefined
      })
      return this.running
    }
    this.again ??= this.running.then(() => {
      this.again = undefined
      return this.reload(trigger, voice)
    })
    return this.again
  }

  async close(): Promise<void> {
    this.closed = true
    await this.watcher?.close()
  }

  private async once(trigger: ReloadTrigger, voice: 'aloud' | 'quietly'): Promise<ReloadReport> {
    const startedAt = performance.now()
    const loaded = await loadInWorker(this.options.file, this.readSet)
    const report = this.settle(loaded, trigger, performance.now() - startedAt)
    // `quietly`: the look after watching began is no event unless it finds something
    if (voice === 'aloud' || (loaded !== 'unchanged' && report.result !== 'unchanged'))
      this.options.onReload(report)
    if (loaded === 'unchanged') return report
    this.readSet = loaded.ok ? loaded.value.readSet : loaded.problem.readSet
    const fresh = this.closed ? [] : await this.watcher?.update(this.readSet.map(([path]) => path))
    // a path that was read before it was watched may have changed in between
    if (fresh !== undefined && fresh.length > 0) void this.reload('change', 'quietly')
    return report
  }

  private settle(loaded: Loaded | 'unchanged', trigger: ReloadTrigger, durationMs: number): ReloadReport {
    const base = { trigger, durationMs, revision: this.policy.revision }
    if (loaded === 'unchanged') {
      const { lastRefused } = this
      return lastRefused === undefined
        ? { ...base, result: 'unchanged', diagnostics: [] }
        : { ...lastRefused, trigger, durationMs }
    }
    if (!loaded.ok) {
      const { diagnostics, revision } = loaded.problem
      return this.refused({ ...base, result: 'refused', refusedRevision: revision, diagnostics })
    }
    if (loaded.value.revision === this.policy.revision) {
      this.lastRefused = undefined
      return { ...base, result: 'unchanged', diagnostics: [] }
    }
    const next = openPolicy(loaded.value, this.policy)
    const diagnostics = this.options.accept(next, this.policy)
    if (diagnostics.length > 0) {
      return this.refused({ ...base, result: 'refused', refusedRevision: next.revision, diagnostics })
    }
    this.policy = next
    this.lastRefused = undefined
    return { ...base, result: 'reloaded', revision: next.revision, diagnostics: loaded.value.warnings }
  }

  private refused(report: ReloadReport): ReloadReport {
    this.lastRefused = report
    return report
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
      resolve({ ok: false, problem: { revision: '', diagnostics, readSet: [[file, '']] } })
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
