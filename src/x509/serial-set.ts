import { DerError, type DerReader, tags } from './der-reader.js'

/**
 * Many serial numbers in little room: sorted, each padded with zeros in front to the longest one's width.
 *
 * Plain values, so that it crosses a thread as it is; 100,000 serials of 16 octets take 1.6 MB.
 */
export interface SerialSet {
  readonly count: number
  /** Octets each. */
  readonly width: number
  readonly bytes: Uint8Array
}

const widest = 20

/** Where a serial stands in the bytes of a CRL, without the sign's zero. */
export class SerialCollector {
  private readonly bytes: Uint8Array
  private starts: Uint32Array
  private lengths: Uint8Array
  private count = 0
  private width = 1

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.starts = new Uint32Array(1024)
    this.lengths = new Uint8Array(1024)
  }

  /** Takes the INTEGER that comes next. */
  take(reader: DerReader): void {
    const { contents, end } = reader.take(tags.integer, 'a serial number')
    let start = contents
    if (end === start || (this.bytes[start] ?? 0) >= 0x80)
      throw new DerError('expected a serial number to be positive')
    while (start < end - 1 && this.bytes[start] === 0) start += 1
    const length = end - start
    if (length > widest) throw new DerError(`expected a serial number of at most ${widest} octets`)
    if (this.count === this.starts.length) this.grow()
    this.starts[this.count] = start
    this.lengths[this.count] = length
    this.count += 1
    if (length > this.width) this.width = length
  }

  finish(): SerialSet {
    const { count, width } = this
    const padded = new Uint8Array(count * width)
    for (let index = 0; index < count; index++) {
      const start = this.starts[index] ?? 0
      const length = this.lengths[index] ?? 0
      padded.set(this.bytes.subarray(start, start + length), (index + 1) * width - length)
    }
    return { count, width, bytes: sortRecords(padded, width) }
  }

  private grow(): void {
    const starts = new Uint32Array(this.starts.length * 2)
    starts.set(this.starts)
    this.starts = starts
    const lengths = new Uint8Array(this.lengths.length * 2)
    lengths.set(this.lengths)
    this.lengths = lengths
  }
}

/** Whether the set holds this serial number (hexadecimal, as `Certificate.serialNumber`). */
export function hasSerial({ count, width, bytes }: SerialSet, serialNumber: string): boolean {
  const wanted = Buffer.from(serialNumber, 'hex')
  if (wanted.length > width) return false
  const padded = Buffer.alloc(width)
  wanted.copy(padded, width - wanted.length)
  let low = 0
  let high = count - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const order = Buffer.compare(bytes.subarray(middle * width, (middle + 1) * width), padded)
    if (order === 0) return true
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return false
}

// sorted by their places, then copied once: authorities that number upwards need no sorting at all
function sortRecords(records: Uint8Array, width: number): Uint8Array {
  const compare = (one: number, other: number) => {
    for (let index = 0; index < width; index++) {
      const difference = (records[one + index] ?? 0) - (records[other + index] ?? 0)
      if (difference !== 0) return difference
    }
    return 0
  }
  const places = new Uint32Array(records.length / width)
  let isSorted = true
  for (let index = 0; index < places.length; index++) {
    places[index] = index * width
    if (isSorted && index > 0) isSorted = compare((index - 1) * width, index * width) <= 0
  }
  if (isSorted) return records
  places.sort(compare)
  const sorted = new Uint8Array(records.length)
  for (const [index, start] of places.entries())
    sorted.set(records.subarray(start, start + width), index * width)
  return sorted
}
