import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../test/cli/program.js'
import { startGenerator, startUpstream } from './load/processes.js'
import { proveWork } from './same-work.js'
import { makeStage, type Stage } from './stage.js'
import type { Running, Subject } from './subjects/subject.js'
import type { Figures, Place, Workload } from './workloads/workload.js'

export interface RoundsOptions {
  readonly subjects: readonly Subject[]
  readonly workloads: readonly Workload[]
  readonly rounds: number
  /** Of one measurement. */
  readonly milliseconds: number
  readonly entries: number
  readonly progress: (line: string) => void
}

/** Every round of one subject in one workload. */
export interface Row {
  readonly subject: Subject
  readonly rounds: readonly Figures[]
}

export interface Result {
  readonly workload: Workload
  readonly rows: readonly Row[]
}

/**
 * Runs workloads one after another: in each, all subjects take turns, round by round.
 *
 * A subject serves all workloads by one process, unless the workload wants one of its own.
 */
export async function runRounds(options: RoundsOptions): Promise<readonly Result[]> {
  const upstream = await startUpstream()
  const generator = startGenerator()
  const stage = await makeStage(upstream.port)
  const cast = new Cast(stage)
  const results: Result[] = []
  try {
    for (const workload of options.workloads) {
      const { rounds = options.rounds, entries = options.entries } = workload
      const subjects = options.subjects.filter((each) => workload.takes?.(each) ?? true)
      const figures = new Map<Subject, Figures[]>(subjects.map((subject) => [subject, []]))
      const partners = stage.partners(entries)
      // the first round of a process that just began warms it up, and is not counted
      for (let round = workload.fresh === true ? 1 : 0; round <= rounds; round += 1) {
        for (const subject of subjects) {
          options.progress(
            `${workload.title} · ${round === 0 ? 'warm-up' : `round ${round}/${rounds}`} · ${subject.name}`,
          )
          const running = await cast.enter(subject, entries)
          const place: Place = {
            stage,
            running,
            generator,
            upstream,
            partners,
            milliseconds: options.milliseconds,
          }
          try {
            if (cast.isNew(running)) await proveWork(subject, place)
            const found = await workload.measure(place)
            if (round > 0) figures.get(subject)?.push(found)
          } catch (cause) {
            throw new Error(`${subject.name}, ${workload.title}: ${String(cause)}`, { cause })
          }
          if (workload.fresh === true) await cast.leave(subject)
        }
      }
      results.push({ workload, rows: [...figures].map(([subject, each]) => ({ subject, rounds: each })) })
    }
    return results
  } finally {
    await cast.close()
    generator.stop()
    upstream.stop()
    stage.remove()
  }
}

/** The subjects that run. */
class Cast {
  readonly #stage: Stage
  readonly #running = new Map<Subject, { readonly running: Running; readonly entries: number }>()
  readonly #proved = new Set<Running>()

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** The subject with a list of so many entries: the one that runs, or one that is started. */
  async enter(subject: Subject, entries: number): Promise<Running> {
    const there = this.#running.get(subject)
    if (there?.entries === entries) return there.running
    await this.leave(subject)
    mkdirSync(join(this.#stage.folder, 'run'), { recursive: true })
    const folder = mkdtempSync(
      join(this.#stage.folder, 'run', `${subject.name.replaceAll(/[^a-z]+/g, '-')}-`),
    )
    const [port = 0, admin = 0] = await freePorts(2)
    const running = await subject.start({
      stage: this.#stage,
      partners: this.#stage.partners(entries),
      folder,
      ports: [port, admin],
    })
    this.#running.set(subject, { running, entries })
    return running
  }

  /** Whether this is asked for the first time. */
  isNew(running: Running): boolean {
    if (this.#proved.has(running)) return false
    this.#proved.add(running)
    return true
  }

  async leave(subject: Subject): Promise<void> {
    await this.#running.get(subject)?.running.stop()
    this.#running.delete(subject)
  }

  async close(): Promise<void> {
    for (const subject of [...this.#running.keys()]) await this.leave(subject)
  }
}
