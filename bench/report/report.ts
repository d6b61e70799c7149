import type { Column, Figures } from '../workloads/workload.js'

/** One run, as docs/benchmarks.json keeps it: everything that the document is written from. */
export interface Report {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryGb: number
    readonly kernel: string
  }
  /** Of each subject that was there; and what those leave out. */
  readonly subjects: readonly SubjectReport[]
  readonly settings: {
    readonly rounds: number
    readonly milliseconds: number
    readonly entries: number
    readonly nodeFlags: readonly string[]
  }
  /** Load averages at the start and at the end: others may have used the machine. */
  readonly load: readonly [start: number, end: number]
  readonly results: readonly ResultReport[]
  readonly micro: readonly MicroReport[]
}

export interface SubjectReport {
  readonly name: string
  readonly version: string
  readonly leavesOut: string
}

/** One workload. */
export interface ResultReport {
  readonly name: string
  readonly title: string
  /** ISO 8601, UTC. */
  readonly at: string
  /** The engine that the gateway took by itself then. */
  readonly engine: string
  readonly columns: readonly Column[]
  readonly rows: readonly RowReport[]
}

/** Every round of one subject in one workload. */
export interface RowReport {
  readonly subject: string
  readonly rounds: readonly Figures[]
  /** Whether it did the judging that the workload is about. */
  readonly judges: boolean
  /** Why there are not as many rounds as there should be. */
  readonly problem?: string
}

/** One thing alone, without a network. */
export interface MicroReport {
  readonly name: string
  readonly figure: number
  readonly unit: string
}

/** The values of one column, round by round. */
export function valuesOf({ rounds }: RowReport, key: string): readonly number[] {
  return rounds.map((figures) => figures[key] ?? Number.NaN)
}

/** An earlier report with the workloads of a newer one in the place of its own. */
export function merged(earlier: Report, newer: Report): Report {
  const subjects = newer.subjects.map(({ name }) => name)
  return {
    ...newer,
    subjects: [...newer.subjects, ...earlier.subjects.filter(({ name }) => !subjects.includes(name))],
    results: [
      ...earlier.results.map((each) => newer.results.find(({ name }) => name === each.name) ?? each),
      ...newer.results.filter(({ name }) => !earlier.results.some((each) => each.name === name)),
    ],
  }
}
