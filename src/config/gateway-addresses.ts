import type { EnvironmentConfig, Listen } from './gateway-config.js'
import type { RawEnvironment } from './gateway-schema.js'
import type { Reading } from './reading.js'

type Address = Pick<Listen, 'host' | 'port'>

/** Whether another environment listens on the same address, so that only names tell them apart. */
export function sharesAddress(environment: RawEnvironment, all: readonly RawEnvironment[]): boolean {
  return all.some((other) => other !== environment && isSameAddress(other.listen, environment.listen))
}

/**
 * Refuses addresses that cannot be listened on together.
 *
 * Two environments may share one address where no host leads to both: SNI tells them apart then.
 */
export function refuseSharedAddresses(
  environments: readonly EnvironmentConfig[],
  admin: Listen | undefined,
  reading: Reading,
): void {
  for (const [index, later] of environments.entries()) {
    const at = ['environments', index, 'listen']
    for (const earlier of environments.slice(0, index)) {
      const problem = problemBetween(earlier, later)
      if (problem !== undefined)
        reading.refusePair(at, { code: 'shared-address', message: problem }, earlier.listen.place)
    }
    if (admin === undefined || !isClash(admin, later.listen)) continue
    const message = `the environment \`${later.name}\` and \`admin\` would listen on the same port ${later.listen.port}`
    reading.refusePair(['admin', 'listen'], { code: 'shared-address', message }, later.listen.place)
  }
}

function problemBetween(earlier: EnvironmentConfig, later: EnvironmentConfig): string | undefined {
  if (!isClash(earlier.listen, later.listen)) return undefined
  const names = `the environments \`${earlier.name}\` and \`${later.name}\``
  if (!isSameAddress(earlier.listen, later.listen)) {
    return `${names} would listen on the same port ${later.listen.port} through different addresses`
  }
  const taken = new Set(earlier.apis.flatMap(({ hosts }) => hosts))
  const host = later.apis.flatMap(({ hosts }) => hosts).find((one) => taken.has(one))
  if (host === undefined) return undefined
  return `${names} share an address, and so must not share the host \`${host}\``
}

function isSameAddress(one: Address, other: Address): boolean {
  return one.port !== 0 && one.port === other.port && one.host.toLowerCase() === other.host.toLowerCase()
}

// `0.0.0.0` and `::` take the port of every address
function isClash(one: Address, other: Address): boolean {
  if (one.port === 0 || one.port !== other.port) return false
  return isSameAddress(one, other) || isWildcard(one.host) || isWildcard(other.host)
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
