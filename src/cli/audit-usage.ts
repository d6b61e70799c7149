import { Usage, type UsageScope } from '../gateway/usage.js'
import { readTrails } from './audit-trail.js'
import type { Streams } from './verb.js'

/**
 * What audit trails say of who came; undefined where none is named.
 *
 * @throws Error with one line where a trail cannot be read
 */
export async function readUsage(
  trails: readonly string[],
  scope: UsageScope,
  streams: Pick<Streams, 'stderr' | 'stdin'>,
): Promise<Usage | undefined> {
  if (trails.length === 0) return undefined
  const usage = new Usage(scope)
  const onLine = (line: string): void => {
    usage.note(line)
  }
  await readTrails(trails, { onLine }, streams)
  return usage
}
