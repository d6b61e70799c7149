type Numbers = Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>

/** A typed array that grows while it is filled: numbers that the garbage collector never walks. */
class GrowingArray<Kind extends Numbers> {
  length = 0
  array: Kind
  readonly #make: (length: number) => Kind

  constructor(make: (length: number) => Kind) {
    this.#make = make
    this.array = make(64)
  }

  push(...numbers: readonly number[]): void {
    this.#reserve(numbers.length)
    for (const number of numbers) {
      this.array[this.length] = number
      this.length += 1
    }
  }

  append(numbers: Kind): void {
    this.#reserve(numbers.length)
    this.array.set(numbers, this.length)
    this.length += numbers.length
  }

  /** What was filled in, in a buffer of its own and of exactly that size. */
  finish(): ArrayBuffer {
    return this.array.slice(0, this.length).buffer
  }

  #reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.array.length) return
    const grown = this.#make(Math.max(needed, Math.ceil(this.array.length * 1.5)))
    grown.set(this.array.subarray(0, this.length))
    this.array = grown
  }
}

export const growingBytes = () => new GrowingArray((length) => new Uint8Array(length))
export const growingUint32 = () => new GrowingArray((length) => new Uint32Array(length))
export const growingFloat64 = () => new GrowingArray((length) => new Float64Array(length))
