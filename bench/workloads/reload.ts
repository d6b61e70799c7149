import { Connection, optionsOf } from '../load/connection.js'
import type { LoadResult } from '../load/protocol.js'
import { smallGet } from '../load/requests.js'
import { host } from '../stage.js'
import type { Running } from '../subjects/subject.js'
import { destination } from './steady.js'
import type { Place, Workload } from './workload.js'

/** Longest time that a list may take to be enforced, in milliseconds. */
const patience = 60_000

// whether the late client is listed now
const lateIsListed = new WeakMap<Running, boolean>()

/** A list of 100,000 entries is replaced by another while requests are served. */
export const reloadWorkload: Workload = {
  name: 'reload',
  title: 'reload of 100,000 entries under load',
  columns: [
    { key: 'seconds', title: 'enforced after s', digits: 2 },
    { key: 'failed', title: 'failed', digits: 0 },
    { key: 'answered', title: 'answered', digits: 0 },
    { key: 'p99Before', title: 'p99 before ms', digits: 1 },
    { key: 'p99', title: 'p99 during ms', digits: 1 },
    { key: 'longest', title: 'longest ms', digits: 0 },
  ],
  entries: 100_000,
  rounds: 3,
  takes: ({ name }) => ['gateway', 'nginx', 'HAProxy'].includes(name),
  measure: async (place) => {
    const { generator, running, stage, milliseconds } = place
    const request = smallGet
    const listed = !(lateIsListed.get(running) ?? false)
    const partners = stage.partners(100_000, ...(listed ? (['late'] as const) : []))
    await generator.do({ do: 'open', to: destination(place), count: 16, request })
    try {
      const before = await generator.do({ do: 'run', milliseconds, request })
      let isEnforced = false
      const load = async (): Promise<readonly LoadResult[]> => {
        const results: LoadResult[] = []
        do results.push(await generator.do({ do: 'run', milliseconds, request }))
        while (!isEnforced)
        return results
      }
      const reload = async (): Promise<number> => {
        running.reload?.(partners)
        const startedAt = performance.now()
        await untilLate(place, listed)
        return (performance.now() - startedAt) / 1000
      }
      const loading = load()
      // whatever comes of the reload, the generator ends its command before it is given another
      const seconds = await reload().finally(async () => {
        isEnforced = true
        await loading
      })
      const during = await loading
      lateIsListed.set(running, listed)
      return {
        seconds,
        failed: sum(during.map(({ failed, statuses, answered }) => failed + answered - (statuses[200] ?? 0))),
        answered: sum(during.map(({ answered }) => answered)),
        p99Before: before.p99,
        p99: Math.max(...during.map(({ p99 }) => p99)),
        longest: Math.max(...during.map(({ longest }) => longest)),
      }
    } finally {
      await generator.do({ do: 'close' })
    }
  },
}

/** Resolves when the late client, on a new connection each time, is answered as the new list says. */
async function untilLate({ stage, running }: Place, listed: boolean): Promise<void> {
  const { chainPem, keyPem } = stage.late
  const options = optionsOf({
    port: running.port,
    host,
    rootPem: stage.rootPem,
    client: { chainPem, keyPem },
  })
  const deadline = performance.now() + patience
  while (performance.now() < deadline) {
    const status = await Connection.open(options)
      .then(async (connection) => {
        const answer = await connection.ask(smallGet)
        connection.close()
        return answer
      })
      .catch(() => 0) // closed by a worker that ends: it is tried again
    if (status === (listed ? 200 : 403)) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('the new list was not enforced within a minute')
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
