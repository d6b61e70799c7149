/** Why a file could not be used; stable. */
export type FileProblemCode =
  | 'not-found'
  | 'not-permitted'
  | 'is-a-folder'
  | 'not-a-folder'
  | 'not-a-file'
  | 'too-large'
  | 'too-many-open-files'
  | 'changed-while-reading'
  | 'disk-full'
  | 'read-only'
  | 'unusable'

/** One file that could not be used, in words for the operator. */
export interface FileProblem {
  readonly code: FileProblemCode
  readonly path: string
  /** Lower case, names the path, no full stop. */
  readonly message: string
}

const codes: Readonly<Record<string, FileProblemCode>> = {
  ENOENT: 'not-found',
  EACCES: 'not-permitted',
  EPERM: 'not-permitted',
  EISDIR: 'is-a-folder',
  ENOTDIR: 'not-a-folder',
  ENXIO: 'not-a-file',
  EMFILE: 'too-many-open-files',
  ENFILE: 'too-many-open-files',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EROFS: 'read-only',
}

const words: Readonly<Record<FileProblemCode, string>> = {
  'not-found': 'no such file or folder',
  'not-permitted': 'this user may not open it',
  'is-a-folder': 'expected a file, found a folder',
  'not-a-folder': 'expected a folder, found a file',
  'not-a-file': 'expected a regular file',
  'too-large': 'too large',
  'too-many-open-files': 'too many open files in this process; raise its limit',
  'changed-while-reading': 'kept changing while it was read',
  'disk-full': 'no space left for it',
  'read-only': 'stands on a read-only file system',
  unusable: 'cannot be used',
}

/** A problem in our words, with what is known beside them. */
export function fileProblem(code: FileProblemCode, path: string, more?: string): FileProblem {
  const message = `\`${path}\`: ${words[code]}${more === undefined ? '' : ` (${more})`}`
  return { code, path, message }
}

/** What a thrown system error says of this path; an error of another kind is `unusable`. */
export function problemOf(path: string, error: unknown): FileProblem {
  const code = systemCode(error)
  const known = code === undefined ? undefined : codes[code]
  return known === undefined ? fileProblem('unusable', path, code) : fileProblem(known, path)
}

/** `ENOENT` and the like; undefined where the error is no system error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
