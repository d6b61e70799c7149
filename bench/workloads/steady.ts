import { capacityPatch, largeGet, largePost, organizationPost, smallGet } from '../load/requests.js'
import type { Destination, LoadResult } from '../load/protocol.js'
import { costOfTree } from '../measure/process-tree.js'
import { host } from '../stage.js'
import type { Column, Figures, Place, Workload } from './workload.js'

export const columns: readonly Column[] = [
  { key: 'cpu', title: 'CPU µs', digits: 1 },
  { key: 'perSecond', title: 'per s', digits: 0 },
  { key: 'p50', title: 'p50 ms', digits: 2 },
  { key: 'p99', title: 'p99 ms', digits: 2 },
  { key: 'rss', title: 'RSS MB', digits: 0 },
  { key: 'generator', title: 'generator %', digits: 0 },
]

interface Steady {
  readonly name: string
  readonly title: string
  readonly request: () => Uint8Array
  readonly connections: number
  readonly needs?: 'query-rule' | 'body-rule'
}

const kept: readonly Steady[] = [
  { name: 'small-get', title: 'small GET', request: () => smallGet, connections: 16 },
  {
    name: 'capacity-patch',
    title: 'capacity PATCH (6.7 KB)',
    request: () => capacityPatch(),
    connections: 16,
    needs: 'query-rule',
  },
  {
    name: 'write-4k',
    title: '4 KB write, body judged',
    request: () => organizationPost(4_096),
    connections: 16,
    needs: 'body-rule',
  },
  {
    name: 'write-200k',
    title: '200 KB write, body judged',
    request: () => organizationPost(204_800),
    connections: 8,
    needs: 'body-rule',
  },
  { name: 'down-10m', title: '10 MB down', request: () => largeGet, connections: 4 },
  { name: 'up-10m', title: '10 MB up', request: () => largePost, connections: 4 },
]

/** The same request on connections that are open already. */
export const steadyWorkloads: readonly Workload[] = kept.map(
  ({ name, title, request, connections, needs }) => ({
    name,
    title,
    columns,
    ...(needs !== undefined && { needs }),
    measure: async (place) => {
      const { generator, milliseconds } = place
      const bytes = request()
      await generator.do({ do: 'open', to: destination(place), count: connections, request: smallGet })
      try {
        await generator.do({ do: 'run', milliseconds: milliseconds / 5, request: bytes })
        return await costOf(place, () => generator.do({ do: 'run', milliseconds, request: bytes }))
      } finally {
        await generator.do({ do: 'close' })
      }
    },
  }),
)

/** A connection for each request, which is a small GET. */
export const handshakeWorkloads: readonly Workload[] = [
  ['full-handshake', 'full handshake and a small GET', false] as const,
  ['resumed-handshake', 'resumed handshake and a small GET', true] as const,
].map(([name, title, resumed]) => ({
  name,
  title,
  columns,
  measure: (place) =>
    costOf(place, async () => {
      const { generator, milliseconds } = place
      const to = destination(place)
      const result = await generator.do({
        do: 'handshakes',
        to,
        milliseconds,
        request: smallGet,
        atOnce: 8,
        resumed,
      })
      const expected = resumed ? result.answered : 0
      if (result.resumed !== expected) {
        throw new Error(`${result.resumed} of ${result.answered} connections were resumed`)
      }
      return result
    }),
}))

/** Where the listed client goes. */
export function destination({ stage, running }: Pick<Place, 'stage' | 'running'>): Destination {
  const { chainPem, keyPem } = stage.listed
  return { port: running.port, host, rootPem: stage.rootPem, client: { chainPem, keyPem } }
}

/**
 * What a load costs the subject, for each answer.
 *
 * @throws Error where anything but 200 came: what is refused or broken is not measured
 */
async function costOf({ running }: Place, load: () => Promise<LoadResult>): Promise<Figures> {
  const before = costOfTree(running.pid)
  const result = await load()
  const after = costOfTree(running.pid)
  const { answered, failed, statuses } = result
  if (failed > 0 || statuses[200] !== answered) {
    const what = JSON.stringify({ statuses, failed, failures: result.failures })
    throw new Error(`not every request was answered 200: ${what}`)
  }
  return {
    cpu: ((after.cpuSeconds - before.cpuSeconds) / answered) * 1e6,
    perSecond: answered / result.seconds,
    p50: result.p50,
    p99: result.p99,
    rss: after.rssBytes / 1e6,
    generator: result.generatorLoad * 100,
  }
}
