import { spreadOf } from '../measure/statistics.js'

/** Something done again and again, and how many units one turn of it is. */
export interface Turn {
  readonly name: string
  readonly unit: 'ns' | 'MB/s'
  /** Bytes of one turn, for MB/s. */
  readonly bytes?: number
  readonly once: () => unknown
}

const rounds = 7
const roundMs = 20

/** CPU time of one turn, or bytes a second of CPU time: the median of rounds in which all take turns. */
export function timed(turns: readonly Turn[]): readonly { readonly turn: Turn; readonly figure: number }[] {
  const counts = turns.map((turn) => ({ turn, count: countFor(turn), figures: new Array<number>() }))
  for (let round = 0; round < rounds; round += 1) {
    for (const { turn, count, figures } of counts) {
      const nanoseconds = cpuOf(turn, count) / count
      figures.push(turn.unit === 'ns' ? nanoseconds : ((turn.bytes ?? 0) / nanoseconds) * 1_000)
    }
  }
  return counts.map(({ turn, figures }) => ({ turn, figure: spreadOf(figures)?.median ?? Number.NaN }))
}

// as many turns as fill a round, found while it warms up
function countFor(turn: Turn): number {
  for (let count = 16; ; count *= 2) {
    const nanoseconds = cpuOf(turn, count)
    if (nanoseconds > roundMs * 1e6) return count
  }
}

function cpuOf({ once }: Turn, count: number): number {
  const start = process.cpuUsage()
  for (let turn = 0; turn < count; turn += 1) kept = once()
  const { user, system } = process.cpuUsage(start)
  return (user + system) * 1_000
}

// what a turn returns is kept, so that nothing of it may be left out
let kept: unknown

/** What the last turn returned. */
export function lastKept(): unknown {
  return kept
}
