import { open } from 'node:fs/promises'
import type { Result } from '../core/result.js'
import { readFlags } from './read.js'
import { problemOf, systemCode, type FileProblem } from './problem.js'

/** The last bytes of a file, and how long it is. */
export interface FileEnd {
  readonly size: number
  readonly bytes: Buffer
  /** False for pipes and devices, which have no end. */
  readonly isRegular: boolean
}

const nothing: FileEnd = { size: 0, bytes: Buffer.alloc(0), isRegular: true }

/** Reads the end of a file; a file that is not there is an empty one. */
export async function readFileEnd(path: string, maxBytes: number): Promise<Result<FileEnd, FileProblem>> {
  try {
    // a pipe without a writer would wait for ever otherwise
    const file = await open(path, readFlags)
    try {
      const stat = await file.stat()
      if (!stat.isFile()) return { ok: true, value: { ...nothing, isRegular: false } }
      const length = Math.min(stat.size, maxBytes)
      const bytes = Buffer.alloc(length)
      const { bytesRead } = await file.read(bytes, 0, length, stat.size - length)
      return { ok: true, value: { size: stat.size, bytes: bytes.subarray(0, bytesRead), isRegular: true } }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { ok: true, value: nothing }
    return { ok: false, problem: problemOf(path, error) }
  }
}
