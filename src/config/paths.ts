import { dirname, isAbsolute, join } from 'node:path'

/** A path as written in `file`: from the folder of that file, unless it is absolute. */
export function resolvePath(file: string, written: string): string {
  return isAbsolute(written) ? written : join(dirname(file), written)
}
