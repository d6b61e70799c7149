import { startGenerator, startUpstream } from './load/processes.js'
import { Cast } from './cast.js'
import type { ResultReport, RowReport } from './report/report.js'
import { proveWork } from './same-work.js'
import { makeStage } from './stage.js'
import { usualEngine } from './subjects/gateway.js'
import type { Subject } from './subjects/subject.js'
import type { Figures, Place, Workload } from './workloads/workload.js'

export interface RoundsOptions {
  readonly subjects: readonly Subject[]
  readonly workloads: readonly Workload[]
  readonly rounds: number
  /** Of one measurement. */
  readonly milliseconds: number
  readonly entries: number
  readonly progress: (line: string) => void
  /** Told of each workload when it is over. */
  readonly done: (result: ResultReport) => void
}

/**
 * Runs workloads one after another: in each, all subjects take turns, round by round.
 *
 * A subject serves workloads by one process, unless the workload wants one of its own. One that
 * fails is left out of the rest of the workload, and its row says why.
 */
export async function runRounds(options: RoundsOptions): Promise<readonly ResultReport[]> {
  const upstream = await startUpstream()
  const generator = startGenerator()
  const stage = await makeStage(upstream.port)
  const cast = new Cast(stage)
  const results: ResultReport[] = []
  const { progress } = options

  const measure = async (workload: Workload, subject: Subject, milliseconds: number): Promise<Figures> => {
    const entries = subject.entries ?? workload.entries ?? options.entries
    if (workload.fresh === true) await cast.leave(subject)
    const { running, isNew } = await cast.enter(subject, entries)
    const place: Place = { stage, running, generator, upstream, milliseconds }
    if (isNew) await proveWork(subject, place)
    const figures = await workload.measure(place)
    if (workload.fresh === true) await cast.leave(subject)
    return figures
  }

  try {
    for (const workload of options.workloads) {
      const rounds = Math.min(workload.rounds ?? options.rounds, options.rounds)
      const rows = rowsOf(workload, options.subjects)
      // the first round of processes that go on is a warm-up, and is not counted
      for (let round = workload.fresh === true ? 1 : 0; round <= rounds; round += 1) {
        for (const { subject, figures, problems } of rotated(rows, round)) {
          if (problems.length > 0) continue
          const turn = round === 0 ? 'warm-up' : `round ${round}/${rounds}`
          progress(`${workload.title} · ${turn} · ${subject.name}`)
          try {
            // longer, for what compiles while it runs
            const milliseconds = options.milliseconds * (round === 0 ? 5 : 1)
            const found = await measure(workload, subject, milliseconds)
            if (round > 0) figures.push(found)
          } catch (error) {
            problems.push(error instanceof Error ? error.message : String(error))
            await cast.leave(subject)
          }
        }
      }
      const result = {
        ...described(workload),
        at: new Date().toISOString(),
        engine: usualEngine,
        rows: rows.map((row) => reported(row, workload)),
      }
      results.push(result)
      options.done(result)
    }
    return results
  } finally {
    await cast.close()
    generator.stop()
    upstream.stop()
    stage.remove()
  }
}

// whoever comes first after a pause finds the others cold: nobody does so each time
function rotated(rows: readonly Row[], by: number): readonly Row[] {
  const first = by % Math.max(1, rows.length)
  return [...rows.slice(first), ...rows.slice(0, first)]
}

interface Row {
  readonly subject: Subject
  readonly figures: Figures[]
  readonly problems: string[]
}

function rowsOf(workload: Workload, usual: readonly Subject[]): readonly Row[] {
  const known = usual.map(({ name }) => name)
  // `gateway, 100` takes part where the gateway was asked for
  const subjects =
    workload.subjects?.filter(({ name }) => known.includes(name.replace(/, [0-9]+$/, ''))) ??
    usual.filter(
      (subject) => (workload.takes?.(subject) ?? true) && (subject.only?.includes(workload.name) ?? true),
    )
  return subjects.map((subject) => ({ subject, figures: [], problems: [] }))
}

function described({ name, title, columns }: Workload): Pick<ResultReport, 'name' | 'title' | 'columns'> {
  return { name, title, columns }
}

function reported({ subject, figures, problems }: Row, { needs }: Workload): RowReport {
  const [problem] = problems
  return {
    subject: subject.name,
    rounds: figures,
    judges: needs === undefined || subject.does.includes(needs),
    ...(problem !== undefined && { problem }),
  }
}
