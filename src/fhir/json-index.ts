import { jsonIndexModule } from './json-index-module.js'
import { defaultJsonLimits } from './json-visitor.js'

/** A token of a tape, as `assembly/json-index.ts` writes it. */
export const jsonToken = {
  object: 1,
  array: 2,
  /** An array with an array directly in it. */
  arrayOfArray: 3,
  name: 4,
  /** A string that is ASCII without escapes. */
  plain: 5,
  utf8: 6,
  escaped: 7,
  number: 8,
  true: 9,
  false: 10,
  null: 11,
} as const

/** What the module exports; its memory never grows. */
interface JsonIndexExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly textAddress: () => number
  readonly textCapacity: () => number
  readonly tapeAddress: () => number
  readonly index: (length: number) => number
}

/** As much of the global `WebAssembly` as is used here; the types of Node do not declare it. */
interface WebAssemblyGlobal {
  readonly validate: (bytes: Uint8Array) => boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: JsonIndexExports }
}

/**
 * Says of a whole JSON text in one pass where everything stands in it, or says nothing.
 *
 * It is sound, not complete: what it says of a text is said of one that `JsonReader` takes, an object at
 * its root. Of a text with any problem, and of much that is rare, it says nothing. What `text` and `tape`
 * hold is true until the next call, and is memory that is written over: nothing may keep a part of it.
 */
export class JsonIndex {
  /** The text last read, and whatever the memory holds behind it. */
  readonly text: Buffer
  /** Two words a token: `kind << 24 | offset`, then the end (of an object or array: the token behind it). */
  readonly tape: Uint32Array
  readonly #index: (length: number) => number
  readonly #longest: number

  constructor({ memory, textAddress, textCapacity, tapeAddress, index }: JsonIndexExports) {
    this.text = Buffer.from(memory.buffer, textAddress())
    this.tape = new Uint32Array(memory.buffer, tapeAddress())
    this.#index = index
    // no string is longer than its text
    this.#longest = Math.min(textCapacity(), defaultJsonLimits.maxStringBytes)
  }

  /** Whether it says where everything stands in this text. */
  reads(bytes: Uint8Array): boolean {
    if (bytes.length > this.#longest) return false
    this.text.set(bytes)
    return this.#index(bytes.length) > 0
  }
}

let opened: JsonIndex | undefined
let isOpened = false

/** The one of this thread; undefined where there is no WebAssembly, no SIMD or no room for its memory. */
export function jsonIndex(): JsonIndex | undefined {
  if (!isOpened) {
    isOpened = true
    opened = openJsonIndex()
  }
  return opened
}

function openJsonIndex(): JsonIndex | undefined {
  // absent with --jitless
  const engine = (globalThis as { WebAssembly?: WebAssemblyGlobal }).WebAssembly
  const bytes = Buffer.from(jsonIndexModule, 'base64')
  if (engine?.validate(bytes) !== true) return undefined
  try {
    return new JsonIndex(new engine.Instance(new engine.Module(bytes)).exports)
  } catch {
    // its memory wants addresses, which `ulimit -v` may not leave
    return undefined
  }
}
