import type { Socket } from 'node:net'

const dropped = new WeakSet<Socket>()

/** Whether this connection was ended because its client took its answers too slowly. */
export function readTooSlowly(socket: Socket): boolean {
  return dropped.has(socket)
}

interface AnswerPaceOptions {
  /** What a client must take at least, on average, of what waits for it. */
  readonly bytesPerSecond: number
  /** How long it may lag behind that, in milliseconds. */
  readonly graceMs: number
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number
}

interface Pace {
  /** Bytes that had been taken when it was last looked at. */
  taken: number
  /** How much longer it may take nothing; never more than the grace, so that nothing can be saved up. */
  slackMs: number
}

/**
 * How fast clients take what is written to them.
 *
 * The time in which an answer waits for its reader alone is counted, so that neither a slow upstream nor
 * a long answer is held against a client. What it takes is paid back at the agreed rate. A reader of a few
 * bytes a minute, which a limit of silence would never end, comes to the end of its grace.
 */
export class AnswerPace {
  readonly #options: AnswerPaceOptions
  readonly #paces = new WeakMap<Socket, Pace>()
  #lookedAt: number

  constructor(options: AnswerPaceOptions) {
    this.#options = options
    this.#lookedAt = options.now()
  }

  /** How often to look, in milliseconds: often enough to be late by a quarter of the grace at most. */
  get intervalMs(): number {
    return Math.max(10, Math.min(5_000, this.#options.graceMs / 4))
  }

  /** Looks at connections, and ends those whose clients have been too slow for too long. @returns those */
  end<Connection extends Socket>(sockets: Iterable<Connection>): readonly Connection[] {
    const { now, bytesPerSecond, graceMs } = this.#options
    const at = now()
    // an event loop that stood still has seen nothing of what they took meanwhile
    const elapsedMs = Math.min(at - this.#lookedAt, 2 * this.intervalMs)
    this.#lookedAt = at
    const ended: Connection[] = []
    for (const socket of sockets) {
      if (socket.destroyed) continue
      const pending = socket.writableLength
      const pace = this.#paces.get(socket)
      if (pace === undefined) {
        if (pending > 0) this.#paces.set(socket, { taken: socket.bytesWritten - pending, slackMs: graceMs })
        continue
      }
      const taken = socket.bytesWritten - pending
      const paidMs = ((taken - pace.taken) * 1_000) / bytesPerSecond
      const waitedMs = pending > 0 ? elapsedMs : -elapsedMs
      pace.taken = taken
      pace.slackMs = Math.min(graceMs, pace.slackMs + paidMs - waitedMs)
      // what was handed over in one piece is seen to be taken once all of it is
      if (pace.slackMs + (pending * 1_000) / bytesPerSecond >= 0) continue
      dropped.add(socket)
      socket.destroy()
      ended.push(socket)
    }
    return ended
  }
}
