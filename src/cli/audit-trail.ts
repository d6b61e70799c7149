import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { readLineBytes } from '../files/line-bytes.js'
import { readLines } from '../files/lines.js'
import { rotatedFiles } from '../files/rotated.js'
import { Progress } from './progress.js'
import { UsageError, type Streams } from './verb.js'

/** How trails are read. */
export interface TrailReading {
  readonly onLine: (line: string) => void
  /** Epoch milliseconds: files set aside before it hold nothing that is asked for. */
  readonly since?: number | undefined
  /** Asked behind each file, the newest first: whether that is enough. */
  readonly isEnough?: () => boolean
}

/**
 * The trails to read: those named by `--audit`, else the one that the configuration writes.
 *
 * @param config - the `--config` that was given, and the audit file it names
 * @throws UsageError where neither names one
 */
export function trailsOf(
  named: readonly string[],
  config: { readonly label: string; readonly file: string | undefined } | undefined,
): readonly string[] {
  if (named.length > 0) return named
  if (config === undefined) throw new UsageError('expected --audit, or --config that names the trail')
  if (config.file === undefined)
    throw new UsageError(`expected --audit: \`${config.label}\` names no audit file`)
  return [config.file]
}

/**
 * Reads audit trails line by line, each with the files that were set aside from it, and tells how far it
 * is; `-` is the standard input. A file that is named twice is read once.
 *
 * @returns how long it took, in milliseconds
 * @throws Error with one line where a file cannot be read
 */
export async function readTrails(
  trails: readonly string[],
  { onLine, since, isEnough }: TrailReading,
  { stderr, stdin = process.stdin }: Pick<Streams, 'stderr' | 'stdin'>,
): Promise<number> {
  const paths = await filesOf(trails, since)
  if (isEnough !== undefined) paths.reverse()
  const sizes = await Promise.all(paths.map(sizeOf))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const progress = new Progress(stderr, trails.map((trail) => basename(trail)).join(', '))
  let before = 0
  for (const [index, path] of paths.entries()) {
    const read =
      path === '-'
        ? await readLineBytes(stdin, (line) => {
            if (line.length > 0) onLine(line.toString('utf8'))
          })
        : await readLines(path, {
            onLine,
            onProgress: (bytes) => {
              progress.at(before + bytes, total)
            },
          })
    if (!read.ok) {
      progress.end()
      throw new Error(read.problem.message)
    }
    before += sizes[index] ?? 0
    if (isEnough?.() === true) break
  }
  return progress.end()
}

// the oldest first
async function filesOf(trails: readonly string[], since: number | undefined): Promise<string[]> {
  const found: string[] = []
  const seen = new Set<string>()
  const take = (path: string): void => {
    if (seen.has(resolve(path))) return
    seen.add(resolve(path))
    found.push(path)
  }
  for (const trail of trails) {
    const aside = trail === '-' ? [] : await rotatedFiles(trail)
    for (const { path, time } of aside) if (since === undefined || time >= since) take(path)
    // set aside a moment ago, it may not be there again yet
    if (aside.length === 0 || trail === '-' || (await sizeOf(trail)) > 0) take(trail)
  }
  return found
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}
