/** One element: its identifier octet, and where header, contents and end stand in the bytes. */
export interface DerElementSpan {
  readonly tag: number
  readonly start: number
  readonly contents: number
  readonly end: number
}

/** The bytes are not the structure they should be. Thrown inside this folder only; every door turns it into a value. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/**
 * Reads the elements of one constructed element in turn.
 *
 * DER only: definite lengths in their shortest form, tags of one octet, nothing beyond the end. Each
 * method throws `DerError` on anything else. Descending is the caller's, by schema, so no input decides
 * the depth.
 *
 * @see X.690 section 10.1
 */
export class DerReader {
  readonly bytes: Uint8Array
  readonly end: number
  position: number

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  get isAtEnd(): boolean {
    return this.position >= this.end
  }

  /** The identifier octet that comes next; -1 at the end. */
  get nextTag(): number {
    return this.position < this.end ? (this.bytes[this.position] ?? -1) : -1
  }

  /** The next element, whatever its tag. */
  next(what: string): DerElementSpan {
    const { bytes, end, position: start } = this
    const tag = bytes[start]
    const first = bytes[start + 1]
    if (start + 2 > end || tag === undefined || first === undefined) {
      throw new DerError(`expected ${what} at byte ${start}, found the end`)
    }
    if ((tag & 0x1f) === 0x1f) throw new DerError(`expected ${what} at byte ${start}, found a tag above 30`)
    let contents = start + 2
    let length = first
    if (first >= 0x80) {
      const octets = first & 0x7f
      if (octets === 0)
        throw new DerError(`expected DER at byte ${start}, found BER with an indefinite length`)
      if (octets > 4 || contents + octets > end) {
        throw new DerError(`expected a length that fits at byte ${start}, found one of ${octets} octets`)
      }
      length = 0
      for (let index = 0; index < octets; index++) length = length * 256 + (bytes[contents + index] ?? 0)
      if (length < 0x80 || length < 256 ** (octets - 1)) {
        throw new DerError(`expected DER at byte ${start}, found a length that is not in its shortest form`)
      }
      contents += octets
    }
    const elementEnd = contents + length
    if (elementEnd > end) throw new DerError(`expected ${what} at byte ${start}, found it cut short`)
    this.position = elementEnd
    return { tag, start, contents, end: elementEnd }
  }

  /** The next element, which must have this tag. */
  take(tag: number, what: string): DerElementSpan {
    const found = this.nextTag
    if (found !== tag) {
      const name = found === -1 ? 'the end' : `tag 0x${found.toString(16).padStart(2, '0')}`
      throw new DerError(`expected ${what} at byte ${this.position}, found ${name}`)
    }
    return this.next(what)
  }

  /** The next element if it has this tag. */
  takeIf(tag: number, what: string): DerElementSpan | undefined {
    return this.nextTag === tag ? this.next(what) : undefined
  }

  /** The next element, which must be constructed with this tag, as a reader of its elements. */
  enter(tag: number, what: string): DerReader {
    const { contents, end } = this.take(tag, what)
    return new DerReader(this.bytes, contents, end)
  }

  /** Nothing may follow. */
  finish(what: string): void {
    if (this.position !== this.end) {
      throw new DerError(
        `expected the end of ${what} at byte ${this.position}, found ${this.end - this.position} more bytes`,
      )
    }
  }

  slice({ start, end }: DerElementSpan): Uint8Array {
    return this.bytes.subarray(start, end)
  }

  contentsOf({ contents, end }: DerElementSpan): Uint8Array {
    return this.bytes.subarray(contents, end)
  }
}

/** What stands inside `[n] EXPLICIT`, or in a SEQUENCE that holds one thing, with nothing after it. */
export function readInside<Value>(reader: DerReader, tag: number, read: (inside: DerReader) => Value): Value {
  const what = `the contents of tag 0x${tag.toString(16)}`
  const inside = reader.enter(tag, what)
  const value = read(inside)
  inside.finish(what)
  return value
}

/** A BOOLEAN; the octet is 00 or FF, nothing else. */
export function readBoolean(reader: DerReader, what: string): boolean {
  const octets = reader.contentsOf(reader.take(tags.boolean, what))
  if (octets.length !== 1 || (octets[0] !== 0x00 && octets[0] !== 0xff)) {
    throw new DerError(`expected ${what} to be a DER boolean`)
  }
  return octets[0] === 0xff
}

/** A non-negative INTEGER as its bytes without the sign's zero; zero is one zero byte. */
export function readUnsigned(reader: DerReader, what: string): Uint8Array {
  const octets = reader.contentsOf(reader.take(tags.integer, what))
  const [first, second] = octets
  if (first === undefined) throw new DerError(`expected ${what} to be an integer, found no octets`)
  if (first >= 0x80) throw new DerError(`expected ${what} to be positive, found a negative integer`)
  if (first !== 0 || second === undefined) return octets
  if (second < 0x80) throw new DerError(`expected ${what} in its shortest form`)
  return octets.subarray(1)
}

/** A small non-negative INTEGER; what does not fit 32 bits is refused. */
export function readSmallInteger(reader: DerReader, what: string): number {
  const octets = readUnsigned(reader, what)
  if (octets.length > 4) throw new DerError(`expected ${what} to be a small integer`)
  return octets.reduce((value, octet) => value * 256 + octet, 0)
}

/** A BIT STRING of whole octets. */
export function readOctetBits(reader: DerReader, what: string): Uint8Array {
  const octets = reader.contentsOf(reader.take(tags.bitString, what))
  if (octets[0] !== 0) throw new DerError(`expected ${what} to be whole octets`)
  return octets.subarray(1)
}

/** Lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
