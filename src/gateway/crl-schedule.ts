const minuteMs = 60_000
const minutesOfDay = 1440

const parisClock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/Paris',
  hourCycle: 'h23',
  hour: 'numeric',
  minute: 'numeric',
})

/**
 * The next instant after `now` at which the clocks of Paris show this minute of the day.
 *
 * A minute that a clock change skips is the one an hour beside it.
 *
 * @param minute - since midnight, 0 to 1439
 * @returns epoch milliseconds
 */
export function nextDaily(now: number, minute: number): number {
  const ahead = (minute - minuteOfDay(now) + minutesOfDay) % minutesOfDay
  const from = Math.floor(now / minuteMs) * minuteMs
  const at = from + (ahead === 0 ? minutesOfDay : ahead) * minuteMs
  // what a clock change on the way added or took
  const drift = ((minuteOfDay(at) - minute + 1.5 * minutesOfDay) % minutesOfDay) - minutesOfDay / 2
  const corrected = at - drift * minuteMs
  return corrected > now ? corrected : at
}

/** The pause before the next try after so many failures in a row: 1, 2, 4 … 60 minutes. */
export function retryPause(failures: number): number {
  return Math.min(60, 2 ** Math.min(failures - 1, 6)) * minuteMs
}

function minuteOfDay(at: number): number {
  const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
  for (const { type, value } of parisClock.formatToParts(at)) part[type] = Number(value)
  return (part.hour ?? 0) * 60 + (part.minute ?? 0)
}
