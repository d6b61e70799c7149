import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from './forwarder.js'

/** Bounded pools of kept connections, one for each protocol. */
export interface UpstreamAgents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
  destroy(): void
}

/** Pools that belong to one environment: no other one's requests travel on their connections. */
export function createAgents({
  maxConnections,
  keepAliveMs,
  authorities,
}: ConnectionOptions): UpstreamAgents {
  const pool = {
    keepAlive: true,
    scheduling: 'lifo',
    maxSockets: maxConnections,
    maxFreeSockets: maxConnections,
    timeout: keepAliveMs,
    noDelay: true,
  } as const
  const http = new HttpAgent(pool)
  const https = new HttpsAgent(authorities === undefined ? pool : { ...pool, ca: [...authorities] })
  guardIdle(http)
  guardIdle(https)
  return {
    http,
    https,
    destroy: () => {
      http.destroy()
      https.destroy()
    },
  }
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
