import type { GatewayConfig } from '../config/gateway-config.js'

/** Files, pipes, watches, and the thread that reads a new configuration. */
const besides = 256

/** How many descriptors a process needs for as many connections as `limits` allow, on either side. */
export function descriptorNeed({
  environments,
  limits,
}: Pick<GatewayConfig, 'environments' | 'limits'>): number {
  const servers = new Set(
    environments.flatMap(({ apis }) => apis.flatMap(({ upstream }) => upstream.servers)),
  )
  return environments.length * limits.maxConnections + servers.size * limits.upstreamConnections + besides
}
