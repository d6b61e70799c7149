import type { Generator, UpstreamProcess } from '../load/processes.js'
import type { Stage } from '../stage.js'
import type { Running, Subject } from '../subjects/subject.js'

/** What one round of one subject came to, by the keys of the workload's columns. */
export type Figures = Readonly<Record<string, number>>

export interface Column {
  readonly key: string
  readonly title: string
  readonly digits: number
}

/** Something that all subjects are made to do. */
export interface Workload {
  readonly name: string
  readonly title: string
  /** The first is what ratios are made of; less is better. */
  readonly columns: readonly Column[]
  /** Work that not all who take part do: it is said beside the figures of those who do not. */
  readonly needs?: 'query-rule' | 'body-rule'
  /** Whether this one of the usual subjects takes part; all do where absent. */
  takes?(subject: Subject): boolean
  /** Who takes part, where it is not the usual subjects. */
  readonly subjects?: readonly Subject[]
  /** Entries of the list, where not as many as ever. */
  readonly entries?: number
  /** A process of its own for each round. */
  readonly fresh?: boolean
  /** Rounds, where not as many as asked for. */
  readonly rounds?: number
  measure(place: Place): Promise<Figures>
}

/** Where one round of one subject happens. */
export interface Place {
  readonly stage: Stage
  readonly running: Running
  readonly generator: Generator
  readonly upstream: UpstreamProcess
  /** How long to measure, in milliseconds. */
  readonly milliseconds: number
}
