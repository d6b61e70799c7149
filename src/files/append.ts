import { setTimeout as sleep } from 'node:timers/promises'
import type { Result } from '../core/result.js'
import { appendFlags, close, freePath, fsync, isSameFile, open, rename, writeFrom } from './append-calls.js'
import { LineBlock } from './line-block.js'
import { problemOf, type FileProblem } from './problem.js'

/** Where lines go, and how much may wait. */
export interface AppendOptions {
  /** A path, which is kept open and opened again when it was rotated; or a standard stream. */
  readonly target: { readonly path: string; readonly mode?: number } | 'stdout' | 'stderr'
  /** Bytes that may wait to be written; beyond half of them it is not healthy, beyond all lines are lost. */
  readonly maxQueued: number
  /** Milliseconds between looks whether the file still stands at its path (made while writing); 1,000. */
  readonly rotationCheckMs?: number
  /** Milliseconds before a failed write is tried again; 1,000. */
  readonly retryMs?: number
  /** Said once when writing begins to fail. */
  readonly onProblem: (problem: FileProblem) => void
  /** Said once when it works again, with how many lines were lost meanwhile. */
  readonly onRecovered: (lost: number) => void
  /** The file was set aside, or could not be and is written on. */
  readonly onRotated?: (rotated: Result<string, FileProblem>) => void
}

/** A file that lines are added to, whatever happens to the disk. Nothing here throws. */
export interface AppendFile {
  /** Takes a line (with its newline); false where it was lost, since too much waits already. */
  write(line: string): boolean
  /** False while writing fails or too much waits: the next lines might be lost. */
  readonly healthy: boolean
  /** Lines lost since the start. */
  readonly lost: number
  /** Opens the path anew before the next line (SIGHUP, after a rotation). */
  reopen(): void
  /** Renames the file behind the lines so far, and begins another at its path; never over a file that is there. */
  rotate(to: string): void
  /** Tries to write all that waits; true where nothing waits any more. */
  flush(): Promise<boolean>
  /** Flushes and closes. Resolves to how many lines were lost since the start, those that could not be written included. */
  close(): Promise<number>
}

/**
 * Opens a file for adding lines: created where it is missing, never truncated, and never without a
 * problem that is told where it cannot be.
 */
export async function openAppendFile(options: AppendOptions): Promise<Result<AppendFile, FileProblem>> {
  const file = new Appender(options)
  const problem = await file.start()
  return problem === undefined ? { ok: true, value: file } : { ok: false, problem }
}

/** Stands in the queue behind the last line of the old file. */
interface Rotation {
  readonly to: string
}

// a write costs as much as thirty lines do: under load, those of a few milliseconds go out in one
const gatherMs = 5
const streams = { stdout: 1, stderr: 2 } as const

class Appender implements AppendFile {
  readonly #options: AppendOptions
  readonly #path: string
  #fd: number | undefined
  #queue: (LineBlock | Rotation)[] = []
  #spare: LineBlock | undefined
  #queued = 0
  /** Bytes of the first line that this descriptor has taken already. */
  #begun = 0
  #lost = 0
  #lostBefore = 0
  #problem: FileProblem | undefined
  #isStale = false
  #checkedAt = 0
  #wroteAt = -Infinity
  #draining: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: AppendOptions) {
    this.#options = options
    this.#path = typeof options.target === 'string' ? options.target : options.target.path
  }

  get healthy(): boolean {
    return this.#problem === undefined && !this.#isClosed && this.#queued <= this.#options.maxQueued / 2
  }

  get lost(): number {
    return this.#lost
  }

  async start(): Promise<FileProblem | undefined> {
    try {
      this.#fd = await this.#open()
      return undefined
    } catch (error) {
      return problemOf(this.#path, error)
    }
  }

  write(line: string): boolean {
    if (this.#isClosed || this.#queued + line.length > this.#options.maxQueued) {
      this.#lost += 1
      return false
    }
    this.#queued += this.#blockFor(line).add(line)
    if (this.#problem === undefined) this.#drain()
    return true
  }

  reopen(): void {
    this.#isStale = typeof this.#options.target !== 'string'
    this.#drain()
  }

  rotate(to: string): void {
    if (this.#isClosed || typeof this.#options.target === 'string') return
    this.#queue.push({ to })
    if (this.#problem === undefined) this.#drain()
  }

  async flush(): Promise<boolean> {
    // a second round takes what was added, or what failed, before this call but after the first began
    for (let round = 0; round < 2; round += 1) {
      this.#drain()
      await this.#draining
    }
    return this.#queue.length === 0
  }

  async close(): Promise<number> {
    await this.flush()
    this.#isClosed = true
    clearTimeout(this.#retry)
    await this.#draining
    for (const item of this.#queue) if (item instanceof LineBlock) this.#lost += item.waiting
    this.#queue = []
    this.#queued = 0
    await this.#closeFile()
    return this.#lost
  }

  #drain(): void {
    if (this.#isClosed) return
    this.#draining ??= this.#writeAll()
      .catch(() => undefined)
      .finally(() => {
        this.#draining = undefined
        if (this.#queue.length > 0 && this.#problem === undefined) this.#drain()
      })
  }

  async #writeAll(): Promise<void> {
    try {
      await this.#gather()
      await this.#keepInPlace()
      while (this.#queue.length > 0) {
        const [first] = this.#queue
        if (first instanceof LineBlock) await this.#writeBlock(first)
        else if (first !== undefined) await this.#setAside(first.to)
        this.#recovered()
        if (this.#queue.length > 0) await this.#gather()
        await this.#keepInPlace()
      }
      this.#recovered()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** The lines of one turn of the event loop go out together; after a write, those of some milliseconds. */
  async #gather(): Promise<void> {
    const waitMs = this.#wroteAt + gatherMs - performance.now()
    await (waitMs > 0 ? sleep(waitMs) : new Promise(setImmediate))
  }

  async #writeBlock(block: LineBlock): Promise<void> {
    if (this.#fd === undefined) return
    const before = block.written
    const { done, error } = await writeFrom(this.#fd, block.filled, before + this.#begun)
    this.#wroteAt = performance.now()
    block.wrote(done)
    this.#begun = done - block.written
    this.#queued -= block.written - before
    if (error !== undefined) throw error
    // lines that were added meanwhile are next
    if (block.waiting > 0) return
    this.#queue.shift()
    if (!block.isUsual) return
    block.clear()
    this.#spare = block
  }

  /** Where the line goes: behind what waits already. */
  #blockFor(line: string): LineBlock {
    const last = this.#queue.at(-1)
    if (last instanceof LineBlock && last.hasRoomFor(line)) return last
    let block = this.#spare
    this.#spare = undefined
    if (block?.hasRoomFor(line) !== true) block = new LineBlock(Buffer.byteLength(line))
    this.#queue.push(block)
    return block
  }

  // a rotation that fails costs no line: the file is written on
  async #setAside(wish: string): Promise<void> {
    this.#queue.shift()
    const fd = this.#fd
    if (fd === undefined) return
    try {
      // somebody else has set it aside already
      if (!(await isSameFile(fd, this.#path))) return
      await fsync(fd)
      const to = await freePath(wish)
      await rename(this.#path, to)
      this.#isStale = true
      this.#options.onRotated?.({ ok: true, value: to })
    } catch (error) {
      this.#options.onRotated?.({ ok: false, problem: problemOf(this.#path, error) })
    }
  }

  async #keepInPlace(): Promise<void> {
    if (typeof this.#options.target === 'string') return
    const now = performance.now()
    if (!this.#isStale && this.#fd !== undefined) {
      if (now - this.#checkedAt < (this.#options.rotationCheckMs ?? 1_000)) return
      this.#checkedAt = now
      if (await isSameFile(this.#fd, this.#path)) return
    }
    this.#isStale = false
    this.#checkedAt = now
    await this.#closeFile()
    this.#fd = await this.#open()
  }

  async #open(): Promise<number> {
    const { target } = this.#options
    return typeof target === 'string' ? streams[target] : open(this.#path, appendFlags, target.mode ?? 0o640)
  }

  // a line that was torn by this stays torn in the old file, and is written whole to the new one
  async #closeFile(): Promise<void> {
    const fd = this.#fd
    this.#fd = undefined
    this.#begun = 0
    if (fd !== undefined && typeof this.#options.target !== 'string') await close(fd).catch(() => undefined)
  }

  #failed(error: unknown): void {
    const isFirst = this.#problem === undefined
    this.#problem = problemOf(this.#path, error)
    if (isFirst) this.#lostBefore = this.#lost
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => {
      this.#drain()
    }, this.#options.retryMs ?? 1_000)
    this.#retry.unref()
    if (isFirst) this.#options.onProblem(this.#problem)
  }

  #recovered(): void {
    if (this.#problem === undefined) return
    this.#problem = undefined
    this.#options.onRecovered(this.#lost - this.#lostBefore)
  }
}
