import { growingBytes, growingUint32 } from './growing-array.js'

/** A table of distinct byte keys, numbered from 0 in the order of their arrival, as flat buffers. */
export interface CompiledByteTable {
  /** The keys, one behind the other (bytes). */
  readonly keys: ArrayBuffer
  /** Where each key ends (32 bits each). */
  readonly ends: ArrayBuffer
  /** Open addressing with linear probing: number of the key plus 1, 0 where free (32 bits each, a power of 2). */
  readonly slots: ArrayBuffer
}

/** What a lookup needs of a table, finished or not. */
interface Table {
  readonly keys: Uint8Array
  readonly ends: Uint32Array
  readonly slots: Uint32Array
}

/** Fills a table; a key that is there already keeps its number. */
export class ByteTableBuilder {
  readonly #keys = growingBytes()
  readonly #ends = growingUint32()
  #slots = new Uint32Array(16)

  get size(): number {
    return this.#ends.length
  }

  /** The number of the key, and whether it is new. */
  put(key: Uint8Array<ArrayBuffer>): { readonly index: number; readonly isNew: boolean } {
    const slot = slotOf(this.#table(), key, key.length)
    const taken = this.#slots[slot] ?? 0
    if (taken !== 0) return { index: taken - 1, isNew: false }
    const index = this.size
    this.#keys.append(key)
    this.#ends.push(this.#keys.length)
    this.#slots[slot] = index + 1
    // at most half full, so that a key that is not there costs a probe or two
    if (this.size * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2)
    return { index, isNew: true }
  }

  finish(): CompiledByteTable {
    return { keys: this.#keys.finish(), ends: this.#ends.finish(), slots: this.#slots.buffer }
  }

  #table(): Table {
    return { keys: this.#keys.array, ends: this.#ends.array, slots: this.#slots }
  }

  #rehash(size: number): void {
    this.#slots = new Uint32Array(size)
    const table = this.#table()
    for (let index = 0; index < this.size; index += 1) {
      const key = keyOf(table, index)
      this.#slots[slotOf(table, key, key.length)] = index + 1
    }
  }
}

/** Lookups in a finished table. Opening it costs the same whatever its size. */
export class ByteTable {
  readonly #table: Table

  constructor(compiled: CompiledByteTable) {
    this.#table = {
      keys: new Uint8Array(compiled.keys),
      ends: new Uint32Array(compiled.ends),
      slots: new Uint32Array(compiled.slots),
    }
  }

  /** The number of the key in the first `length` bytes, or -1. The whole key is compared. */
  indexOf(bytes: Uint8Array, length: number): number {
    return (this.#table.slots[slotOf(this.#table, bytes, length)] ?? 0) - 1
  }

  /** The key of that number. */
  keyAt(index: number): Uint8Array {
    return keyOf(this.#table, index)
  }
}

function keyOf({ keys, ends }: Table, index: number): Uint8Array {
  return keys.subarray(index === 0 ? 0 : ends[index - 1], ends[index])
}

// the slot that holds the key, or the free one where it would stand
function slotOf({ keys, ends, slots }: Table, bytes: Uint8Array, length: number): number {
  const mask = slots.length - 1
  let slot = hash(bytes, length) & mask
  for (;;) {
    const taken = slots[slot] ?? 0
    if (taken === 0) return slot
    const start = taken === 1 ? 0 : (ends[taken - 2] ?? 0)
    if ((ends[taken - 1] ?? 0) - start === length) {
      let at = 0
      while (at < length && keys[start + at] === bytes[at]) at += 1
      if (at === length) return slot
    }
    slot = (slot + 1) & mask
  }
}

// four bytes a step as MurmurHash3 takes them, and its finaliser, since only the low bits choose the slot
function hash(bytes: Uint8Array, length: number): number {
  let state = length
  let at = 0
  for (; at + 3 < length; at += 4) {
    const word =
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)
    state = mixed(state, word)
  }
  for (; at < length; at += 1) state = mixed(state, bytes[at] ?? 0)
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}

function mixed(state: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51)
  const turned = state ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593)
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0
}
