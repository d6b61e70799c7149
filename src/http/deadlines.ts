import { LiveList, type LivePlace } from '../core/live-list.js'

/** Something that must go on before an instant, on the clock of its `Deadlines`. */
export interface Timed {
  readonly deadlineAt: number
  onDeadline(): void
  /** Called at each tick before the deadline. @param now - on that clock */
  onTick(now: number): void
}

/**
 * One timer for all that is under way: what is late is told so, at most one tick later.
 *
 * A request passes four phases in a millisecond or two; a timer for each of them would cost more than
 * the whole of its bookkeeping does.
 */
export class Deadlines {
  readonly #timed = new LiveList<Timed>()
  readonly #now: () => number
  readonly #tickMs: number
  readonly #onTick: () => boolean
  #timer: NodeJS.Timeout | undefined

  /** @param options.onTick - called at each tick; true keeps the ticks coming though nothing is under way */
  constructor(options: {
    readonly now: () => number
    readonly tickMs: number
    readonly onTick: () => boolean
  }) {
    this.#now = options.now
    this.#tickMs = options.tickMs
    this.#onTick = options.onTick
  }

  /** @returns what `remove` wants */
  add(timed: Timed): LivePlace<Timed> {
    this.#timer ??= setInterval(() => {
      this.#tick()
    }, this.#tickMs).unref()
    return this.#timed.add(timed)
  }

  remove(place: LivePlace<Timed>): void {
    this.#timed.remove(place)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    const now = this.#now()
    for (const timed of this.#timed) {
      if (timed.deadlineAt <= now) timed.onDeadline()
      else timed.onTick(now)
    }
    const isNeeded = this.#onTick()
    if (!isNeeded && this.#timed.size === 0) this.stop()
  }
}
