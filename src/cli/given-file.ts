import { readBounded } from '../files/read.js'
import type { Streams } from './verb.js'

const mostBytes = 1024 * 1024

/** The text of a small file; `-` is the standard input. @throws Error where it is too long */
export async function readTextOf(file: string, { stdin = process.stdin }: Streams): Promise<string> {
  if (file !== '-') return bounded(await readWhole(file, mostBytes))
  const parts: Buffer[] = []
  let length = 0
  for await (const part of stdin) {
    const bytes = Buffer.from(part)
    parts.push(bytes)
    length += bytes.length
    if (length > mostBytes) break
  }
  return bounded(Buffer.concat(parts))
}

/** The bytes of a file that was handed in. @throws Error that says what is wrong with it */
export async function readWhole(file: string, maxBytes: number): Promise<Uint8Array> {
  const read = await readBounded(file, maxBytes)
  if (!read.ok) throw new Error(read.problem.message)
  return read.value
}

function bounded(bytes: Uint8Array): string {
  if (bytes.length > mostBytes) throw new Error(`expected at most ${mostBytes} bytes of text`)
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\ufeff/, '')
}
