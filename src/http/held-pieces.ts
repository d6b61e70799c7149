import { discard } from './body-memory.js'

// a piece costs some 200 bytes by itself, and may keep all that was read with it
const leastKept = 4_096
const blockBytes = 16_384

/**
 * The pieces of a body that is held until it is whole.
 *
 * INVARIANT: they take little more memory than their bytes. The sender chooses how small they are: a body of
 * 10 MB in chunks of one byte took 2 GB, and ended the process.
 */
export class HeldPieces {
  /** In bytes. */
  length = 0
  readonly #kept: Buffer[] = []
  /** What small pieces are copied into, and how far it is filled. */
  #block: Buffer | undefined
  #filled = 0

  add(piece: Buffer): void {
    // most bodies are one piece, and are not copied
    const isKept = piece.length >= leastKept || this.length === 0
    this.length += piece.length
    if (this.#block !== undefined && piece.length > blockBytes - this.#filled) this.#endBlock()
    if (this.#block === undefined && isKept) {
      this.#kept.push(piece)
      return
    }
    this.#block ??= Buffer.allocUnsafeSlow(blockBytes)
    this.#block.set(piece, this.#filled)
    this.#filled += piece.length
  }

  /** All of them as one; to be asked once. */
  whole(): Uint8Array {
    this.#endBlock()
    const [first] = this.#kept
    if (this.#kept.length === 1 && first !== undefined) return first
    const whole = Buffer.concat(this.#kept, this.length)
    discard(this.#kept)
    return whole
  }

  #endBlock(): void {
    if (this.#block === undefined) return
    this.#kept.push(this.#block.subarray(0, this.#filled))
    this.#block = undefined
    this.#filled = 0
  }
}
