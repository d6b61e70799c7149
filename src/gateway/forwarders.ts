import type { GatewayConfig } from '../config/gateway-config.js'
import type { Forwarder } from '../http/forwarder.js'
import { createHttpProxyForwarder } from '../http/http-proxy-forwarder.js'

/** A forwarder for each environment, so that none shares a connection with another. */
export function createForwarders({ environments, limits }: GatewayConfig): ReadonlyMap<string, Forwarder> {
  return new Map(
    environments.map(({ name }) => [
      name,
      createHttpProxyForwarder({
        maxConnections: limits.upstreamConnections,
        maxWaiting: limits.upstreamConnections * 4,
        keepAliveMs: 30_000,
        timeouts: {
          connectMs: limits.connectTimeoutMs,
          responseMs: limits.upstreamTimeoutMs,
          idleMs: limits.upstreamTimeoutMs,
        },
      }),
    ]),
  )
}
