import type { FailureCode } from '../core/failure.js'
import { LiveList } from '../core/live-list.js'
import { Deadlines } from './deadlines.js'
import { DirectExchange } from './direct-exchange.js'
import type { ForwardOutcome, ForwardRequest, Forwarder, ForwarderOptions } from './forwarder.js'
import { isOpen } from './pipelining.js'
import { isEmptyStream } from './request-head.js'
import { serverNameOf, upstreamContext } from './upstream-agents.js'
import type { UpstreamAddress } from './upstream-connection.js'
import { UpstreamPool } from './upstream-pool.js'

/** The connections to one upstream, and how many requests want them. */
interface Upstream {
  readonly pool: UpstreamPool
  underWay: number
  /** Whether other material of TLS may have taken its place. */
  readonly isReplaceable: boolean
}

/**
 * A forwarder that speaks HTTP/1.1 to upstreams by itself, on kept connections of its own.
 *
 * A request is written as judged, in one piece where it is there; the answer is read by a parser that
 * refuses whatever can be read in two ways.
 */
export function createDirectForwarder(options: ForwarderOptions): Forwarder {
  const { timeouts, maxConnections, maxWaiting, keepAliveMs, now = () => performance.now() } = options
  const upstreams = new Map<string, Upstream>()
  const underWay = new LiveList<DirectExchange>()
  const shortest = Math.min(timeouts.connectMs, timeouts.responseMs, timeouts.idleMs, keepAliveMs)
  const deadlines = new Deadlines({
    now,
    tickMs: Math.max(5, Math.min(500, shortest / 4)),
    onTick: () => {
      let hasIdle = false
      for (const [key, { pool, underWay, isReplaceable }] of upstreams) {
        pool.sweep()
        hasIdle ||= pool.hasIdle
        if (isReplaceable && underWay === 0 && !pool.hasIdle) upstreams.delete(key)
      }
      return hasIdle
    },
  })

  const upstreamOf = (destination: ForwardRequest): Upstream => {
    const { upstream, tls } = destination
    const key = tls === undefined ? upstream : `${upstream} ${tls.id}`
    const known = upstreams.get(key)
    if (known !== undefined) return known
    const pool = new UpstreamPool({ address: addressOf(destination), maxConnections, keepAliveMs, now })
    const made: Upstream = { pool, underWay: 0, isReplaceable: tls !== undefined }
    upstreams.set(key, made)
    return made
  }

  const forward = (asked: ForwardRequest): Promise<ForwardOutcome> => {
    if (asked.response.destroyed || !isOpen(asked.request.socket))
      return Promise.resolve({ kind: 'client-left', responseStarted: false, ...nothing })
    const upstream = upstreamOf(asked)
    if (upstream.underWay >= maxConnections + maxWaiting) {
      const cause = new Error(`${upstream.underWay} requests are under way to ${asked.upstream}`)
      return Promise.resolve(unsent('overloaded', cause))
    }
    const request: ForwardRequest = isEmptyStream(asked) ? { ...asked, body: 'none' } : asked
    return new Promise((resolve) => {
      let exchange: DirectExchange
      try {
        exchange = new DirectExchange(request, {
          pool: upstream.pool,
          deadlines,
          timeouts: asked.timeouts === undefined ? timeouts : { ...timeouts, ...asked.timeouts },
          now,
          settle: (outcome) => {
            underWay.remove(place)
            upstream.underWay -= 1
            resolve(outcome)
          },
        })
      } catch (error) {
        const cause = error instanceof Error ? error : new Error(String(error))
        resolve(unsent('internal', cause))
        return
      }
      const place = underWay.add(exchange)
      upstream.underWay += 1
      exchange.start()
    })
  }

  return {
    forward,
    close: () => {
      for (const exchange of underWay) exchange.fail('internal', new Error('the forwarder was closed'))
      for (const { pool } of upstreams.values()) pool.close()
      deadlines.stop()
      return Promise.resolve()
    },
  }
}

const nothing = { bytesUp: 0, bytesDown: 0, upstreamMs: 0, upstreamStatus: undefined }

function unsent(code: FailureCode, cause: Error): ForwardOutcome {
  return { kind: 'failed', code, reach: 'unsent', responseStarted: false, cause, ...nothing }
}

function addressOf({ upstream, tls }: ForwardRequest): UpstreamAddress {
  const { protocol, hostname, port } = new URL(upstream)
  // Node connects to `::1`, where a URL spells `[::1]`
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const isSecure = protocol === 'https:'
  const address = { host, port: port === '' ? (isSecure ? 443 : 80) : Number(port) }
  if (!isSecure) return address
  return { ...address, tls: { secureContext: upstreamContext(tls), servername: serverNameOf(host, tls) } }
}
