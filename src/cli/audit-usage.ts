import { readLines } from '../files/lines.js'
import { Usage, type UsageScope } from '../gateway/usage.js'
import { Progress } from './progress.js'
import type { Streams } from './verb.js'

/**
 * What audit trails say of who came; undefined where none is named.
 *
 * @throws Error with one line where a trail cannot be read
 */
export async function readUsage(
  trails: readonly string[],
  scope: UsageScope,
  { stderr }: Pick<Streams, 'stderr'>,
): Promise<Usage | undefined> {
  if (trails.length === 0) return undefined
  const usage = new Usage(scope)
  for (const trail of trails) {
    const progress = new Progress(stderr, trail)
    const read = await readLines(trail, {
      onLine: (line) => {
        usage.note(line)
      },
      onProgress: (bytes, total) => {
        progress.at(bytes, total)
      },
    })
    progress.end()
    if (!read.ok) throw new Error(read.problem.message)
  }
  return usage
}
