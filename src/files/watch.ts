import { resolve } from 'node:path'
import { createFingerprints, ShortOfResources, type Fingerprints } from './fingerprint.js'
import { FolderWatches } from './folder-watches.js'
import { placesOf } from './places.js'
import { problemOf, type FileProblem } from './problem.js'

/** What to watch, and whom to tell. */
export interface WatchOptions {
  /** Files and folders; none of them needs to exist. */
  readonly paths: readonly string[]
  /** Of the files that count in a folder, such as `.yaml`; none: all. */
  readonly extensions?: readonly string[]
  /** Quiet time in milliseconds that ends a burst of changes. */
  readonly debounceMs: number
  /** Milliseconds between looks that need no event (NFS reports none); 0: never. */
  readonly pollMs: number
  /** The watched paths (absolute) whose content is another than before. */
  readonly onChange: (changed: readonly string[]) => void
  /** Watching is impaired; the slow poll goes on. */
  readonly onError: (problem: FileProblem) => void
}

export interface PathWatcher {
  /** Looks now; resolves once everything that changed before the call was told. */
  check(): Promise<void>
  /**
   * Watches these paths instead. Resolves to those that were not watched before: they may have
   * changed between being read and being watched, so whoever read them reads once more.
   */
  update(paths: readonly string[]): Promise<readonly string[]>
  /**
   * Takes what stands there now for known, untold: for whoever reads it next, for a reason of their own.
   * Otherwise what they read, and somebody takes back, would be no change.
   */
  mark(): Promise<void>
  /** No event after this call; resolves once every descriptor is closed. */
  close(): Promise<void>
}

/** A burst that does not end is looked at after this many quiet times. */
const patience = 20

/**
 * Tells, once, that what stands at some paths has changed.
 *
 * Content decides, not events: a touch says nothing, an editor's rename, `mv`, a swapped symbolic link
 * (Kubernetes ConfigMap) and a replaced folder each say one thing. Deleting is a change too.
 * Resolves once watching; what was read before that may have been older.
 */
export async function watchPaths(options: WatchOptions): Promise<PathWatcher> {
  const watcher = new Watcher(options)
  await watcher.start()
  return watcher
}

class Watcher implements PathWatcher {
  readonly #options: WatchOptions
  readonly #extensions: readonly string[]
  readonly #fingerprints: Fingerprints
  readonly #folders: FolderWatches
  #paths: readonly string[]
  #known: ReadonlyMap<string, string> = new Map()
  #queue: Promise<unknown> = Promise.resolve()
  #debounce: NodeJS.Timeout | undefined
  #poll: NodeJS.Timeout | undefined
  #burstEnd = 0
  #closed = false

  constructor(options: WatchOptions) {
    this.#options = options
    this.#extensions = options.extensions ?? []
    this.#paths = unique(options.paths)
    this.#fingerprints = createFingerprints(this.#extensions, Date.now)
    this.#folders = new FolderWatches({
      onEvent: () => {
        this.#schedule()
      },
      onProblem: (problem) => {
        if (!this.#closed) options.onError(problem)
      },
    })
  }

  async start(): Promise<void> {
    await this.update(this.#paths)
    if (this.#options.pollMs <= 0) return
    this.#poll = setInterval(() => {
      this.#checkAlone()
    }, this.#options.pollMs)
    this.#poll.unref()
  }

  check(): Promise<void> {
    return this.#inTurn(async () => {
      const seen = await this.#look(this.#paths)
      if (seen === undefined || this.#closed) return
      const changed = this.#paths.filter((path) => seen.get(path) !== this.#known.get(path))
      this.#known = seen
      if (changed.length > 0) this.#options.onChange(changed)
    })
  }

  update(paths: readonly string[]): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      const wanted = unique(paths)
      const fresh = wanted.filter((path) => !this.#known.has(path))
      const seen = await this.#look(wanted)
      this.#paths = wanted
      // a path watched before keeps what was last told of it, so that no change is swallowed here
      this.#known = new Map(wanted.map((path) => [path, this.#known.get(path) ?? seen?.get(path) ?? '']))
      return fresh
    })
  }

  mark(): Promise<void> {
    return this.#inTurn(async () => {
      const seen = await this.#look(this.#paths)
      // what could not be seen is another thing the next time
      this.#known = seen ?? new Map(this.#paths.map((path) => [path, '']))
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#debounce)
    clearInterval(this.#poll)
    await this.#queue
    this.#folders.close()
  }

  /** Watches first and reads then: what changes in between is seen by the watch. */
  async #look(paths: readonly string[]): Promise<ReadonlyMap<string, string> | undefined> {
    if (this.#closed) return undefined
    await this.#folders.sync(await placesOf(paths, this.#extensions))
    try {
      return await this.#fingerprints(paths)
    } catch (error) {
      if (!(error instanceof ShortOfResources)) throw error
      this.#options.onError(error.problem)
      return undefined
    }
  }

  #checkAlone(): void {
    this.check().catch((error: unknown) => {
      this.#options.onError(problemOf(this.#paths[0] ?? '', error))
    })
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#queue.then(work)
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  #schedule(): void {
    if (this.#closed) return
    const now = performance.now()
    const { debounceMs } = this.#options
    if (this.#debounce === undefined) this.#burstEnd = now + debounceMs * patience
    clearTimeout(this.#debounce)
    this.#debounce = setTimeout(
      () => {
        this.#debounce = undefined
        this.#checkAlone()
      },
      Math.min(debounceMs, Math.max(0, this.#burstEnd - now)),
    )
    this.#debounce.unref()
  }
}

function unique(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.map((path) => resolve(path)))]
}
