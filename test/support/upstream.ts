import type { Ejection, Upstream } from '../../src/core/upstream.js'

export const ejection: Ejection = { failures: 3, seconds: 2, maxSeconds: 60, returnSeconds: 10 }

/** An upstream of these servers, with nothing else configured. */
export function upstreamOf(servers: readonly string[], more: Partial<Upstream> = {}): Upstream {
  return {
    servers,
    balance: 'round-robin',
    connectTimeoutMs: undefined,
    responseTimeoutMs: undefined,
    ejection: undefined,
    check: undefined,
    tls: undefined,
    ...more,
  }
}
