import { decodeUtf8, type KeyMemory } from './json-keys.js'

// what a string waits for
const nothing = 0
const continuation = 1
const escape = 2
const hexDigit = 3
const lowSurrogateBackslash = 4
const lowSurrogateLetter = 5

// bytes that stand for themselves: printable ASCII but `"` and `\`
const plain = new Uint8Array(256)
for (let byte = 0x20; byte < 0x80; byte++) plain[byte] = byte === 0x22 || byte === 0x5c ? 0 : 1

/**
 * Where a string ends that begins here, stands whole in this piece and holds printable ASCII alone: nearly
 * every one does. -1 where that cannot be said; it is read byte by byte then.
 */
export function closingQuote(bytes: Uint8Array, from: number, maxBytes: number): number {
  const end = Math.min(bytes.length, from + maxBytes + 1)
  let i = from
  while (i < end && plain[bytes[i] ?? 0] === 1) i++
  return i < end && bytes[i] === 0x22 ? i : -1
}

const empty = new Uint8Array(0)

const escapes: Readonly<Record<number, number>> = {
  0x22: 0x22,
  0x5c: 0x5c,
  0x2f: 0x2f,
  0x62: 0x08,
  0x66: 0x0c,
  0x6e: 0x0a,
  0x72: 0x0d,
  0x74: 0x09,
}

/**
 * One JSON string behind its opening quote, read as its bytes come.
 *
 * A wanted string that stands whole in one piece and holds no escape is decoded where it stands;
 * any other is gathered as UTF-8 first.
 *
 * @see RFC 8259 section 7, RFC 3629 section 4
 */
export class JsonString {
  closed = false
  problem: string | undefined = undefined
  readonly #maxBytes: number
  #wanted = false
  #length = 0
  #waitsFor = nothing
  // UTF-8: continuation bytes still to come, and the range of the next one
  #more = 0
  #low = 0x80
  #high = 0xbf
  // `\uXXXX`: digits still to come, their value, and the high surrogate before it
  #digits = 0
  #codeUnit = 0
  #highSurrogate = 0
  #gathered: Uint8Array = empty
  #gatheredLength = 0
  // where the text stands once the string is closed
  #source: Uint8Array = this.#gathered
  #start = 0
  #end = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  open(wanted: boolean): void {
    this.closed = false
    this.#wanted = wanted
    this.#length = 0
    this.#waitsFor = nothing
    this.#gatheredLength = 0
  }

  /** The text; undefined where it was not wanted. */
  text(): string | undefined {
    return this.#wanted ? decodeUtf8(this.#source, this.#start, this.#end) : undefined
  }

  /** The text, by way of the memory of names. */
  name(memory: KeyMemory): string {
    return memory.textOf(this.#source, this.#start, this.#end)
  }

  /** Reads up to the closing quote or the end of the piece; answers the index behind what was read. */
  read(bytes: Uint8Array, from: number): number {
    const end = bytes.length
    let i = from
    let kept = from
    while (i < end) {
      const byte = bytes[i] ?? 0
      if (this.#waitsFor === nothing) {
        if (plain[byte] === 1) {
          i++
          while (i < end && plain[bytes[i] ?? 0] === 1) i++
        } else if (byte === 0x22) {
          return this.#close(bytes, kept, i)
        } else if (byte === 0x5c) {
          this.#gather(bytes, kept, i)
          this.#length += i + 1 - kept
          this.#waitsFor = escape
          kept = ++i
        } else if (byte < 0x20) {
          return this.#refuse(i, 'a control character in a string must be escaped')
        } else if (this.#lead(byte)) {
          i++
        } else {
          return this.#refuse(i, 'the text is not UTF-8')
        }
      } else if (this.#waitsFor === continuation) {
        if (byte < this.#low || byte > this.#high) return this.#refuse(i, 'the text is not UTF-8')
        this.#low = 0x80
        this.#high = 0xbf
        if (--this.#more === 0) this.#waitsFor = nothing
        i++
      } else {
        const problem = this.#readEscape(byte)
        if (problem !== undefined) return this.#refuse(i, problem)
        this.#length++
        kept = ++i
      }
    }
    this.#length += i - kept
    if (this.#length > this.#maxBytes) return this.#tooLong(i)
    this.#gather(bytes, kept, i)
    return i
  }

  #close(bytes: Uint8Array, kept: number, quote: number): number {
    this.#length += quote - kept
    if (this.#length > this.#maxBytes) return this.#tooLong(quote)
    if (this.#wanted) {
      if (this.#gatheredLength === 0) {
        this.#source = bytes
        this.#start = kept
        this.#end = quote
      } else {
        this.#gather(bytes, kept, quote)
        this.#source = this.#gathered
        this.#start = 0
        this.#end = this.#gatheredLength
      }
    }
    this.closed = true
    return quote + 1
  }

  #lead(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false
    this.#more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
    // no overlong forms, no surrogates, nothing past U+10FFFF
    this.#low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80
    this.#high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf
    this.#waitsFor = continuation
    return true
  }

  #readEscape(byte: number): string | undefined {
    switch (this.#waitsFor) {
      case escape: {
        if (byte === 0x75) {
          this.#beginUnicode()
          return undefined
        }
        const meaning = escapes[byte]
        if (meaning === undefined) return 'an escape that JSON does not have'
        this.#waitsFor = nothing
        this.#gatherCodePoint(meaning)
        return undefined
      }
      case lowSurrogateBackslash:
        if (byte !== 0x5c) return 'a surrogate stands alone'
        this.#waitsFor = lowSurrogateLetter
        return undefined
      case lowSurrogateLetter:
        if (byte !== 0x75) return 'a surrogate stands alone'
        this.#beginUnicode()
        return undefined
      default:
        return this.#readHexDigit(byte)
    }
  }

  #beginUnicode(): void {
    this.#waitsFor = hexDigit
    this.#digits = 4
    this.#codeUnit = 0
  }

  #readHexDigit(byte: number): string | undefined {
    const letter = byte | 0x20
    const digit =
      byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
    if (digit === -1) return '`\\u` wants four hexadecimal digits'
    this.#codeUnit = this.#codeUnit * 16 + digit
    if (--this.#digits > 0) return undefined
    const unit = this.#codeUnit
    const isLow = unit >= 0xdc00 && unit <= 0xdfff
    if ((this.#highSurrogate !== 0) !== isLow) return 'a surrogate stands alone'
    if (unit >= 0xd800 && unit <= 0xdbff) {
      this.#highSurrogate = unit
      this.#waitsFor = lowSurrogateBackslash
      return undefined
    }
    this.#gatherCodePoint(isLow ? 0x10000 + ((this.#highSurrogate - 0xd800) << 10) + (unit - 0xdc00) : unit)
    this.#highSurrogate = 0
    this.#waitsFor = nothing
    return undefined
  }

  #gather(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#wanted || start === end) return
    this.#makeRoom(end - start)
    this.#gathered.set(bytes.subarray(start, end), this.#gatheredLength)
    this.#gatheredLength += end - start
  }

  #gatherCodePoint(code: number): void {
    if (!this.#wanted) return
    this.#makeRoom(4)
    if (code < 0x80) {
      this.#put(code)
    } else if (code < 0x800) {
      this.#put(0xc0 | (code >> 6))
      this.#put(0x80 | (code & 0x3f))
    } else {
      if (code < 0x10000) {
        this.#put(0xe0 | (code >> 12))
      } else {
        this.#put(0xf0 | (code >> 18))
        this.#put(0x80 | ((code >> 12) & 0x3f))
      }
      this.#put(0x80 | ((code >> 6) & 0x3f))
      this.#put(0x80 | (code & 0x3f))
    }
  }

  #put(byte: number): void {
    this.#gathered[this.#gatheredLength++] = byte
  }

  #makeRoom(bytes: number): void {
    const wanted = this.#gatheredLength + bytes
    if (wanted <= this.#gathered.length) return
    const larger = new Uint8Array(Math.max(256, wanted, this.#gathered.length * 2))
    larger.set(this.#gathered)
    this.#gathered = larger
  }

  #tooLong(at: number): number {
    return this.#refuse(at, 'a string longer than this gateway takes')
  }

  #refuse(at: number, problem: string): number {
    this.problem = problem
    return at
  }
}
