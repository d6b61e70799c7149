import { createHash } from 'node:crypto'
import { Failure } from '../core/failure.js'
import type { TlsMaterial } from '../tls/listener.js'
import { deriveTicketKeys } from '../tls/ticket-keys.js'
import { toPem } from '../x509/pem.js'
import type { EnvironmentPolicy, Policy } from './policy.js'

/** Where the policy in force and the time come from. */
interface Now {
  policy(): Policy
  now(): number
  /** What ticket keys come from where no file names a secret that processes share. */
  readonly ticketSecret: Uint8Array
}

const hourMs = 3_600_000

/** What the environments of one listener show in the handshake now; made anew only when it is another. */
export class TlsMaterials {
  private readonly names: readonly string[]
  private readonly world: Now
  private policy: Policy | undefined
  private ticketKeys = ''

  constructor(names: readonly string[], world: Now) {
    this.names = names
    this.world = world
  }

  /** Whether another policy or another period of ticket keys has begun since `current` was asked. */
  areOutdated(): boolean {
    return this.world.policy() !== this.policy || this.keysOf(this.environments()) !== this.ticketKeys
  }

  /** In the order of the listener's environments. */
  current(): readonly [TlsMaterial, ...TlsMaterial[]] {
    const environments = this.environments()
    this.policy = this.world.policy()
    this.ticketKeys = this.keysOf(environments)
    const [first, ...others] = environments.map((environment) => this.materialOf(environment))
    if (first === undefined) throw new Failure('internal', 'a listener needs an environment')
    return [first, ...others]
  }

  private environments(): readonly EnvironmentPolicy[] {
    const { environments } = this.world.policy()
    return this.names.flatMap((name) => environments.get(name) ?? [])
  }

  private materialOf(environment: EnvironmentPolicy): TlsMaterial {
    const { name, server, authorities, hosts, config } = environment
    return {
      environment: name,
      certificates: server.certificates,
      authorities: authorities.map(({ der }) => toPem('CERTIFICATE', der)),
      hosts: [...hosts],
      minVersion: config.tls.minVersion,
      ticketKeys: this.ticketKeysOf(environment),
    }
  }

  private keysOf(environments: readonly EnvironmentPolicy[]): string {
    return environments.map((environment) => this.ticketKeysOf(environment).toString('base64')).join()
  }

  private ticketKeysOf(environment: EnvironmentPolicy): Buffer {
    return deriveTicketKeys(environment.server.ticketSecret ?? this.world.ticketSecret, {
      environment: environment.name,
      trust: trustDigest(environment),
      now: this.world.now(),
      rotationMs: environment.config.tls.ticketKeysHours * hourMs,
    })
  }
}

const digests = new WeakMap<EnvironmentPolicy, string>()

/** Another one whenever authorities or CRLs are others: what was trusted by the old ones is not resumed. */
function trustDigest(environment: EnvironmentPolicy): string {
  const known = digests.get(environment)
  if (known !== undefined) return known
  const digest = createHash('sha256')
  for (const { sha256 } of environment.authorities) digest.update(sha256)
  for (const { issuerSpkiSha256, thisUpdate, revoked } of environment.crls) {
    digest.update(`${issuerSpkiSha256} ${thisUpdate} ${revoked.count}\n`)
  }
  const text = digest.digest('hex')
  digests.set(environment, text)
  return text
}
