import { ratioOf, spreadOf, type Spread } from '../measure/statistics.js'
import { valuesOf, type Report } from './report.js'

/** What is to be reached: a ratio of two rows of one workload, or a figure by itself. */
interface Target {
  readonly title: string
  readonly workload: string
  readonly key: string
  readonly of: string
  readonly to?: string
  readonly commit: number
  readonly stretch: number
}

const cpu = { key: 'cpu', of: 'gateway' } as const

/** As agreed before anything was measured. */
const targets: readonly Target[] = [
  { title: 'small GET ÷ nginx', workload: 'small-get', ...cpu, to: 'nginx', commit: 2.5, stretch: 1.5 },
  {
    title: 'small GET ÷ plain http-proxy',
    workload: 'small-get',
    ...cpu,
    to: 'http-proxy',
    commit: 0.45,
    stretch: 0.3,
  },
  { title: 'small GET ÷ Caddy', workload: 'small-get', ...cpu, to: 'Caddy', commit: 0.5, stretch: 0.25 },
  {
    title: 'capacity PATCH ÷ nginx with Lua doing the same check',
    workload: 'capacity-patch',
    ...cpu,
    to: 'nginx',
    commit: 1.5,
    stretch: 1,
  },
  {
    title: '4 KB write, body judged ÷ nginx + Lua cjson',
    workload: 'write-4k',
    ...cpu,
    to: 'nginx',
    commit: 1.3,
    stretch: 0.8,
  },
  {
    title: '200 KB write, body judged ÷ nginx + Lua cjson',
    workload: 'write-200k',
    ...cpu,
    to: 'nginx',
    commit: 0.45,
    stretch: 0.25,
  },
  {
    title: 'full handshake ÷ nginx, same key type',
    workload: 'full-handshake',
    ...cpu,
    to: 'nginx',
    commit: 1.4,
    stretch: 1.1,
  },
  { title: '10 MB down ÷ nginx', workload: 'down-10m', ...cpu, to: 'nginx', commit: 1.8, stretch: 1.2 },
  { title: '10 MB up ÷ nginx', workload: 'up-10m', ...cpu, to: 'nginx', commit: 1.8, stretch: 1.2 },
  {
    title: 'memory per idle connection ÷ nginx',
    workload: 'idle',
    key: 'perConnection',
    of: 'gateway',
    to: 'nginx',
    commit: 2.3,
    stretch: 1.5,
  },
  {
    title: '100,000 entries ÷ 100 entries',
    workload: 'list-size',
    key: 'cpu',
    of: 'gateway, 100000',
    to: 'gateway, 100',
    commit: 1.05,
    stretch: 1,
  },
  {
    title: 'reload of 100,000 entries under load: failed requests',
    workload: 'reload',
    key: 'failed',
    of: 'gateway',
    commit: 0,
    stretch: 0,
  },
  ...[
    ['small GET', 'small-get'] as const,
    ['capacity PATCH', 'capacity-patch'] as const,
    ['4 KB write', 'write-4k'] as const,
    ['200 KB write', 'write-200k'] as const,
  ].map(([title, workload]) => ({
    title: `everything we add ÷ the same engine forwarding blindly, ${title}`,
    workload,
    ...cpu,
    to: 'engine, blind',
    commit: 1.25,
    stretch: 1.1,
  })),
]

/** A target and what came of it; undefined where it was not measured. */
interface Outcome {
  readonly title: string
  readonly commit: number
  readonly stretch: number
  readonly found: Spread | undefined
  readonly reached: 'stretch' | 'commit' | 'no' | 'not measured'
}

function outcomesOf({ results }: Pick<Report, 'results'>): readonly Outcome[] {
  return targets.map(({ title, workload, key, of, to, commit, stretch }) => {
    const rows = results.find(({ name }) => name === workload)?.rows ?? []
    const values = (subject: string): readonly number[] => {
      const row = rows.find((each) => each.subject === subject)
      return row === undefined ? [] : valuesOf(row, key)
    }
    const found = to === undefined ? spreadOf(values(of)) : ratioOf(values(of), values(to))
    // a figure by itself must hold in every round; a ratio is its median
    const judged = to === undefined ? found?.max : found?.median
    return { title, commit, stretch, found, reached: reachedOf(judged, { commit, stretch }) }
  })
}

function reachedOf(
  value: number | undefined,
  { commit, stretch }: Pick<Target, 'commit' | 'stretch'>,
): Outcome['reached'] {
  if (value === undefined) return 'not measured'
  if (value <= stretch) return 'stretch'
  return value <= commit ? 'commit' : 'no'
}

/** Cells: title, what was found, what was to be reached, and whether it was. */
export function outcomeLines(report: Pick<Report, 'results'>): readonly (readonly string[])[] {
  const head = ['target', 'found', 'min–max', 'commit', 'stretch', 'reached']
  const lines = outcomesOf(report).map(({ title, found, commit, stretch, reached }) => [
    title,
    found?.median.toFixed(2) ?? '–',
    found === undefined ? '–' : `${found.min.toFixed(2)}–${found.max.toFixed(2)}`,
    `≤ ${commit}`,
    `≤ ${stretch}`,
    reached,
  ])
  return [head, ...lines]
}
