import { open, type FileHandle } from 'node:fs/promises'
import type { Result } from '../core/result.js'
import { problemOf, type FileProblem } from './problem.js'

/** What is told while a file is read line by line. */
export interface LineReading {
  readonly onLine: (line: string) => void
  /** After each stretch: bytes read so far, and bytes of the whole file. */
  readonly onProgress?: (bytes: number, total: number) => void
}

// strings of this size live and die in the young generation
const stretch = 64 * 1024
// a line that never ends is no line: what it holds is passed over
const longestLine = 16 * 1024 * 1024

/**
 * Hands over every line of a file of any size (UTF-8, without its newline; empty ones left out).
 *
 * Memory is bounded: one buffer, grown to the longest line. A last line without a newline counts, too.
 *
 * @returns how many bytes were read
 */
export async function readLines(path: string, reading: LineReading): Promise<Result<number, FileProblem>> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    return { ok: true, value: await readAll(file, reading) }
  } catch (error) {
    return { ok: false, problem: problemOf(path, error) }
  } finally {
    await file?.close()
  }
}

async function readAll(file: FileHandle, { onLine, onProgress }: LineReading): Promise<number> {
  const total = (await file.stat()).size
  let buffer = Buffer.allocUnsafe(stretch)
  let filled = 0
  let read = 0
  for (;;) {
    if (filled === buffer.length) {
      if (filled >= longestLine) filled = 0
      else buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)])
    }
    // no position: what can only be read once, a pipe, is a file too
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, null)
    if (bytesRead === 0) break
    read += bytesRead
    filled += bytesRead
    const end = buffer.lastIndexOf(0x0a, filled - 1)
    if (end === -1) continue
    splitLines(buffer.toString('utf8', 0, end), onLine)
    buffer.copyWithin(0, end + 1, filled)
    filled -= end + 1
    onProgress?.(read, total)
  }
  splitLines(buffer.toString('utf8', 0, filled), onLine)
  return read
}

function splitLines(text: string, onLine: (line: string) => void): void {
  let start = 0
  while (start < text.length) {
    const found = text.indexOf('\n', start)
    const end = found === -1 ? text.length : found
    if (end > start) onLine(text.slice(start, end))
    start = end + 1
  }
}

/** A piece of a line to be kept: a slice alone would keep the whole stretch in memory that it was cut from. */
export function ownText(piece: string): string {
  return Buffer.from(piece, 'utf8').toString('utf8')
}
