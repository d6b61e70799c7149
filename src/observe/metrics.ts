import { createInstruments } from './instruments.js'
import type { MetricsSnapshot } from './metrics-snapshot.js'
import { exposition, type Exposition } from './open-metrics.js'
import { RequestMeters, type RequestObservation } from './request-meters.js'
import { UpstreamMeters } from './upstream-meters.js'

type HandshakeResult = 'completed' | 'resumed' | 'refused' | 'failed'
type OcspResult = 'good' | 'revoked' | 'unknown' | 'failed'
type CrlFetchResult = 'fetched' | 'unchanged' | 'failed'
type ReloadResult = 'reloaded' | 'refused' | 'unchanged'

/** What a loaded configuration is measured by. */
export interface PolicyObservation {
  readonly revision: string
  /** When it was found good, epoch milliseconds. */
  readonly at: number
  readonly environments: readonly {
    readonly name: string
    readonly partners: number
    readonly certificates: number
    readonly establishments: number
    /** Next updates in epoch milliseconds. */
    readonly crls: readonly { readonly issuer: string; readonly nextUpdate: number }[]
    /** Kind of key, and end in epoch milliseconds. */
    readonly serverCertificates: readonly { readonly key: string; readonly notAfter: number }[]
    readonly authorities: readonly { readonly subject: string; readonly notAfter: number }[]
    /** Shown to the servers of an API, or what these are verified by. */
    readonly upstreamCertificates: readonly {
      readonly api: string
      readonly kind: string
      readonly subject: string
      readonly notAfter: number
    }[]
  }[]
  /** Whether a partner still stands in the whitelist of an environment; its series go otherwise. */
  readonly isPartner: (environment: string, partner: string) => boolean
}

export interface MetricsOptions {
  readonly version: string
  /** Partners with series of their own; 2,000. The others are counted as `other`. */
  readonly maxPartners?: number
  /** Asked at each scrape. */
  readonly audit?: () => {
    readonly healthy: boolean
    readonly lost: number
    readonly sealedAt?: number | undefined
  }
}

/** What is counted elsewhere, and looked at when somebody scrapes. */
export interface Sample {
  readonly identityHits: number
  readonly identityMisses: number
  readonly bodyBytesHeld: number
  readonly bodyBytesLimit: number
}

/** Counts and measures; every method is cheap and none throws. Labels come from configuration or closed lists. */
export interface Metrics {
  request(request: RequestObservation): void
  requestsInFlight(environment: string, change: 1 | -1): void
  connections(environment: string, change: 1 | -1): void
  /** By the key of `limits` that was reached. */
  limitHit(environment: string, limit: string): void
  /** Too many are open: it was closed at once. */
  connectionDropped(environment: string): void
  handshake(environment: string, result: HandshakeResult): void
  /** A listed certificate was presented; epoch milliseconds. */
  certificateSeen(
    environment: string,
    partner: string,
    times: { readonly notAfter: number; readonly at: number },
  ): void
  /** Of the servers behind. */
  readonly upstreams: UpstreamMeters
  /** Asked at each scrape from now on. */
  sample(source: () => Sample): void
  /** A responder was asked. */
  ocsp(environment: string, result: OcspResult): void
  /** `ocsp: soft` let a request pass without an answer. */
  ocspPassed(environment: string): void
  crlFetch(environment: string, result: CrlFetchResult): void
  /** `at`: epoch milliseconds. */
  reload(result: ReloadResult, times: { readonly at: number; readonly durationMs: number }): void
  policy(policy: PolicyObservation): void
  /** Writing the audit trail began to fail. */
  auditError(): void
  /** Several processes serve: how many answer, and how many do not. */
  workers(up: number, missing: number): void
  workerExited(cause: 'died' | 'hung'): void
  /** The text that Prometheus scrapes; by this `Accept`, OpenMetrics with exemplars. */
  expose(accept?: string): Promise<Exposition>
  /** The same as values, to be added to those of other processes. */
  snapshot(): Promise<MetricsSnapshot>
}

/**
 * The metrics of one gateway, with those of its process.
 *
 * @see docs/metrics.md
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const to = createInstruments()
  const requests = new RequestMeters(to, options.maxPartners ?? 2_000)
  const upstreams = new UpstreamMeters(to)
  const { exemplars } = requests
  let sampleSource: (() => Sample) | undefined

  to.buildInfo.cell(options.version, process.version).value = 1
  // there from the first scrape on: a rate sees no first step of a series that was not
  for (const result of ['reloaded', 'refused', 'unchanged']) to.reloads.cell(result)
  const identityHits = to.identityCache.cell('hit')
  const identityMisses = to.identityCache.cell('miss')
  const auditErrors = to.auditErrors.cell()
  const auditLost = to.auditLost.cell()
  const auditHealthy = to.auditHealthy.cell()
  const auditSealed = to.auditSealed.cell()
  const lastReload = to.lastReload.cell()
  const reloadSuccessful = to.reloadSuccessful.cell()
  const reloadDuration = to.reloadDuration.cell()
  const bodyBytesHeld = to.bodyBytesHeld.cell()
  const bodyBytesLimit = to.bodyBytesLimit.cell()
  reloadSuccessful.value = 1

  return {
    upstreams,
    request: (request) => {
      requests.count(request)
    },
    requestsInFlight: (environment, change) => {
      to.requestsInFlight.cell(environment).value += change
    },
    connections: (environment, change) => {
      to.connections.cell(environment).value += change
    },
    limitHit: (environment, limit) => {
      to.limitsHit.cell(environment, limit).value += 1
    },
    connectionDropped: (environment) => {
      to.connectionsDropped.cell(environment).value += 1
    },
    handshake: (environment, result) => {
      to.handshakes.cell(environment, result).value += 1
    },
    certificateSeen: (environment, partner, times) => {
      requests.certificateSeen(environment, partner, times)
    },
    sample: (source) => {
      sampleSource = source
    },
    ocsp: (environment, result) => {
      to.ocspRequests.cell(environment, result).value += 1
    },
    ocspPassed: (environment) => {
      to.ocspPassed.cell(environment).value += 1
    },
    crlFetch: (environment, result) => {
      to.crlFetches.cell(environment, result).value += 1
    },
    reload: (result, { at, durationMs }) => {
      to.reloads.cell(result).value += 1
      reloadSuccessful.value = result === 'refused' ? 0 : 1
      reloadDuration.value = durationMs / 1_000
      if (result !== 'refused') lastReload.value = at / 1_000
    },
    policy: (policy) => {
      for (const gauge of [
        to.configInfo,
        to.partners,
        to.certificates,
        to.establishments,
        to.crlNextUpdate,
        to.serverCertificateNotAfter,
        to.authorityNotAfter,
        to.upstreamCertificateNotAfter,
      ]) {
        gauge.remove(() => true)
      }
      to.configInfo.cell(policy.revision).value = 1
      lastReload.value = policy.at / 1_000
      for (const environment of policy.environments) {
        to.partners.cell(environment.name).value = environment.partners
        to.certificates.cell(environment.name).value = environment.certificates
        to.establishments.cell(environment.name).value = environment.establishments
        for (const { issuer, nextUpdate } of environment.crls) {
          to.crlNextUpdate.cell(environment.name, issuer).value = nextUpdate / 1_000
        }
        for (const { key, notAfter } of environment.serverCertificates) {
          to.serverCertificateNotAfter.cell(environment.name, key).value = notAfter / 1_000
        }
        for (const { subject, notAfter } of environment.authorities) {
          to.authorityNotAfter.cell(environment.name, subject).value = notAfter / 1_000
        }
        for (const { api, kind, subject, notAfter } of environment.upstreamCertificates) {
          to.upstreamCertificateNotAfter.cell(environment.name, api, kind, subject).value = notAfter / 1_000
        }
      }
      requests.keep(policy.isPartner)
    },
    auditError: () => {
      auditErrors.value += 1
    },
    workers: (up, missing) => {
      to.workers.cell('up').value = up
      to.workers.cell('missing').value = missing
      // there before the first of them is counted
      for (const cause of ['died', 'hung']) to.workerExits.cell(cause)
    },
    workerExited: (cause) => {
      to.workerExits.cell(cause).value += 1
    },
    expose: async (accept = '') => {
      look()
      const text = await to.registry.metrics()
      return exposition(text, accept, (series) => exemplars.textOf(series))
    },
    snapshot: async () => {
      look()
      return { families: await to.registry.getMetricsAsJSON(), exemplars: exemplars.all() }
    },
  }

  // what is counted elsewhere is asked for when somebody looks
  function look(): void {
    const audit = options.audit?.() ?? { healthy: true, lost: 0, sealedAt: undefined }
    auditLost.value = audit.lost
    auditHealthy.value = audit.healthy ? 1 : 0
    auditSealed.value = (audit.sealedAt ?? 0) / 1_000
    const sample = sampleSource?.()
    if (sample !== undefined) {
      identityHits.value = sample.identityHits
      identityMisses.value = sample.identityMisses
      bodyBytesHeld.value = sample.bodyBytesHeld
      bodyBytesLimit.value = sample.bodyBytesLimit
    }
    upstreams.collect()
  }
}
