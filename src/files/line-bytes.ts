import { createReadStream } from 'node:fs'
import type { Result } from '../core/result.js'
import { problemOf, type FileProblem } from './problem.js'

const stretch = 1 << 20

/**
 * Hands over every line as the bytes it is made of, without its line feed; empty ones, too.
 *
 * The bytes are a view that holds until the call returns. A last line without a line feed counts.
 *
 * @param source - a path, or a stream of bytes such as the standard input
 */
export async function readLineBytes(
  source: string | AsyncIterable<string | Uint8Array>,
  onLine: (line: Buffer) => void,
): Promise<Result<undefined, FileProblem>> {
  const stream = typeof source === 'string' ? createReadStream(source, { highWaterMark: stretch }) : source
  // parts of a line that goes on in the next chunk
  let begun: Buffer[] = []
  try {
    for await (const chunk of stream) {
      const bytes = bytesOf(chunk as string | Uint8Array) // a file's are bytes
      let start = 0
      for (;;) {
        const end = bytes.indexOf(0x0a, start)
        if (end === -1) break
        const rest = bytes.subarray(start, end)
        if (begun.length === 0) onLine(rest)
        else onLine(Buffer.concat([...begun, rest]))
        begun = []
        start = end + 1
      }
      if (start < bytes.length) begun.push(bytes.subarray(start))
    }
    if (begun.length > 0) onLine(Buffer.concat(begun))
    return { ok: true, value: undefined }
  } catch (error) {
    return { ok: false, problem: problemOf(typeof source === 'string' ? source : 'stdin', error) }
  }
}

function bytesOf(chunk: string | Uint8Array): Buffer {
  return typeof chunk === 'string'
    ? Buffer.from(chunk)
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
