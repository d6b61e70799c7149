import type { ForwardingConfig, GatewayConfig } from '../config/gateway-config.js'
import { createDirectForwarder } from '../http/direct-forwarder.js'
import type { Forwarder, ForwarderOptions } from '../http/forwarder.js'
import { createHttpProxyForwarder } from '../http/http-proxy-forwarder.js'

const engines = {
  'http-proxy': createHttpProxyForwarder,
  direct: createDirectForwarder,
} satisfies Record<ForwardingConfig['engine'], (options: ForwarderOptions) => Forwarder>

/** A forwarder for each environment, so that none shares a connection with another. */
export function createForwarders(config: GatewayConfig): ReadonlyMap<string, Forwarder> {
  const { environments, limits, forwarding } = config
  const createForwarder = engines[forwarding.engine]
  return new Map(
    environments.map(({ name }) => [
      name,
      createForwarder({
        maxConnections: limits.upstreamConnections,
        maxWaiting: limits.upstreamQueue,
        keepAliveMs: 30_000,
        timeouts: {
          connectMs: limits.connectTimeoutMs,
          responseMs: limits.upstreamTimeoutMs,
          idleMs: limits.upstreamTimeoutMs,
          bytesPerSecond: limits.upstreamBytesPerSecond,
        },
      }),
    ]),
  )
}
