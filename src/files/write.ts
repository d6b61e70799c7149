import { randomUUID } from 'node:crypto'
import { open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Result } from '../core/result.js'
import { problemOf, systemCode, type FileProblem } from './problem.js'

/**
 * Puts a file in place whole, or leaves what stood there: written beside, synced, renamed over.
 *
 * A symbolic link is followed and stays a link. The owner stays, where this user may give files away:
 * what root writes under `sudo`, the user of the gateway still reads. A crash leaves the old or the new
 * content, never a part.
 *
 * @param mode - permission bits, set whatever the umask is
 */
export async function writeAtomically(
  path: string,
  bytes: Uint8Array,
  mode: number,
): Promise<Result<undefined, FileProblem>> {
  let beside: string | undefined
  try {
    const target = await resolveLink(path)
    beside = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`)
    const file = await open(beside, 'wx', mode)
    try {
      await file.chmod(mode)
      await keepOwner(file, target)
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, target)
    await syncFolder(dirname(target))
    return { ok: true, value: undefined }
  } catch (error) {
    if (beside !== undefined) await rm(beside, { force: true }).catch(() => undefined)
    return { ok: false, problem: problemOf(path, error) }
  }
}

async function keepOwner(file: FileHandle, target: string): Promise<void> {
  const old = await stat(target).catch(() => undefined)
  const made = await file.stat()
  if (old === undefined || (old.uid === made.uid && old.gid === made.gid)) return
  await file.chown(old.uid, old.gid).catch(() => undefined)
}

async function resolveLink(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return path
    throw error
  }
}

// the rename itself must survive a power cut; a file system that cannot sync a folder has done its best
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch {
    return
  }
}
