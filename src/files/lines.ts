import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Result } from '../core/result.js'
import { problemOf, type FileProblem } from './problem.js'

/** What is told while a file is read line by line. */
export interface LineReading {
  readonly onLine: (line: string) => void
  /** After each stretch of about a megabyte: bytes read so far, and bytes of the whole file. */
  readonly onProgress?: (bytes: number, total: number) => void
}

const stretch = 1024 * 1024
// a line that never ends is no line: what it holds is passed over
const longestLine = 16 * stretch

/**
 * Hands over every line of a file of any size (UTF-8, without its newline; empty ones left out).
 *
 * Memory is bounded: a stretch of the file and the one line that it cuts. A last line without a newline
 * counts, too.
 *
 * @returns how many bytes were read
 */
export async function readLines(
  path: string,
  { onLine, onProgress }: LineReading,
): Promise<Result<number, FileProblem>> {
  let read = 0
  let rest: Buffer = Buffer.alloc(0)
  try {
    const total = (await stat(path)).size
    for await (const chunk of createReadStream(path, { highWaterMark: stretch })) {
      const bytes = chunk as Buffer // no encoding is set
      read += bytes.length
      const end = bytes.lastIndexOf(0x0a)
      if (end === -1) {
        rest = rest.length > longestLine ? Buffer.alloc(0) : Buffer.concat([rest, bytes])
        continue
      }
      const whole = bytes.subarray(0, end)
      splitLines((rest.length === 0 ? whole : Buffer.concat([rest, whole])).toString('utf8'), onLine)
      rest = Buffer.from(bytes.subarray(end + 1))
      onProgress?.(read, total)
    }
    splitLines(rest.toString('utf8'), onLine)
    return { ok: true, value: read }
  } catch (error) {
    return { ok: false, problem: problemOf(path, error) }
  }
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
