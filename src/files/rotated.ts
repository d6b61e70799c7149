import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { problemOf, type FileProblem } from './problem.js'

/** A file that was set aside, and when, in epoch milliseconds. */
export interface RotatedFile {
  readonly path: string
  readonly time: number
}

/** `audit.ndjson` set aside at a time: `audit-20261201T083000.ndjson`, in UTC. */
export function rotatedPath(path: string, time: number): string {
  const stamp = new Date(time).toISOString().replace(/[-:]|\.\d+Z$/g, '')
  const { stem, extension } = partsOf(path)
  return join(dirname(path), `${stem}-${stamp}${extension}`)
}

/** The files set aside from this one, the oldest first; none where the folder cannot be read. */
export async function rotatedFiles(path: string): Promise<readonly RotatedFile[]> {
  const { stem, extension } = partsOf(path)
  const names = await readdir(dirname(path)).catch(() => [])
  const found: (RotatedFile & { readonly nth: number })[] = []
  for (const name of names) {
    if (!name.startsWith(`${stem}-`) || !name.endsWith(extension)) continue
    const middle = name.slice(stem.length + 1, name.length - extension.length)
    const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(?:-(\d+))?$/.exec(middle)
    if (parts === null) continue
    const [, year, month, day, hour, minute, second, nth = '0'] = parts
    const time = Date.UTC(
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
    )
    found.push({ path: join(dirname(path), name), time, nth: Number(nth) })
  }
  return found.sort((one, other) => one.time - other.time || one.nth - other.nth)
}

/** Removes the files that were set aside before a time. */
export async function removeRotatedBefore(
  path: string,
  time: number,
): Promise<{ readonly removed: readonly string[]; readonly problems: readonly FileProblem[] }> {
  const removed: string[] = []
  const problems: FileProblem[] = []
  for (const file of await rotatedFiles(path)) {
    if (file.time >= time) break
    try {
      await rm(file.path)
      removed.push(file.path)
    } catch (error) {
      problems.push(problemOf(file.path, error))
    }
  }
  return { removed, problems }
}

function partsOf(path: string): { readonly stem: string; readonly extension: string } {
  const extension = extname(path)
  return { stem: basename(path, extension), extension }
}
