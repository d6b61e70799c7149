import { ServerHealth } from './server-health.js'
import type { Upstream } from './upstream.js'

/** Whom a request is for, beside the upstream of its API. */
export interface ChoiceWish {
  /** Milliseconds on a clock that never goes back. */
  readonly now: number
  /** Servers that this request was sent to, or was to be sent to, before. */
  readonly tried: ReadonlySet<string>
  /** Whether it could go to another server if this one fails: such requests try first whether a server is back. */
  readonly isRepeatable: boolean
}

/** A server to send to, or none, and when to come again. */
export type Choice =
  | { readonly kind: 'server'; readonly server: string; readonly health: ServerHealth }
  | { readonly kind: 'none'; readonly retryAfterMs: number }

interface Candidate {
  readonly server: string
  readonly health: ServerHealth
}

/**
 * The servers of one API: which one is next, and how each is.
 *
 * What the configuration says is an argument each time, so that a request goes by the one it was judged
 * by; how servers are outlives a reload.
 */
export class UpstreamSet {
  readonly #servers = new Map<string, ServerHealth>()

  healthOf(server: string): ServerHealth {
    let health = this.#servers.get(server)
    if (health === undefined) {
      health = new ServerHealth()
      this.#servers.set(server, health)
    }
    return health
  }

  /** After a reload: what it does not name is forgotten, and so is what nobody looks at any more. */
  keep({ servers, check, ejection }: Upstream): void {
    for (const [server, health] of this.#servers) {
      if (!servers.includes(server)) this.#servers.delete(server)
      if (check === undefined) health.uncheck()
      if (ejection === undefined) health.readmit()
    }
  }

  /**
   * The server for a request.
   *
   * An ejected one whose pause is over gets one request, best one that could go elsewhere. Where nobody
   * else is left it gets one of any kind, once in each first pause.
   */
  choose(upstream: Upstream, { now, tried, isRepeatable }: ChoiceWish): Choice {
    const { servers, ejection } = upstream
    const [only] = servers
    if (only !== undefined && servers.length === 1 && tried.size === 0) {
      const health = this.healthOf(only)
      if (health.isOpen) return { kind: 'server', server: only, health }
    }
    const all = servers.map((server) => ({ server, health: this.healthOf(server) }))
    const left = tried.size === 0 ? all : all.filter(({ server }) => !tried.has(server))
    const isLastResort = !all.some(({ health }) => health.isOpen)
    if (ejection !== undefined && (isRepeatable || isLastResort)) {
      const back = left.find(({ health }) => {
        return !health.isOpen && !health.isDown && health.tryAt(ejection, isLastResort) <= now
      })
      if (back !== undefined) {
        back.health.tried(now, ejection)
        return { kind: 'server', ...back }
      }
    }
    const chosen = this.#next(
      left.filter(({ health }) => health.isOpen),
      upstream,
      now,
    )
    if (chosen !== undefined) return { kind: 'server', ...chosen }
    return { kind: 'none', retryAfterMs: retryAfter(all, upstream, now) }
  }

  #next(open: readonly Candidate[], { balance, ejection }: Upstream, now: number): Candidate | undefined {
    const [only] = open
    if (open.length <= 1) return only
    let among = open.map((each) => ({ ...each, share: each.health.shareAt(now, ejection) }))
    if (balance === 'least-loaded') {
      const loads = among.map(({ health, share }) => (health.inFlight + 1) / share)
      const least = Math.min(...loads)
      among = among.filter((_, index) => loads[index] === least)
    }
    // smooth weighted round-robin: as even as the shares allow, at every moment
    let [best] = among
    let sum = 0
    for (const each of among) {
      sum += each.share
      each.health.credit += each.share
      if (best === undefined || each.health.credit > best.health.credit) best = each
    }
    if (best !== undefined) best.health.credit -= sum
    return best
  }
}

function retryAfter(all: readonly Candidate[], { ejection, check }: Upstream, now: number): number {
  const waits = all.map(({ health }) => {
    if (health.isDown || ejection === undefined) return (check?.intervalSeconds ?? 1) * 1000
    return Math.max(0, health.tryAt(ejection, true) - now)
  })
  return Math.min(...waits)
}
