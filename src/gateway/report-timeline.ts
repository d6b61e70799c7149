import { addOutcomes, noOutcomes, type Outcomes } from './partner-tally.js'

/** What came in each hour, day or month of Paris. */
export interface Timeline {
  readonly unit: 'hour' | 'day' | 'month'
  /** `2026-12-01 08:00`, `2026-12-01` or `2026-12`; one without requests is there, too. */
  readonly steps: readonly (Readonly<Outcomes> & { readonly from: string })[]
}

const hour = 3_600_000
const paris = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Europe/Paris',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
})
const longest = 10 * 366 * 24 * hour
const lengths = { hour: 16, day: 10, month: 7 }

/** Hours put together so that a chart can show them: hours of up to two days, days of a quarter, months. */
export function timelineOf(hours: ReadonlyMap<number, Outcomes>): Timeline {
  const starts = [...hours.keys()].sort((one, other) => one - other)
  const [first = 0, last = 0] = [starts[0], starts.at(-1)]
  const span = last - first
  const unit = span < 48 * hour ? 'hour' : span < 93 * 24 * hour ? 'day' : 'month'
  const steps = new Map<string, Outcomes>()
  const stepAt = (start: number): Outcomes => {
    const from = paris.format(start).slice(0, lengths[unit])
    const known = steps.get(from)
    if (known !== undefined) return known
    const made = noOutcomes()
    steps.set(from, made)
    return made
  }
  // those without requests in between: no step is shorter than this stride, and clocks may have been wrong
  const stride = span > longest ? Infinity : unit === 'hour' ? hour : 12 * hour
  for (const [index, start] of starts.entries()) {
    const next = starts[index + 1] ?? start
    addOutcomes(stepAt(start), hours.get(start) ?? noOutcomes())
    for (let between = start + stride; between < next; between += stride) stepAt(between)
  }
  return { unit, steps: [...steps].map(([from, outcomes]) => ({ from, ...outcomes })) }
}
