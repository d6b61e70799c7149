import { UpstreamConnection, type ConnectionUser, type UpstreamAddress } from './upstream-connection.js'

export interface PoolOptions {
  readonly address: UpstreamAddress
  readonly maxConnections: number
  /** How long an unused connection is kept, in milliseconds; less where the upstream announces less. */
  readonly keepAliveMs: number
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number
}

/** The connections to one upstream, at most so many; the latest one used is the next one used. */
export class UpstreamPool {
  readonly #options: PoolOptions
  readonly #all = new Set<UpstreamConnection>()
  readonly #idle: UpstreamConnection[] = []
  readonly #waiting = new Set<ConnectionUser>()
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /**
   * Gives the request a connection, now or when one is free.
   *
   * @param isFresh - none that was kept, where there is room for a new one
   */
  acquire(user: ConnectionUser, isFresh: boolean): void {
    const kept = isFresh ? undefined : this.#takeIdle()
    if (kept !== undefined) {
      kept.use(user)
      return
    }
    if (this.#all.size >= this.#options.maxConnections) {
      const spare = isFresh ? this.#takeIdle() : undefined
      if (spare === undefined) {
        this.#waiting.add(user)
        return
      }
      // room for the new one
      spare.destroy()
      this.#all.delete(spare)
    }
    this.#open(user)
  }

  /** The request waits no more. */
  leave(user: ConnectionUser): void {
    this.#waiting.delete(user)
  }

  /** Closes unused connections whose time is over. */
  sweep(): void {
    const now = this.#options.now()
    for (const connection of this.#idle.filter(({ idleUntil }) => idleUntil <= now)) {
      this.#idle.splice(this.#idle.indexOf(connection), 1)
      connection.destroy()
    }
  }

  /** Closes the unused ones: where one turned out to be closed, the others most likely are. */
  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0
  }

  close(): void {
    this.#isClosed = true
    for (const connection of [...this.#all]) connection.destroy()
  }

  #takeIdle(): UpstreamConnection | undefined {
    const now = this.#options.now()
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) return undefined
      if (connection.isOpen && connection.idleUntil > now) return connection
      connection.destroy()
    }
  }

  #open(user: ConnectionUser): void {
    const connection = new UpstreamConnection(this.#options.address, this)
    this.#all.add(connection)
    connection.use(user)
  }

  #next(): ConnectionUser | undefined {
    for (const user of this.#waiting) {
      this.#waiting.delete(user)
      return user
    }
    return undefined
  }

  onFree(connection: UpstreamConnection): void {
    const user = this.#next()
    if (user !== undefined) {
      connection.use(user)
      return
    }
    const { keepAliveMs, now } = this.#options
    const announced = connection.keepAliveSeconds
    // a second less than announced: a request must not meet the upstream's closing
    const keptMs = announced === undefined ? keepAliveMs : Math.min(keepAliveMs, announced * 1000 - 1000)
    if (keptMs <= 0) {
      connection.destroy()
      return
    }
    connection.idleUntil = now() + keptMs
    this.#idle.push(connection)
  }

  onClosed(connection: UpstreamConnection): void {
    this.#all.delete(connection)
    const index = this.#idle.indexOf(connection)
    if (index !== -1) this.#idle.splice(index, 1)
    if (this.#isClosed || this.#all.size >= this.#options.maxConnections) return
    const user = this.#next()
    if (user !== undefined) this.#open(user)
  }
}
