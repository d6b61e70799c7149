import { readFile } from 'node:fs/promises'
import type { Streams } from './verb.js'

const mostBytes = 1024 * 1024

/** The text of a small file; `-` is the standard input. @throws Error where it is too long */
export async function readTextOf(file: string, { stdin = process.stdin }: Streams): Promise<string> {
  if (file !== '-') return bounded(await readFile(file))
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

function bounded(bytes: Buffer): string {
  if (bytes.length > mostBytes) throw new Error(`expected at most ${mostBytes} bytes of text`)
  return bytes.toString('utf8').replace(/^\ufeff/, '')
}
