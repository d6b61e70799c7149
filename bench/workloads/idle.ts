import { smallGet } from '../load/requests.js'
import { costOfTree } from '../measure/process-tree.js'
import { destination } from './steady.js'
import type { Workload } from './workload.js'

const most = 5_000

/** What it costs to keep connections that asked once and then stay. */
export const idleWorkload: Workload = {
  name: 'idle',
  title: `${most} idle connections`,
  columns: [
    { key: 'perConnection', title: 'KB each', digits: 1 },
    { key: 'rss', title: 'RSS MB', digits: 0 },
    { key: 'rssBefore', title: 'before', digits: 0 },
  ],
  fresh: true,
  rounds: 1,
  takes: ({ name }) =>
    ['gateway', 'nginx', 'HAProxy', 'Caddy', 'http-proxy, kept connections'].includes(name),
  measure: async (place) => {
    const { generator, running, milliseconds } = place
    const to = destination(place)
    const request = smallGet
    // a quick run has no time for all of them
    const connections = milliseconds < 1_000 ? most / 10 : most
    // what a process takes once, whatever its connections, is taken before
    await generator.do({ do: 'handshakes', to, milliseconds, request, atOnce: 16, resumed: false })
    const before = costOfTree(running.pid).rssBytes
    try {
      await generator.do({ do: 'open', to, count: connections, request })
      const after = costOfTree(running.pid).rssBytes
      return {
        perConnection: (after - before) / connections / 1_000,
        rss: after / 1e6,
        rssBefore: before / 1e6,
      }
    } finally {
      await generator.do({ do: 'close' })
    }
  },
}
