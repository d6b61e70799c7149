import { closingQuote, JsonString } from './json-string.js'
import { decodeUtf8, KeyMemory, OpenKeys } from './json-keys.js'
import { JsonNumber } from './json-number.js'
import { defaultJsonLimits, type JsonLimits, type JsonProblem, type JsonVisitor } from './json-visitor.js'

// what may come next
const value = 0
const valueOrEnd = 1
const keyOrEnd = 2
const key = 3
const colon = 4
const commaOrEnd = 5
// what is being read
const inKey = 6
const inString = 7
const inNumber = 8
const inLiteral = 9

const literals: readonly (readonly [word: string, value: boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

const keyMemory = new KeyMemory()

/**
 * A strict incremental JSON reader: takes bytes as they come, tells a visitor, and never throws for bad input.
 *
 * All of RFC 8259, and stricter where it leaves a choice: member names are unique within an object
 * (compared as decoded), the text is UTF-8 without a byte order mark, no surrogate stands alone,
 * escaped or not, depth and sizes are bounded, nothing but white space follows the value. After a
 * problem every further call answers that problem.
 *
 * @see RFC 8259; RFC 7493 (I-JSON) section 2
 */
export class JsonReader {
  readonly #visitor: JsonVisitor
  readonly #limits: JsonLimits
  readonly #keys = new OpenKeys()
  readonly #string: JsonString
  readonly #number: JsonNumber
  /** By depth. */
  readonly #isObject: boolean[] = [false]
  #depth = 0
  #state = value
  #literal = 0
  #literalIndex = 0
  #problem: JsonProblem | undefined
  /** Bytes of earlier chunks. */
  #before = 0

  constructor(visitor: JsonVisitor, limits: JsonLimits = defaultJsonLimits) {
    this.#visitor = visitor
    this.#limits = limits
    this.#string = new JsonString(limits.maxStringBytes)
    this.#number = new JsonNumber(limits.maxNumberBytes)
  }

  /** Reads one more piece of the text. */
  write(bytes: Uint8Array): JsonProblem | undefined {
    let i = 0
    while (i < bytes.length && this.#problem === undefined) {
      switch (this.#state) {
        case inKey:
        case inString:
          i = this.#readString(bytes, i)
          break
        case inNumber:
          i = this.#readNumber(bytes, i)
          break
        case inLiteral:
          i = this.#readLiteral(bytes, i)
          break
        default:
          i = this.#readStructure(bytes, i)
      }
    }
    this.#before += bytes.length
    return this.#problem
  }

  /** The text ends here: what it lacks, if anything. */
  end(): JsonProblem | undefined {
    const isNumber = this.#problem === undefined && this.#state === inNumber && this.#depth === 0
    if (isNumber && this.#number.complete) this.#closeNumber(new Uint8Array(0), 0)
    if (this.#state !== commaOrEnd || this.#depth > 0) {
      this.#problem ??= { offset: this.#before, message: 'the text ends before its value is complete' }
    }
    return this.#problem
  }

  #readStructure(bytes: Uint8Array, from: number): number {
    const end = bytes.length
    let i = from
    while (i < end) {
      // most of an indented text is indentation
      while (i < end && bytes[i] === 0x20) i++
      if (i === end) return i
      const byte = bytes[i] ?? 0
      if (byte === 0x0a || byte === 0x0d || byte === 0x09) {
        i++
        continue
      }
      if (this.#state === colon) {
        if (byte !== 0x3a) return this.#unexpected(byte, i)
        this.#state = value
      } else if (this.#state === commaOrEnd) {
        if (!this.#separate(byte)) return this.#unexpected(byte, i)
      } else if (this.#state === key || this.#state === keyOrEnd) {
        if (byte === 0x22) {
          const quote = closingQuote(bytes, i + 1, this.#limits.maxStringBytes)
          if (quote === -1) {
            this.#state = inKey
            this.#string.open(true)
            return i + 1
          }
          if (!this.#takeKey(keyMemory.textOf(bytes, i + 1, quote))) return this.#refuseKey(quote)
          i = quote + 1
          continue
        }
        if (byte !== 0x7d || this.#state === key) return this.#unexpected(byte, i)
        this.#close()
      } else if (byte === 0x22) {
        const quote = closingQuote(bytes, i + 1, this.#limits.maxStringBytes)
        if (quote === -1) {
          this.#state = inString
          this.#string.open(this.#visitor.wantsText)
          return i + 1
        }
        this.#state = commaOrEnd
        this.#visitor.string(this.#visitor.wantsText ? decodeUtf8(bytes, i + 1, quote) : undefined)
        i = quote + 1
        continue
      } else if (byte === 0x7b || byte === 0x5b) {
        if (!this.#open(byte === 0x7b)) {
          return this.#refuse(i, `nesting deeper than ${this.#limits.maxDepth} levels`)
        }
      } else if (byte === 0x5d && this.#state === valueOrEnd) {
        this.#close()
      } else {
        return this.#beginScalar(byte, i)
      }
      i++
    }
    return i
  }

  /** A comma or the end of what is open; false where neither may stand here. */
  #separate(byte: number): boolean {
    if (this.#depth === 0) return false
    const isObject = this.#isObject[this.#depth] === true
    if (byte === 0x2c) this.#state = isObject ? key : value
    else if (byte === (isObject ? 0x7d : 0x5d)) this.#close()
    else return false
    return true
  }

  #open(isObject: boolean): boolean {
    if (this.#depth === this.#limits.maxDepth) return false
    this.#depth++
    this.#isObject[this.#depth] = isObject
    if (isObject) {
      this.#keys.open()
      this.#visitor.openObject()
      this.#state = keyOrEnd
    } else {
      this.#visitor.openArray()
      this.#state = valueOrEnd
    }
    return true
  }

  #close(): void {
    if (this.#isObject[this.#depth] === true) {
      this.#keys.close()
      this.#visitor.closeObject()
    } else {
      this.#visitor.closeArray()
    }
    this.#depth--
    this.#state = commaOrEnd
  }

  #beginScalar(byte: number, at: number): number {
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      this.#state = inNumber
      this.#number.open(this.#visitor.wantsText)
      return at
    }
    const literal = byte === 0x74 ? 0 : byte === 0x66 ? 1 : byte === 0x6e ? 2 : -1
    if (literal === -1) return this.#unexpected(byte, at)
    this.#state = inLiteral
    this.#literal = literal
    this.#literalIndex = 1
    return at + 1
  }

  #readString(bytes: Uint8Array, from: number): number {
    const next = this.#string.read(bytes, from)
    const { problem } = this.#string
    if (problem !== undefined) return this.#refuse(next, problem)
    if (!this.#string.closed) return next
    if (this.#state === inString) {
      this.#state = commaOrEnd
      this.#visitor.string(this.#string.text())
      return next
    }
    return this.#takeKey(this.#string.name(keyMemory)) ? next : this.#refuseKey(next - 1)
  }

  /** The name that was just read; false where its object has it already. */
  #takeKey(name: string): boolean {
    if (!this.#keys.add(name, keyMemory.hash)) return false
    this.#state = colon
    this.#visitor.key(name)
    return true
  }

  #refuseKey(at: number): number {
    return this.#refuse(at, 'a member name stands there twice')
  }

  #readNumber(bytes: Uint8Array, from: number): number {
    const next = this.#number.read(bytes, from)
    if (this.#number.tooLong) return this.#refuse(next, 'a number longer than this gateway takes')
    return next < bytes.length ? this.#closeNumber(bytes, next) : next
  }

  #closeNumber(bytes: Uint8Array, at: number): number {
    if (!this.#number.complete) return this.#unexpected(bytes[at] ?? 0, at)
    this.#state = commaOrEnd
    this.#visitor.number(this.#number.text())
    return at
  }

  #readLiteral(bytes: Uint8Array, from: number): number {
    const [word, meaning] = literals[this.#literal] ?? ['', null]
    let i = from
    while (i < bytes.length && this.#literalIndex < word.length) {
      const byte = bytes[i] ?? 0
      if (byte !== word.charCodeAt(this.#literalIndex)) return this.#unexpected(byte, i)
      this.#literalIndex++
      i++
    }
    if (this.#literalIndex === word.length) {
      this.#state = commaOrEnd
      this.#visitor.literal(meaning)
    }
    return i
  }

  #unexpected(byte: number, at: number): number {
    if (byte === 0xef && this.#before + at === 0)
      return this.#refuse(at, 'the text begins with a byte order mark')
    return this.#refuse(
      at,
      `expected ${this.#expectation()}, found byte 0x${byte.toString(16).padStart(2, '0')}`,
    )
  }

  #expectation(): string {
    switch (this.#state) {
      case value:
        return 'a value'
      case valueOrEnd:
        return 'a value or `]`'
      case keyOrEnd:
        return 'a member name or `}`'
      case key:
        return 'a member name'
      case colon:
        return '`:`'
      case commaOrEnd:
        if (this.#depth === 0) return 'the end of the text'
        return this.#isObject[this.#depth] === true ? '`,` or `}`' : '`,` or `]`'
      case inNumber:
        return 'a digit'
      default:
        return '`true`, `false` or `null`'
    }
  }

  #refuse(at: number, message: string): number {
    this.#problem = { offset: this.#before + at, message }
    return at
  }
}

/** Reads one whole text; undefined where it is the JSON this gateway takes. */
export function readJson(
  bytes: Uint8Array,
  visitor: JsonVisitor,
  limits: JsonLimits = defaultJsonLimits,
): JsonProblem | undefined {
  const reader = new JsonReader(visitor, limits)
  return reader.write(bytes) ?? reader.end()
}
