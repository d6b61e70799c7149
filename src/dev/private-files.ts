import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Failure } from '../core/failure.js'

const folderMode = 0o700
const keyMode = 0o600
const publicMode = 0o644

/** The text of a file; undefined where there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw unusable(path, 'read', error)
  }
}

/** Writes the whole file or nothing, through a name of its own beside it. */
export function writeWhole(path: string, text: string, access: 'private' | 'public'): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(draft, text, { mode: access === 'private' ? keyMode : publicMode, flag: 'wx' })
    renameSync(draft, path)
  } catch (error) {
    throw unusable(path, 'written', error)
  }
}

/** A folder that only its owner may enter, made with those above it where it is not there. */
export function makePrivateFolder(path: string): void {
  try {
    makeFolder(resolve(path))
  } catch (error) {
    if (isFile(path)) {
      throw new Failure('internal', `a folder is expected at \`${path}\`, a file stands there`, {
        cause: error,
      })
    }
    throw unusable(path, 'made', error)
  }
}

// not `mkdirSync` with `recursive`: where a file system says ENOENT under a folder that exists
// (`/proc`), that one tries for ever
function makeFolder(path: string): void {
  if (isFolder(path)) return
  const parent = dirname(path)
  if (parent !== path) makeFolder(parent)
  try {
    mkdirSync(path, { mode: folderMode })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !isFolder(path)) throw error
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory()
  } catch {
    return false
  }
}

function unusable(path: string, verb: string, error: unknown): Failure {
  const code = codeOf(error)
  const why = explanations[code] ?? (error instanceof Error ? error.message : String(error))
  return new Failure('internal', `\`${path}\` cannot be ${verb}: ${why}`, { cause: error })
}

const explanations: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a file stands where a folder is expected',
  EEXIST: 'a file stands where a folder is expected',
  EISDIR: 'a folder stands where a file is expected',
  ENOENT: 'nothing can be made there',
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
