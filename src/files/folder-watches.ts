import { watch, type FSWatcher } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Places } from './places.js'
import { problemOf, type FileProblem } from './problem.js'

interface FolderWatch {
  readonly watcher: FSWatcher
  /** Device and inode: a watch stays with the folder it was set on, wherever that is moved. */
  readonly identity: string
}

/** What to do on a relevant event, and where a folder cannot be watched. */
export interface FolderWatchesOptions {
  readonly onEvent: () => void
  /** Said once for a folder, until it can be watched again. */
  readonly onProblem: (problem: FileProblem) => void
}

/**
 * Keeps one `fs.watch` on each folder of a set, and renews those whose folder was replaced.
 *
 * Only folders are watched: `fs.watch` on a file dies with its first rename.
 */
export class FolderWatches {
  readonly #options: FolderWatchesOptions
  readonly #watches = new Map<string, FolderWatch>()
  readonly #unwatchable = new Set<string>()
  #places: Places = new Map()

  constructor(options: FolderWatchesOptions) {
    this.#options = options
  }

  /** Watches exactly these folders from now on. */
  async sync(places: Places): Promise<void> {
    this.#places = places
    for (const folder of [...this.#watches.keys()]) if (!places.has(folder)) this.#drop(folder)
    for (const folder of places.keys()) await this.#keep(folder)
  }

  close(): void {
    for (const folder of [...this.#watches.keys()]) this.#drop(folder)
  }

  async #keep(folder: string): Promise<void> {
    const identity = await identityOf(folder)
    if (this.#watches.get(folder)?.identity === identity && identity !== undefined) return
    this.#drop(folder)
    if (identity === undefined) return
    try {
      const watcher = watch(folder, { persistent: false }, (_type, name) => {
        // its own name: it was moved or deleted, and the watch with it, though its inode may come again
        const isGone = name === basename(folder)
        if (isGone) this.#drop(folder)
        if (isGone || this.#isRelevant(folder, name)) this.#options.onEvent()
      })
      watcher.on('error', () => {
        this.#drop(folder)
        this.#options.onEvent()
      })
      this.#watches.set(folder, { watcher, identity })
      this.#unwatchable.delete(folder)
    } catch (error) {
      if (!this.#unwatchable.has(folder)) this.#options.onProblem(problemOf(folder, error))
      this.#unwatchable.add(folder)
    }
  }

  #isRelevant(folder: string, name: string | null): boolean {
    const names = this.#places.get(folder)
    return names === undefined || name === null || names.has(name)
  }

  #drop(folder: string): void {
    this.#watches.get(folder)?.watcher.close()
    this.#watches.delete(folder)
  }
}

async function identityOf(folder: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(folder, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
