import type { Ejection, UpstreamCheck } from './upstream.js'

/**
 * `returning`: serving with a growing share; `half-open`: one request may try whether it is back;
 * `down`: its checks fail.
 */
export type ServerState = 'healthy' | 'returning' | 'ejected' | 'half-open' | 'down'

// a share this small still sends something
const leastShare = 0.1

/**
 * How one server of an upstream is, by what became of its requests and of its checks.
 *
 * Time is an argument throughout: milliseconds on a clock that never goes back.
 */
export class ServerHealth {
  /** Requests under way. */
  inFlight = 0
  /** What smooth round-robin owes it. */
  credit = 0
  /** In a row. */
  failures = 0
  #ejections = 0
  #ejectedAt: number | undefined
  #tryAt = 0
  #triedAt = 0
  #isTrying = false
  #returnedAt: number | undefined
  #checks = { isDown: false, passed: 0, failed: 0 }

  /** Whether requests are to be sent here without a second thought. */
  get isOpen(): boolean {
    return this.#ejectedAt === undefined && !this.#checks.isDown
  }

  /** Whether its checks say that it is down. */
  get isDown(): boolean {
    return this.#checks.isDown
  }

  stateAt(now: number, ejection: Ejection | undefined): ServerState {
    if (this.#checks.isDown) return 'down'
    if (this.#ejectedAt !== undefined) return this.#isTrying || now >= this.#tryAt ? 'half-open' : 'ejected'
    return this.shareAt(now, ejection) < 1 ? 'returning' : 'healthy'
  }

  /** The part of its share that it gets, 0 to 1: little right after a return, and all of it in the end. */
  shareAt(now: number, ejection: Ejection | undefined): number {
    if (this.#returnedAt === undefined || ejection === undefined) return 1
    const lasting = ejection.returnSeconds * 1000
    if (now - this.#returnedAt >= lasting) return 1
    return Math.max(leastShare, (now - this.#returnedAt) / lasting)
  }

  /**
   * When one request may try whether an ejected server is back; a first pause after the last try, even
   * within a longer one, where nobody else is left to ask.
   */
  tryAt(ejection: Ejection, isLastResort: boolean): number {
    return isLastResort ? Math.min(this.#tryAt, this.#triedAt + ejection.seconds * 1000) : this.#tryAt
  }

  /** A request tries; the next one may after a first pause, whatever becomes of this one. */
  tried(now: number, ejection: Ejection): void {
    this.#isTrying = true
    this.#triedAt = now
    this.#tryAt = now + ejection.seconds * 1000
  }

  /** A request that began at `startedAt` was answered, whatever the status. @returns whether the server is back */
  succeeded(startedAt: number, now: number): boolean {
    // what was on its way when the server was taken out tells nothing of now
    if (this.#ejectedAt !== undefined && startedAt < this.#ejectedAt) return false
    this.failures = 0
    if (this.#ejectedAt === undefined) return false
    this.#comeBack(now)
    return true
  }

  /**
   * A request that began at `startedAt` failed.
   *
   * @returns the pause in milliseconds where the server is taken out by it
   */
  failed(startedAt: number, now: number, ejection: Ejection | undefined): number | undefined {
    if (this.#ejectedAt !== undefined && startedAt < this.#ejectedAt) return undefined
    this.failures += 1
    if (ejection === undefined) return undefined
    if (this.#ejectedAt === undefined && this.failures < ejection.failures) return undefined
    // who has come back for good begins anew
    if (this.#ejectedAt === undefined && this.shareAt(now, ejection) === 1) this.#ejections = 0
    this.#ejections += 1
    const pause =
      Math.min(ejection.seconds * 2 ** Math.min(this.#ejections - 1, 20), ejection.maxSeconds) * 1000
    this.#isTrying = false
    this.#returnedAt = undefined
    this.#ejectedAt = now
    this.#triedAt = now
    this.#tryAt = now + pause
    return pause
  }

  /** A check passed or failed. @returns what changes by it */
  checked(hasPassed: boolean, now: number, check: UpstreamCheck): 'up' | 'down' | undefined {
    const { isDown, passed, failed } = this.#checks
    this.#checks = hasPassed
      ? { isDown, passed: passed + 1, failed: 0 }
      : { isDown, passed: 0, failed: failed + 1 }
    if (!isDown && this.#checks.failed >= check.unhealthyAfter) {
      this.#checks.isDown = true
      return 'down'
    }
    if (isDown && this.#checks.passed >= check.healthyAfter) {
      this.#checks.isDown = false
      // what the checks tell is newer than what took it out
      this.#comeBack(now)
      return 'up'
    }
    return undefined
  }

  /** Its API is not checked any more. */
  uncheck(): void {
    this.#checks = { isDown: false, passed: 0, failed: 0 }
  }

  /** Its API takes nobody out any more. */
  readmit(): void {
    this.#ejectedAt = undefined
    this.#isTrying = false
  }

  #comeBack(now: number): void {
    this.failures = 0
    this.#ejectedAt = undefined
    this.#isTrying = false
    this.#returnedAt = now
  }
}
