import { randomUUID } from 'node:crypto'
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Result } from '../core/result.js'
import { problemOf, systemCode } from './problem.js'

/** A file that says that another file is ours. */
export interface FileLock {
  /** Says that we are still here; false where another process has taken the file meanwhile. */
  renew(): Promise<boolean>
  release(): Promise<void>
}

interface Owner {
  readonly pid: number
  readonly host: string
  readonly nonce: string
}

/** Beyond this age nobody holds it: its owner renews it more often than this. */
const abandonedMs = 30_000
const heldHere = new Set<string>()

/**
 * Takes a lock file, or says who holds it.
 *
 * A lock is taken over where its process is gone from this machine, or where it was not renewed for half
 * a minute: the file of a machine that died must not keep the next one from starting.
 */
export async function takeLock(path: string): Promise<Result<FileLock, string>> {
  const own: Owner = { pid: process.pid, host: hostname(), nonce: randomUUID() }
  const text = `${JSON.stringify(own)}\n`
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      await writeFile(path, text, { flag: 'wx', mode: 0o640 })
      heldHere.add(path)
      return { ok: true, value: lockOf(path, text) }
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') return { ok: false, problem: problemOf(path, error).message }
    }
    const holder = await holderOf(path)
    if (holder !== undefined) return { ok: false, problem: holder }
    await rm(path, { force: true }).catch(() => undefined)
  }
  return { ok: false, problem: `\`${path}\`: another process takes it again and again` }
}

function lockOf(path: string, text: string): FileLock {
  const isOurs = async (): Promise<boolean> => (await readFile(path, 'utf8').catch(() => '')) === text
  return {
    renew: async () => {
      try {
        if (!(await isOurs())) return false
        const now = new Date()
        await utimes(path, now, now)
      } catch {
        return false
      }
      return true
    },
    release: async () => {
      heldHere.delete(path)
      if (await isOurs()) await rm(path, { force: true }).catch(() => undefined)
    },
  }
}

/** Who holds it; undefined where nobody does. */
async function holderOf(path: string): Promise<string | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const owner = ownerOf(text)
    const age = Date.now() - mtimeMs
    if (owner?.host === hostname()) {
      if (owner.pid === process.pid) return heldHere.has(path) ? told(path, owner) : undefined
      if (!isAlive(owner.pid)) return undefined
    }
    return age > abandonedMs ? undefined : told(path, owner)
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? undefined : problemOf(path, error).message
  }
}

function told(path: string, owner: Owner | undefined): string {
  const who = owner === undefined ? 'another process' : `process ${owner.pid} on \`${owner.host}\``
  return `${who} writes it, says \`${path}\`; give each process a file of its own`
}

function ownerOf(text: string): Owner | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { pid, host, nonce } = value as Record<string, unknown> // an object, as just seen
    return typeof pid === 'number' && typeof host === 'string' && typeof nonce === 'string'
      ? { pid, host, nonce }
      : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
