import { MessageChannel } from 'node:worker_threads'

/** Bytes that may wait for whoever takes them slowly, before nothing more is read from the other end. */
export const mostHeld = 131_072

const readBytes = 65_536
const mostFree = 3

/**
 * The memory that one connection is read into, used again and again: of fresh memory for each read, a body
 * of 10 MB would leave as much garbage outside the heap, and every few of them a full collection.
 *
 * INVARIANT: what was taken is not read into before it was given back.
 */
export class ReadMemory {
  #current: Buffer | undefined
  readonly #free: Buffer[] = []

  /** What the next read goes into. */
  next(): Buffer {
    this.#current ??= this.#free.pop() ?? Buffer.allocUnsafeSlow(readBytes)
    return this.#current
  }

  /**
   * Leaves what was just read to the caller, who must ask while it is being told of the read.
   *
   * @returns gives it back; called with an error, or never, it is left to the collector
   */
  take(): (error?: Error | null) => void {
    let taken = this.#current
    this.#current = undefined
    return (error) => {
      if (taken !== undefined && !(error instanceof Error) && this.#free.length < mostFree)
        this.#free.push(taken)
      taken = undefined
    }
  }

  /** Keeps no more than the next read needs. */
  shrink(): void {
    this.#free.length = 0
  }
}

/**
 * Two pieces of one read as one, moved together where something stood between them: what it overwrites has
 * been read already.
 */
export function joined(first: Buffer, next: Buffer): Buffer {
  const whole = Buffer.from(first.buffer, first.byteOffset, first.length + next.length)
  whole.set(next, first.length)
  return whole
}

// a port that is closed: what is transferred to it belongs to nobody
const nowhere = new MessageChannel().port1
nowhere.close()

/**
 * Gives back at once the memory of pieces that nobody needs any more, where each has its own to itself: they
 * are empty from then on. Otherwise each upload of 10 MB is as much garbage, which brings on full collections.
 *
 * @see https://html.spec.whatwg.org/multipage/web-messaging.html#dom-messageport-postmessage (transferred, received or not)
 */
export function discard(pieces: readonly Uint8Array[]): void {
  const whole: ArrayBuffer[] = []
  for (const { buffer, byteLength } of pieces) {
    if (byteLength >= leastDiscarded && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer)
      whole.push(buffer)
  }
  try {
    nowhere.postMessage(undefined, whole)
  } catch {
    // one that cannot be transferred: the collector has them
  }
}

// smaller ones may share memory
const leastDiscarded = 4_096
