/** Enough for the lines of some milliseconds under load. */
const usualBytes = 256 * 1024

/**
 * Lines side by side in memory that is used again, as they go to a file: how many are there, and which of
 * them are written.
 */
export class LineBlock {
  /** Bytes of whole lines that are written. */
  written = 0
  readonly #bytes: Buffer
  /** Where each line ends. */
  #ends: number[] = []
  #length = 0
  /** Lines that are written. */
  #done = 0

  /** @param leastBytes - what its first line needs */
  constructor(leastBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(usualBytes, leastBytes))
  }

  /** Whether it is of the size that most are, and may be used again. */
  get isUsual(): boolean {
    return this.#bytes.length === usualBytes
  }

  /** Lines that are not written. */
  get waiting(): number {
    return this.#ends.length - this.#done
  }

  /** The bytes of all lines so far; lines that are added later stand behind. */
  get filled(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  hasRoomFor(line: string): boolean {
    const room = this.#bytes.length - this.#length
    // three bytes a character at most (UTF-16 to UTF-8)
    return line.length * 3 <= room || Buffer.byteLength(line) <= room
  }

  /** Adds a line that there is room for; answers its bytes. */
  add(line: string): number {
    const bytes = this.#bytes.write(line, this.#length)
    this.#length += bytes
    this.#ends.push(this.#length)
    return bytes
  }

  /** Everything up to this byte is written: lines that are whole by that count as such. */
  wrote(end: number): void {
    while (this.#done < this.#ends.length) {
      const lineEnd = this.#ends[this.#done] ?? Infinity
      if (lineEnd > end) return
      this.written = lineEnd
      this.#done += 1
    }
  }

  /** As new. */
  clear(): void {
    this.written = 0
    this.#ends = []
    this.#length = 0
    this.#done = 0
  }
}
