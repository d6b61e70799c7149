import { constants, type BigIntStats } from 'node:fs'
import { open, readdir, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Result } from '../core/result.js'
import { fileProblem, problemOf, systemCode, type FileProblem } from './problem.js'

const attempts = 5

/** Milliseconds within which a file system may give two writes one and the same time. */
const racyMs = 20

/** Reading only, and never waiting for the other end of a pipe. */
export const readFlags = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * The whole content of a regular file, as it stood at one moment.
 *
 * A file that changes while it is read is read again, a few times. What cannot be seen from outside is
 * a writer that pauses halfway through: its half is a content like any other, until its next write.
 * Only a rename replaces a file whole.
 *
 * @param maxBytes - larger files are refused before anything of them is kept
 */
export async function readBounded(path: string, maxBytes: number): Promise<Result<Buffer, FileProblem>> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const read = await readOnce(path, maxBytes)
    if (read !== 'changed') return read
    if (attempt < attempts) await wait(racyMs + 5)
  }
  return { ok: false, problem: fileProblem('changed-while-reading', path) }
}

/**
 * The regular files of a folder, as paths sorted by name; a symbolic link counts as what it points to.
 *
 * Hidden names (with Kubernetes' `..data`) and the leavings of editors are not listed, nor are folders.
 * A link to nothing is listed: who reads it says what is wrong with it.
 *
 * @param extensions - such as `.yaml`; none: all
 */
export async function listFolder(
  path: string,
  extensions: readonly string[],
): Promise<Result<readonly string[], FileProblem>> {
  try {
    const found: string[] = []
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (!isListed(entry.name, extensions)) continue
      const file = join(path, entry.name)
      if (entry.isFile() || (!entry.isDirectory() && (await isFileOrNothing(file)))) found.push(file)
    }
    return { ok: true, value: found.sort() }
  } catch (error) {
    return { ok: false, problem: problemOf(path, error) }
  }
}

/** Whether a name in a folder is meant for us. */
export function isListed(name: string, extensions: readonly string[]): boolean {
  if (/^[.#]|[~#]$|\.(?:swp|swx|swo|tmp|bak|orig)$/i.test(name)) return false
  return extensions.length === 0 || extensions.some((extension) => name.toLowerCase().endsWith(extension))
}

async function isFileOrNothing(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true
    throw error
  }
}

async function readOnce(path: string, maxBytes: number): Promise<Result<Buffer, FileProblem> | 'changed'> {
  let file: FileHandle | undefined
  try {
    file = await open(path, readFlags)
    const before = await file.stat({ bigint: true })
    if (before.isDirectory()) return { ok: false, problem: fileProblem('is-a-folder', path) }
    if (!before.isFile()) return { ok: false, problem: fileProblem('not-a-file', path) }
    if (before.size > BigInt(maxBytes)) {
      const more = `${before.size.toString()} bytes; at most ${maxBytes} are read`
      return { ok: false, problem: fileProblem('too-large', path, more) }
    }
    const size = Number(before.size)
    const bytes = await readUpTo(file, size + 1)
    const after = await file.stat({ bigint: true })
    if (bytes.length !== size || !isUntouched(before, after)) return 'changed'
    return { ok: true, value: bytes }
  } catch (error) {
    return { ok: false, problem: problemOf(path, error) }
  } finally {
    await file?.close()
  }
}

async function readUpTo(file: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

function isUntouched(before: BigIntStats, after: BigIntStats): boolean {
  if (before.size !== after.size || before.mtimeNs !== after.mtimeNs) return false
  // a write just before and one just after would carry the same time
  const age = Date.now() - Number(before.mtimeMs)
  return age < 0 || age > racyMs
}
