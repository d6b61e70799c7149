import { DerError, tags, type DerReader } from './der-reader.js'

/**
 * A Time as epoch milliseconds: UTCTime or GeneralizedTime, seconds given, `Z`, no fraction.
 *
 * @see RFC 5280 section 4.1.2.5
 */
export function readTime(reader: DerReader, what: string): number {
  const { tag, contents, end } = reader.next(what)
  const { bytes } = reader
  const digits = end - contents - 1
  if (!(tag === tags.utcTime && digits === 12) && !(tag === tags.generalizedTime && digits === 14)) {
    throw new DerError(`expected ${what} as \`YYMMDDhhmmssZ\` or \`YYYYMMDDhhmmssZ\``)
  }
  let value = 0
  for (let index = contents; index < end - 1; index++) {
    const digit = (bytes[index] ?? 0) - 0x30
    if (digit < 0 || digit > 9) throw new DerError(`expected ${what} in digits`)
    value = value * 10 + digit
  }
  if (bytes[end - 1] !== 0x5a) throw new DerError(`expected ${what} to end in \`Z\``)
  return epoch(value, tag, what)
}

// two digits of a year mean 1950 to 2049
function epoch(value: number, tag: number, what: string): number {
  const second = value % 100
  const minute = Math.floor(value / 1e2) % 100
  const hour = Math.floor(value / 1e4) % 100
  const day = Math.floor(value / 1e6) % 100
  const month = Math.floor(value / 1e8) % 100
  const written = Math.floor(value / 1e10)
  const year = tag === tags.generalizedTime ? written : written < 50 ? 2000 + written : 1900 + written
  const at = Date.UTC(year, month - 1, day, hour, minute, second)
  const date = new Date(at)
  // 31 February, hour 24 and years before 100 come back as something else
  const isWhatWasWritten =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second
  if (!isWhatWasWritten) throw new DerError(`expected ${what} to be a date that exists`)
  return at
}
