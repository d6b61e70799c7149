import { createHash } from 'node:crypto'
import { basename, dirname, resolve } from 'node:path'
import type { Diagnostic, Place } from '../core/diagnostic.js'
import type { Result } from '../core/result.js'
import type { PlacedPath } from '../config/gateway-config.js'
import type { FileProblem } from '../files/problem.js'
import { isListed, listFolder, readBounded } from '../files/read.js'
import type { ReadSet } from './policy.js'

const megabyte = 1024 * 1024
/** Bytes of the largest file taken of each kind. */
export const largest = {
  config: 4 * megabyte,
  whitelistFile: 512 * megabyte,
  material: 64 * megabyte,
  secret: 16 * 1024,
} as const

/** The files of a whitelist folder that count. */
export const whitelistExtensions = ['.yaml', '.yml']

/** Files as they would stand after a change: their content, or undefined where they are gone. */
export type Overlay = ReadonlyMap<string, Uint8Array | undefined>

/** The files of one load: what was read, with its digest, and everything that is wrong with it. */
export class LoadFiles {
  readonly diagnostics: Diagnostic[] = []
  /** Something could not be read for want of descriptors, which says nothing about it. */
  isPassing = false
  private readonly read = new Map<string, string>()
  private readonly overlay: Overlay

  constructor(overlay: Overlay = new Map()) {
    this.overlay = overlay
  }

  get readSet(): ReadSet {
    return [...this.read]
  }

  /** Digest over everything read so far: the same bytes are the same revision. */
  get revision(): string {
    const digest = createHash('sha256')
    for (const [path, content] of this.read) digest.update(`${path}\0${content}\0`)
    return digest.digest('hex').slice(0, 16)
  }

  async readText(path: PlacedPath, maxBytes: number): Promise<string | undefined> {
    const bytes = await this.readBytes(path, maxBytes)
    if (bytes === undefined) return undefined
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      this.refuse(path.place, 'file', `expected UTF-8 in \`${path.path}\`; save it in that encoding`)
      return undefined
    }
  }

  async readBytes({ path, place }: PlacedPath, maxBytes: number): Promise<Uint8Array | undefined> {
    const changed = this.overlay.get(path)
    const read =
      changed === undefined ? await readBounded(path, maxBytes) : { ok: true as const, value: changed }
    this.read.set(path, digestOfFile(read))
    if (read.ok) return read.value
    this.refuseFile(place, read.problem)
    return undefined
  }

  /** As `readBytes`, of a file that need not be there yet: without it there is a warning, and nothing. */
  async readIfThere({ path, place }: PlacedPath, maxBytes: number): Promise<Uint8Array | undefined> {
    const read = await readBounded(path, maxBytes)
    this.read.set(path, digestOfFile(read))
    if (read.ok) return read.value
    if (read.problem.code === 'not-found') {
      const message = `\`${path}\` was not fetched yet`
      this.diagnostics.push({ severity: 'warning', code: 'not-fetched', place, message })
    } else this.refuseFile(place, read.problem)
    return undefined
  }

  /** The whitelist files of a folder. */
  async list({ path, place }: PlacedPath): Promise<readonly string[] | undefined> {
    const listed = await listFolder(path, whitelistExtensions)
    this.read.set(path, digestOfListing(listed))
    if (listed.ok) return this.overlaid(path, listed.value)
    this.refuseFile(place, listed.problem)
    return undefined
  }

  private overlaid(folder: string, listed: readonly string[]): readonly string[] {
    const paths = new Set(listed)
    for (const [path, content] of this.overlay) {
      if (content === undefined) paths.delete(path)
      else if (dirname(path) === resolve(folder) && isListed(basename(path), whitelistExtensions))
        paths.add(path)
    }
    return [...paths].sort()
  }

  private refuseFile(place: Place, { code, message }: FileProblem): void {
    this.isPassing ||= code === 'too-many-open-files'
    this.refuse(place, 'file', message)
  }

  refuse(place: Place, code: string, message: string): void {
    this.diagnostics.push({ severity: 'error', code, place, message })
  }
}

/** Whether everything that a load read still reads the same; much cheaper than loading. */
export async function isUnchanged(read: ReadSet): Promise<boolean> {
  for (const [path, digest] of read) {
    const now = digest.startsWith('folder ') ? await folderDigest(path) : await fileDigest(path)
    if (now !== digest) return false
  }
  return true
}

async function fileDigest(path: string): Promise<string> {
  return digestOfFile(await readBounded(path, largest.whitelistFile))
}

async function folderDigest(path: string): Promise<string> {
  return digestOfListing(await listFolder(path, whitelistExtensions))
}

function digestOfFile(read: Result<Uint8Array, FileProblem>): string {
  return read.ok ? createHash('sha256').update(read.value).digest('hex') : `problem ${read.problem.code}`
}

function digestOfListing(listed: Result<readonly string[], FileProblem>): string {
  const names = listed.ok ? listed.value.join('\0') : listed.problem.code
  return `folder ${createHash('sha256').update(names).digest('hex')}`
}
