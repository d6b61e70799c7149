import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { FileProblem } from './problem.js'
import { fileProblem, problemOf } from './problem.js'
import { listFolder, readFlags } from './read.js'

/**
 * What paths hold, each as one text: equal exactly when the content is.
 *
 * For a file the SHA-256 of its bytes; for a folder the SHA-256 over names and contents of its listed
 * files; for a path that cannot be read the problem's code, since that too is a state that can change.
 */
export type Fingerprints = (paths: readonly string[]) => Promise<ReadonlyMap<string, string>>

/** The process is short of something: this says nothing about the file. */
export class ShortOfResources extends Error {
  readonly problem: FileProblem

  constructor(problem: FileProblem) {
    super(problem.message)
    this.problem = problem
  }
}

interface Known {
  readonly signature: string
  readonly digest: string
}

/** Files younger than this when read are read again: their next write may carry the same time. */
const racyMs = 2_000
const chunkBytes = 256 * 1024

/**
 * Fingerprints that read again only what may have changed.
 *
 * Inode, size and both times stand for a content that was read before, unless the file had been
 * touched within two seconds of that reading (the rule git has for its index). One call at a time.
 *
 * @param extensions - of the files that count in a folder; none: all
 * @param now - epoch milliseconds
 */
export function createFingerprints(extensions: readonly string[], now: () => number): Fingerprints {
  let known = new Map<string, Known>()
  let next = new Map<string, Known>()

  async function ofFile(path: string, file: FileHandle, before: BigIntStats): Promise<string> {
    const signature = [before.dev, before.ino, before.size, before.mtimeNs, before.ctimeNs].join(':')
    const last = known.get(path)
    if (last?.signature === signature) {
      next.set(path, last)
      return last.digest
    }
    const readAt = now()
    const digest = await digestOf(file)
    const touched = Math.max(Number(before.mtimeMs), Number(before.ctimeMs))
    if (readAt - touched > racyMs) next.set(path, { signature, digest })
    return digest
  }

  async function ofFolder(path: string): Promise<string> {
    const listed = await listFolder(path, extensions)
    if (!listed.ok) return asState(listed.problem)
    const hash = createHash('sha256')
    for (const file of listed.value) hash.update(`${file}\0${await ofPath(file, false)}\0`)
    return `folder:${hash.digest('hex')}`
  }

  async function ofPath(path: string, folders: boolean): Promise<string> {
    let file: FileHandle | undefined
    try {
      file = await open(path, readFlags)
      const stats = await file.stat({ bigint: true })
      if (stats.isDirectory()) return folders ? await ofFolder(path) : 'folder'
      if (!stats.isFile()) return asState(fileProblem('not-a-file', path))
      return await ofFile(path, file, stats)
    } catch (error) {
      if (error instanceof ShortOfResources) throw error
      return asState(problemOf(path, error))
    } finally {
      await file?.close()
    }
  }

  return async (paths) => {
    next = new Map()
    const found = new Map<string, string>()
    for (const path of paths) found.set(path, await ofPath(path, true))
    known = next
    return found
  }
}

function asState(problem: FileProblem): string {
  if (problem.code === 'too-many-open-files') throw new ShortOfResources(problem)
  return `problem:${problem.code}`
}

async function digestOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const chunk = Buffer.alloc(chunkBytes)
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunkBytes)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(chunk.subarray(0, bytesRead))
  }
}
