import type { TestContext } from 'node:test'
import { startRecorder, type Recorder, type RecorderTls } from '../support/recorder.js'
import { makeStand, standardConfig, type Stand } from './stand.js'

/** A clock that goes only where a test sets it. */
export interface TestClock {
  now: number
}

export interface UpstreamStandWish {
  /** `upstream` of every API, from the origins of the servers. */
  readonly upstream: (origins: readonly string[]) => string
  readonly servers?: number
  readonly tls?: RecorderTls
  readonly clock?: TestClock
  readonly config?: (text: string) => string
  readonly prepare?: Parameters<typeof makeStand>[1] extends { prepare?: infer Prepare } | undefined
    ? Prepare
    : never
}

export interface UpstreamStand extends Stand {
  readonly servers: readonly Recorder[]
  /** gateway.yaml as it was at the start. */
  readonly config: string
  /** How many requests each server got. */
  counts(): readonly number[]
  /** The servers of an API as `/status` shows them. */
  statusOf(api: string): Promise<readonly Record<string, unknown>[]>
  /** What ends some day at `/status`, of one kind. */
  endsOf(what: string): Promise<readonly { readonly name: string; readonly daysLeft: number }[]>
  /** Value of a series, its labels as they stand; undefined where there is none. */
  metric(series: string): Promise<number | undefined>
  /** Takes a server down, its connections with it. */
  fell(index: number): Promise<void>
  /** Brings one back to the port where it was. */
  rise(index: number): Promise<void>
}

/** A gateway before several servers that record. */
export async function upstreamStand(context: TestContext, wish: UpstreamStandWish): Promise<UpstreamStand> {
  const servers: Recorder[] = []
  for (let count = 0; count < (wish.servers ?? 2); count += 1)
    servers.push(await startRecorder(wish.tls === undefined ? {} : { tls: wish.tls }))
  context.after(() => Promise.all(servers.map((server) => server.close())))
  const origins = servers.map(({ origin }) => origin)
  let config = ''
  const stand = await makeStand(context, {
    ...(wish.clock !== undefined && { elapsed: () => wish.clock?.now ?? 0 }),
    ...(wish.prepare !== undefined && { prepare: wish.prepare }),
    config: () => {
      const text = standardConfig(wish.upstream(origins)).replace('match: public-key', 'match: either')
      config = wish.config?.(text) ?? text
      return config
    },
    whitelist: (subject) => `partners:
  - id: eai-bretagne
    name: EAI régional Bretagne
    solution: regional-eai
    certificates: [{ subject: ${JSON.stringify(subject)} }]
    apis: [token, fhir-read, fhir-write, csd]
    establishments: ["350054680"]
`,
  })
  const admin = async (path: string): Promise<Response> => {
    const { host = '', port = 0 } = stand.gateway.admin ?? {}
    return fetch(`http://${host}:${port}${path}`)
  }
  return {
    ...stand,
    servers,
    config,
    counts: () => servers.map(({ requests }) => requests.length),
    statusOf: async (api) => {
      const status = (await (await admin('/status')).json()) as {
        environments: { upstreams: Record<string, unknown>[] }[]
      } // as `Status` says
      return (status.environments[0]?.upstreams ?? []).filter((server) => server['api'] === api)
    },
    endsOf: async (what) => {
      const status = (await (await admin('/status')).json()) as {
        environments: { ends: { what: string; name: string; daysLeft: number }[] }[]
      } // as `Status` says
      return (status.environments[0]?.ends ?? []).filter((end) => end.what === what)
    },
    metric: async (series) => {
      const text = await (await admin('/metrics')).text()
      const line = text.split('\n').find((each) => each.startsWith(`${series} `))
      return line === undefined ? undefined : Number(line.slice(series.length + 1))
    },
    fell: async (index) => {
      await servers[index]?.close()
    },
    rise: async (index) => {
      const before = servers[index]
      if (before === undefined) throw new Error('there is no such server')
      servers[index] = await startRecorder({
        port: before.port,
        answer: before.answer,
        ...(wish.tls !== undefined && { tls: wish.tls }),
      })
    },
  }
}
