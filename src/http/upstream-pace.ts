import type { ForwardTimeouts } from './forwarder.js'

/** An upstream sent its answer more slowly, for longer, than it may. */
export class SlowUpstreamError extends Error {}

/** What is asked of an upstream that answers: a rate, and how long it may lag behind it. */
export type PaceDemand = Pick<ForwardTimeouts, 'idleMs' | 'bytesPerSecond'>

// looks come twice a second at least: an event loop that stood still has seen nothing of what came meanwhile
const mostElapsedMs = 1_000

/**
 * How fast an upstream sends the body of one answer; the counterpart of `tls/answer-pace.ts`.
 *
 * The time in which the upstream alone is waited for is counted, so that neither a slow client nor a long
 * answer is held against it. What it sends is paid back at the agreed rate. One that sends a few bytes a
 * minute, which a limit of silence would never end, comes to the end of its grace.
 */
export class UpstreamPace {
  readonly #demand: PaceDemand
  #slackMs: number
  #received = 0
  #lookedAt: number | undefined

  constructor(demand: PaceDemand) {
    this.#demand = demand
    this.#slackMs = demand.idleMs
  }

  /**
   * Counts since the last look; the first one begins.
   *
   * @param seen.at - milliseconds on a clock that never goes back
   * @param seen.received - bytes of the body so far
   * @param seen.isAwaited - whether nothing but the upstream is waited for
   * @returns what to fail with, once it has been too slow for too long
   */
  look(seen: {
    readonly at: number
    readonly received: number
    readonly isAwaited: boolean
  }): SlowUpstreamError | undefined {
    const { idleMs, bytesPerSecond } = this.#demand
    const elapsedMs = Math.min(seen.at - (this.#lookedAt ?? seen.at), mostElapsedMs)
    const paidMs = ((seen.received - this.#received) * 1_000) / bytesPerSecond
    this.#lookedAt = seen.at
    this.#received = seen.received
    // never more than the grace, so that nothing can be saved up
    this.#slackMs = Math.min(idleMs, this.#slackMs + paidMs - (seen.isAwaited ? elapsedMs : 0))
    if (this.#slackMs >= 0) return undefined
    return new SlowUpstreamError(
      `the upstream sent less than ${bytesPerSecond} bytes a second for ${idleMs} ms`,
    )
  }
}
