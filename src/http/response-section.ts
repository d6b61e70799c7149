const maxHeadBytes = 65_536

const cr = 13
const lf = 10

/** What of an answer ends with an empty line, its head and its trailers, in whatever pieces it comes; bounded. */
export class Section {
  #held: Buffer | undefined
  #heldLength = 0

  /** Forgets what is held. */
  clear(): void {
    this.#heldLength = 0
  }

  /** What stands before CR LF CR LF, once that is there; otherwise the bytes are held. */
  read(
    chunk: Buffer,
    at: number,
    what: 'head' | 'trailers',
  ): { readonly text: string; readonly end: number } | number | string {
    if (this.#heldLength === 0) {
      const end = chunk.indexOf(sectionEnd, at)
      if (end !== -1) {
        if (end - at > maxHeadBytes) return tooLong
        return { text: chunk.toString('latin1', at, end), end: end + 4 }
      }
    }
    const before = this.#heldLength
    this.hold(chunk, at)
    const held = this.#held ?? empty
    const found = held.subarray(0, this.#heldLength).indexOf(sectionEnd, Math.max(0, before - 3))
    if (found > maxHeadBytes || (found === -1 && this.#heldLength > maxHeadBytes)) return tooLong
    if (found === -1) return this.#earlyProblem(held, before, what) ?? chunk.length
    this.#heldLength = 0
    return { text: held.toString('latin1', 0, found), end: at + found + 4 - before }
  }

  // what can be no head is not waited for
  #earlyProblem(held: Buffer, before: number, what: 'head' | 'trailers'): string | undefined {
    for (let index = before; index < this.#heldLength; index += 1) {
      const isAfterCr = index > 0 && held[index - 1] === cr
      if ((held[index] === lf) !== isAfterCr) return 'a line that does not end in CR LF'
    }
    if (what !== 'head') return undefined
    const start = held.toString('latin1', 0, Math.min(this.#heldLength, protocol.length))
    return protocol.startsWith(start) ? undefined : 'no HTTP/1 answer'
  }

  /** Keeps bytes, as if they had come and ended nothing. */
  hold(chunk: Buffer, at: number): void {
    // one byte past the bound tells that it was passed
    const end = Math.min(chunk.length, at + maxHeadBytes + sectionEnd.length + 1 - this.#heldLength)
    const needed = this.#heldLength + end - at
    if (this.#held === undefined || this.#held.length < needed) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, needed * 2))
      this.#held?.copy(larger, 0, 0, this.#heldLength)
      this.#held = larger
    }
    chunk.copy(this.#held, this.#heldLength, at, end)
    this.#heldLength = needed
  }
}

const protocol = 'HTTP/1.'
const tooLong = 'a head, or trailers, that are too long'
const sectionEnd = Buffer.from('\r\n\r\n')
const empty = Buffer.alloc(0)
