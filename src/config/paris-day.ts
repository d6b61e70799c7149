import type { Result } from '../core/result.js'

/** Which end of a validity a date stands for. */
export type ValidityEdge = 'from' | 'until'

const day = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/
const instant =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?$/
const dayMs = 86_400_000

/**
 * A date or an instant as epoch milliseconds.
 *
 * `2026-12-01` is that whole day in Europe/Paris: `from` is its midnight, `until` the midnight that
 * ends it, so that the last day named is still a valid one. With a time, ISO 8601 with a zone (`Z`,
 * `+01:00`) is demanded, and is the instant itself for both edges.
 */
export function parseValidity(
  text: string,
  edge: ValidityEdge,
): Result<number, { readonly message: string }> {
  const date = day.exec(text)
  if (date !== null) {
    const midnight = utcMidnight(text)
    if (midnight === undefined) return { ok: false, problem: { message: 'expected a day of the calendar' } }
    return { ok: true, value: parisMidnight(edge === 'from' ? midnight : midnight + dayMs) }
  }
  const found = instant.exec(text)
  if (found === null) {
    return {
      ok: false,
      problem: { message: 'expected a date such as `2026-12-01` or `2026-12-01T08:00:00+01:00`' },
    }
  }
  const [, dayText = '', hours = '', minutes = '', seconds = '00', fraction = '', zone = ''] = found
  if (zone === '') {
    return { ok: false, problem: { message: 'expected a zone behind the time (`Z` or `+01:00`)' } }
  }
  const inRange = Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60
  if (utcMidnight(dayText) === undefined || !inRange) {
    return { ok: false, problem: { message: 'expected a day of the calendar and a time of the clock' } }
  }
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase()
  const value = Date.parse(`${dayText}T${hours}:${minutes}:${seconds}${fraction.slice(0, 4)}${offset}`)
  return Number.isNaN(value)
    ? { ok: false, problem: { message: 'expected a zone of the world' } }
    : { ok: true, value }
}

function utcMidnight(text: string): number | undefined {
  const value = Date.parse(`${text}T00:00:00Z`)
  // `2026-02-30` is another day to some parsers
  if (Number.isNaN(value) || new Date(value).toISOString().slice(0, 10) !== text) return undefined
  return value
}

const parisClock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/Paris',
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
})

// a whitelist names few days, many times
const midnights = new Map<number, number>()
const mostMidnights = 4096

/** The instant at which the clocks of Paris show the midnight that `utc` is in UTC. */
function parisMidnight(utc: number): number {
  const known = midnights.get(utc)
  if (known !== undefined) return known
  // clocks change at one in the morning UTC, so the offset an hour earlier is the one of that midnight
  const value = utc - parisOffset(utc - 3_600_000)
  if (midnights.size >= mostMidnights) midnights.clear()
  midnights.set(utc, value)
  return value
}

function parisOffset(at: number): number {
  const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
  for (const { type, value } of parisClock.formatToParts(at)) part[type] = Number(value)
  const { year = 0, month = 1, day: date = 1, hour = 0, minute = 0, second = 0 } = part
  return Date.UTC(year, month - 1, date, hour, minute, second) - at
}
