import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { ConnectionOptions, UpstreamTls } from './forwarder.js'

/** Where a connection leads, as an agent is asked. */
export interface Destination {
  /** Origin such as `https://127.0.0.1:9081`. */
  readonly upstream: string
  readonly tls?: UpstreamTls | undefined
}

/** Bounded pools of kept connections, one for each protocol and each material of TLS. */
export interface UpstreamAgents {
  of(destination: Destination): HttpAgent
  destroy(): void
}

/** Pools that belong to one environment: no other one's requests travel on their connections. */
export function createAgents({ maxConnections, keepAliveMs }: ConnectionOptions): UpstreamAgents {
  const pool = {
    keepAlive: true,
    scheduling: 'lifo',
    maxSockets: maxConnections,
    maxFreeSockets: maxConnections,
    timeout: keepAliveMs,
    noDelay: true,
  } as const
  const http = new HttpAgent(pool)
  guardIdle(http)
  const secure = new Map<string, HttpsAgent>()
  const secured = (tls: UpstreamTls | undefined): HttpsAgent => {
    const id = tls?.id ?? ''
    const known = secure.get(id)
    if (known !== undefined) return known
    // material that was replaced, once its last connection is closed
    for (const [old, agent] of secure) if (isEmpty(agent)) secure.delete(old)
    const secureContext = upstreamContext(tls)
    // a session taken up again is not verified again: none is kept
    const made = new HttpsAgent({ ...pool, secureContext, maxCachedSessions: 0 })
    guardIdle(made)
    secure.set(id, made)
    return made
  }
  return {
    of: ({ upstream, tls }) => (upstream.startsWith('https:') ? secured(tls) : http),
    destroy: () => {
      http.destroy()
      for (const agent of secure.values()) agent.destroy()
    },
  }
}

/** What an upstream is verified by, and what it is shown. */
export function upstreamContext(tls: UpstreamTls | undefined): SecureContext {
  const { authorities, certificate, key } = tls ?? {}
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ...(authorities !== undefined && { ca: [...authorities] }),
    ...(certificate !== undefined && key !== undefined && { cert: certificate, key }),
  })
}

/**
 * What the server's certificate must be for, as Node's `servername` says it: the name of the origin
 * unless `tls` says another, and never the `Host` of a request, which Node would take.
 *
 * Empty for an address, which is no name to ask for (RFC 6066 section 3); it is verified all the same.
 */
export function serverNameOf(hostname: string, tls: UpstreamTls | undefined): string {
  const name = tls?.serverName ?? hostname
  return isIP(name) === 0 ? name : ''
}

/**
 * Closes the unused connections to one server, so that the next request gets a fresh one: where a kept
 * connection turned out to be closed, the others most likely are.
 */
export function closeIdle(
  agent: HttpAgent,
  server: { readonly hostname: string; readonly port: string },
): void {
  for (const [name, sockets = []] of Object.entries(agent.freeSockets)) {
    if (!name.startsWith(`${server.hostname}:${server.port}:`)) continue
    for (const socket of [...sockets]) socket.destroy()
  }
}

function isEmpty({ sockets, freeSockets, requests }: HttpAgent): boolean {
  return [sockets, freeSockets, requests].every((each) => Object.keys(each).length === 0)
}

/**
 * Bytes that come on a connection nobody uses are an answer to nothing: the connection is closed,
 * so that they never become the answer of the next request.
 */
function guardIdle(agent: HttpAgent): void {
  // Node asks whether the connection may be kept; the types call that `void`
  const keep: (socket: Duplex) => unknown = agent.keepSocketAlive.bind(agent)
  const reuse = agent.reuseSocket.bind(agent)
  agent.keepSocketAlive = (socket): boolean => {
    const isKept = keep(socket) !== false
    if (isKept) socket.on('data', destroyThis)
    return isKept
  }
  agent.reuseSocket = (socket, request) => {
    socket.off('data', destroyThis)
    reuse(socket, request)
  }
}

function destroyThis(this: Duplex): void {
  this.destroy()
}
