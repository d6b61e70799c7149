const slots = 1024
const longestRemembered = 64
const scannedAtMost = 24

// U+FEFF is a character like any other inside a text
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes already known to be UTF-8, as text. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  return utf8.decode(bytes.subarray(start, end))
}

/**
 * A bounded memory of member names, so that a name that keeps coming back is decoded once.
 *
 * One name per slot, the last one wins: hostile names cost time, never memory.
 */
export class KeyMemory {
  /** Hash of the name asked for last. */
  hash = 0
  readonly #texts: (string | undefined)[] = new Array<string | undefined>(slots).fill(undefined)
  readonly #bytes: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(slots).fill(undefined)

  /** The text of these bytes, which are known to be UTF-8. */
  textOf(bytes: Uint8Array, start: number, end: number): string {
    const hash = hashOf(bytes, start, end)
    this.hash = hash
    const slot = hash & (slots - 1)
    const known = this.#bytes[slot]
    if (known !== undefined && isSame(known, bytes, start) && known.length === end - start) {
      return this.#texts[slot] ?? ''
    }
    const text = decodeUtf8(bytes, start, end)
    if (end - start <= longestRemembered) {
      // a copy: `slice` of a Buffer is a view, which would hold the whole body, and lose it with its memory
      this.#bytes[slot] = new Uint8Array(bytes.subarray(start, end))
      this.#texts[slot] = text
    }
    return text
  }
}

/**
 * The member names of every open object: says which one stands there twice.
 *
 * Names are compared as decoded, so `"a"` and `"\u0061"` are one name.
 */
export class OpenKeys {
  readonly #names: string[] = []
  #top = 0
  readonly #starts: number[] = []
  // one bit a name: a name whose bit is not set has not been seen
  readonly #bits: number[] = []
  readonly #sets: (Set<string> | undefined)[] = []
  #depth = -1

  open(): void {
    this.#depth++
    this.#starts[this.#depth] = this.#top
    this.#bits[this.#depth] = 0
    this.#sets[this.#depth] = undefined
  }

  close(): void {
    this.#top = this.#starts[this.#depth] ?? 0
    this.#sets[this.#depth] = undefined
    this.#depth--
  }

  /** Takes the name; false where this object has it already. */
  add(name: string, hash: number): boolean {
    const start = this.#starts[this.#depth] ?? 0
    const bits = this.#bits[this.#depth] ?? 0
    const bit = 1 << (hash >>> 27)
    if (this.#top - start >= scannedAtMost) return this.#addToSet(name, start)
    if ((bits & bit) !== 0) {
      for (let i = start; i < this.#top; i++) if (this.#names[i] === name) return false
    }
    this.#bits[this.#depth] = bits | bit
    this.#names[this.#top++] = name
    return true
  }

  // past a few names a scan costs more than a set; the mark before each name keeps names that look
  // like numbers, whose hashes can be chosen, from colliding on purpose
  #addToSet(name: string, start: number): boolean {
    let set = this.#sets[this.#depth]
    if (set === undefined) {
      set = new Set(this.#names.slice(start, this.#top).map((each) => `.${each}`))
      this.#sets[this.#depth] = set
    }
    const before = set.size
    set.add(`.${name}`)
    return set.size > before
  }
}

// of five bytes and the length: names that share them cost a comparison more, and are few
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length === 0) return 0
  let hash = length + ((bytes[start] ?? 0) << 8) + ((bytes[end - 1] ?? 0) << 16)
  hash = (Math.imul(hash, 31) + (bytes[start + (length >> 1)] ?? 0)) | 0
  hash = (Math.imul(hash, 31) + (bytes[start + (length >> 2)] ?? 0)) | 0
  hash = (Math.imul(hash, 0x9e3779b1) + (bytes[end - 1 - (length >> 2)] ?? 0)) | 0
  return hash ^ (hash >>> 15)
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}
