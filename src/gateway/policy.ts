import type { Api } from '../core/api.js'
import type { Diagnostic, Place } from '../core/diagnostic.js'
import type { OpenWhitelist } from '../core/whitelist-lookup.js'
import { openWhitelist, type CompiledWhitelist } from '../core/whitelist-table.js'
import type { EnvironmentConfig, GatewayConfig } from '../config/gateway-config.js'
import type { UpstreamTls } from '../http/forwarder.js'
import type { Certificate } from '../x509/certificate.js'
import type { VerifiedRevocationList } from '../x509/crl.js'
import type { NamedCertificate } from './load-whitelist.js'
import { TrustedPaths } from './trust.js'

/** What an environment shows of itself, as files hold it. */
export interface ServerMaterial {
  /** PEM texts, one of each kind of key; at least one. */
  readonly certificates: readonly { readonly certificate: string; readonly key: string }[]
  /** What ticket keys are derived from; undefined: the process makes its own. */
  readonly ticketSecret: Uint8Array | undefined
}

/** A CRL in force, and the file it came from. */
export interface ListedCrl extends VerifiedRevocationList {
  readonly file: string
  /** Where the configuration names the file. */
  readonly place: Place
}

/** A certificate that the servers of an API are shown or verified by: with it ends what comes from them. */
export interface UpstreamCertificate {
  readonly api: string
  /** `shown`: the gateway's own before these servers; `authority`: what theirs are verified by. */
  readonly kind: 'shown' | 'authority'
  /** Common name. */
  readonly subject: string
  readonly file: string
  /** Where the configuration names the file. */
  readonly place: Place
  /** Epoch milliseconds. */
  readonly notAfter: number
}

/** One environment as a worker read it: values alone, so that it crosses a thread in one message. */
export interface LoadedEnvironment {
  readonly config: EnvironmentConfig
  readonly whitelist: CompiledWhitelist
  readonly server: ServerMaterial
  readonly authorities: readonly Certificate[]
  readonly crls: readonly ListedCrl[]
  /** The `Authorization` of reads of the gateway's own. */
  readonly resolutionAuthorization?: string | undefined
  /** Of the APIs, by name, that say how their servers are verified. */
  readonly upstreamTls: ReadonlyMap<string, UpstreamTls>
  /** What of that ends some day. */
  readonly upstreamCertificates: readonly UpstreamCertificate[]
  /** APIs by name, and why lookups there cannot be made as the gateway makes them; absent where it loaded this. */
  readonly lookupGaps?: ReadonlyMap<string, string> | undefined
}

/** Every file and folder that was read, with a digest of what stood there. */
export type ReadSet = readonly (readonly [path: string, digest: string])[]

/** A whole configuration, read and compiled. */
export interface LoadedPolicy {
  /** Digest over every file read: the same bytes are the same revision. */
  readonly revision: string
  readonly config: GatewayConfig
  readonly environments: readonly LoadedEnvironment[]
  readonly readSet: ReadSet
  /** The certificate files that whitelist entries name. */
  readonly named: readonly NamedCertificate[]
  readonly warnings: readonly Diagnostic[]
}

/** One environment in force. */
export interface EnvironmentPolicy {
  readonly name: string
  readonly config: EnvironmentConfig
  readonly apis: readonly Api[]
  readonly hosts: ReadonlySet<string>
  readonly whitelist: OpenWhitelist
  readonly server: ServerMaterial
  readonly authorities: readonly Certificate[]
  readonly crls: readonly ListedCrl[]
  /** Of reads of the gateway's own. */
  readonly resolutionAuthorization: string | undefined
  readonly upstreamTls: ReadonlyMap<string, UpstreamTls>
  readonly upstreamCertificates: readonly UpstreamCertificate[]
  /** As in `LoadedEnvironment`. */
  readonly lookupGaps: ReadonlyMap<string, string> | undefined
  /** Chains whose signatures have been checked against these authorities. */
  readonly trustedPaths: TrustedPaths
}

/** What is in force, as one immutable snapshot: a request sees one from its first byte to its last. */
export interface Policy {
  readonly revision: string
  readonly config: GatewayConfig
  readonly environments: ReadonlyMap<string, EnvironmentPolicy>
  /** Host, in lower case → name of the environments that serve it. */
  readonly environmentsOfHost: ReadonlyMap<string, readonly string[]>
}

/**
 * Adopts what was loaded; the cost does not depend on the size of the whitelists.
 *
 * Where the authorities of an environment are those of `previous`, what was verified by them is kept: a
 * changed whitelist costs no signature, and a resumed session, which brings no intermediates, goes on.
 */
export function openPolicy(loaded: LoadedPolicy, previous?: Policy): Policy {
  const environments = new Map<string, EnvironmentPolicy>()
  const environmentsOfHost = new Map<string, string[]>()
  for (const environment of loaded.environments) {
    const { config, server, authorities, crls } = environment
    const hosts = new Set(config.apis.flatMap(({ hosts }) => hosts))
    for (const host of hosts) {
      environmentsOfHost.set(host, [...(environmentsOfHost.get(host) ?? []), config.name])
    }
    environments.set(config.name, {
      name: config.name,
      config,
      apis: config.apis,
      hosts,
      whitelist: openWhitelist(environment.whitelist),
      server,
      authorities,
      crls,
      resolutionAuthorization: environment.resolutionAuthorization,
      upstreamTls: environment.upstreamTls,
      upstreamCertificates: environment.upstreamCertificates,
      lookupGaps: environment.lookupGaps,
      trustedPaths:
        pathsFor(authorities, previous?.environments.get(config.name)) ?? new TrustedPaths(authorities),
    })
  }
  return { revision: loaded.revision, config: loaded.config, environments, environmentsOfHost }
}

function pathsFor(
  authorities: readonly Certificate[],
  previous: EnvironmentPolicy | undefined,
): TrustedPaths | undefined {
  if (previous?.authorities.length !== authorities.length) return undefined
  const isSame = authorities.every(({ sha256 }, index) => sha256 === previous.authorities[index]?.sha256)
  return isSame ? previous.trustedPaths : undefined
}
