// where in a number the reader stands
const start = 0
const afterMinus = 1
const zero = 2
const integer = 3
const point = 4
const fraction = 5
const exponent = 6
const exponentSign = 7
const exponentDigits = 8

/** One JSON number, read as its bytes come. @see RFC 8259 section 6 */
export class JsonNumber {
  tooLong = false
  readonly #maxBytes: number
  #place = start
  #length = 0
  #wanted = false
  #text = ''

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  open(wanted: boolean): void {
    this.#place = start
    this.#length = 0
    this.#wanted = wanted
    this.#text = ''
  }

  /** Whether what was read so far is a number. */
  get complete(): boolean {
    const place = this.#place
    return place === integer || place === zero || place === fraction || place === exponentDigits
  }

  /** As written; undefined where it was not wanted. */
  text(): string | undefined {
    return this.#wanted ? this.#text : undefined
  }

  /** Reads up to the first byte that cannot belong to this number; answers its index. */
  read(bytes: Uint8Array, from: number): number {
    let i = from
    while (i < bytes.length) {
      const next = placeAfter(this.#place, bytes[i] ?? 0)
      if (next === -1) break
      this.#place = next
      i++
    }
    this.#length += i - from
    if (this.#length > this.#maxBytes) this.tooLong = true
    else if (this.#wanted && i > from) this.#text += String.fromCharCode(...bytes.subarray(from, i))
    return i
  }
}

function placeAfter(place: number, byte: number): number {
  const isDigit = byte >= 0x30 && byte <= 0x39
  switch (place) {
    case start:
      if (byte === 0x2d) return afterMinus
      return isDigit ? (byte === 0x30 ? zero : integer) : -1
    case afterMinus:
      return isDigit ? (byte === 0x30 ? zero : integer) : -1
    case zero:
    case integer:
      if (isDigit) return place === zero ? -1 : integer
      if (byte === 0x2e) return point
      return isExponentMark(byte) ? exponent : -1
    case point:
      return isDigit ? fraction : -1
    case fraction:
      if (isDigit) return fraction
      return isExponentMark(byte) ? exponent : -1
    case exponent:
      if (byte === 0x2b || byte === 0x2d) return exponentSign
      return isDigit ? exponentDigits : -1
    default:
      return isDigit ? exponentDigits : -1
  }
}

function isExponentMark(byte: number): boolean {
  return byte === 0x65 || byte === 0x45
}
