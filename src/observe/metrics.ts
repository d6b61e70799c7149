import type { Histogram } from 'prom-client'
import type { AuditEvent } from './audit-event.js'
import { createInstruments } from './instruments.js'
import { otherPartner, PartnerLabels } from './partner-labels.js'
import type { Cell } from './tally.js'

/** Of a finished request: the fields of its audit event that are counted. */
export type RequestObservation = Pick<
  AuditEvent,
  | 'api'
  | 'partner'
  | 'decision'
  | 'enforced'
  | 'reason'
  | 'durationMs'
  | 'upstreamMs'
  | 'bytesIn'
  | 'bytesOut'
  | 'outcome'
> & { readonly environment: string }

type HandshakeResult = 'completed' | 'resumed' | 'refused' | 'failed'
type OcspResult = 'good' | 'revoked' | 'unknown' | 'failed'
type CrlFetchResult = 'fetched' | 'unchanged' | 'failed'
type ReloadResult = 'reloaded' | 'refused' | 'unchanged'

/** What a loaded configuration is measured by. */
export interface PolicyObservation {
  readonly revision: string
  readonly environments: readonly {
    readonly name: string
    readonly partners: number
    readonly certificates: number
    readonly establishments: number
    /** Next updates in epoch milliseconds. */
    readonly crls: readonly { readonly issuer: string; readonly nextUpdate: number }[]
  }[]
  /** Whether a partner still stands in the whitelist of an environment; its series go otherwise. */
  readonly isPartner: (environment: string, partner: string) => boolean
}

export interface MetricsOptions {
  readonly version: string
  /** Partners with series of their own; 2,000. The others are counted as `other`. */
  readonly maxPartners?: number
  /** Asked at each scrape. */
  readonly audit?: () => { readonly healthy: boolean; readonly lost: number }
}

/** Counts and measures; every method is cheap and none throws. Labels come from configuration or closed lists. */
export interface Metrics {
  request(request: RequestObservation): void
  requestsInFlight(environment: string, change: 1 | -1): void
  connections(environment: string, change: 1 | -1): void
  handshake(environment: string, result: HandshakeResult): void
  /** A listed certificate was presented; `notAfter` in epoch milliseconds. */
  certificateSeen(environment: string, partner: string, notAfter: number): void
  identityCache(result: 'hit' | 'miss'): void
  /** A responder was asked. */
  ocsp(environment: string, result: OcspResult): void
  /** `ocsp: soft` let a request pass without an answer. */
  ocspPassed(environment: string): void
  crlFetch(environment: string, result: CrlFetchResult): void
  /** @param at - epoch milliseconds */
  reload(result: ReloadResult, at: number): void
  policy(policy: PolicyObservation): void
  auditError(): void
  /** The text that Prometheus scrapes. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>
}

/** Label value where a request reached no API, or was permitted. */
const none = 'none'

/** The series of one API, found once. */
interface ApiMeters {
  readonly duration: Histogram.Internal<string>
  readonly upstream: Histogram.Internal<string>
  readonly bytesIn: Cell
  readonly bytesOut: Cell
}

/**
 * The metrics of one gateway, with those of its process.
 *
 * @see docs/metrics.md
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const to = createInstruments()
  const labels = new PartnerLabels(options.maxPartners ?? 2_000)
  const meters = new Map<string, Map<string, ApiMeters>>()

  to.buildInfo.cell(options.version, process.version).value = 1
  // there from the first scrape on: a rate sees no first step of a series that was not
  for (const result of ['reloaded', 'refused', 'unchanged']) to.reloads.cell(result)
  for (const result of ['hit', 'miss']) to.identityCache.cell(result)
  const auditErrors = to.auditErrors.cell()
  const auditLost = to.auditLost.cell()
  const auditHealthy = to.auditHealthy.cell()
  const lastReload = to.lastReload.cell()

  function metersOf(environment: string, api: string): ApiMeters {
    const known = meters.get(environment)?.get(api)
    if (known !== undefined) return known
    const made = {
      duration: to.requestDuration.labels(environment, api),
      upstream: to.upstreamDuration.labels(environment, api),
      bytesIn: to.requestBodyBytes.cell(environment, api),
      bytesOut: to.responseBodyBytes.cell(environment, api),
    }
    const ofEnvironment = meters.get(environment) ?? new Map<string, ApiMeters>()
    meters.set(environment, ofEnvironment.set(api, made))
    return made
  }

  return {
    request: (request) => {
      const { environment, api = none, partner, reason = none, outcome } = request
      const decision = decisionOf(request)
      to.requests.cell(environment, api, decision, reason).value += 1
      if (partner !== undefined) {
        to.partnerRequests.cell(environment, labels.labelOf(environment, partner), decision).value += 1
      }
      if (outcome?.startsWith('upstream-') === true) {
        to.upstreamFailures.cell(environment, api, outcome).value += 1
      }
      const meter = metersOf(environment, api)
      if (isMeasure(request.bytesIn)) meter.bytesIn.value += request.bytesIn
      if (isMeasure(request.bytesOut)) meter.bytesOut.value += request.bytesOut
      if (isMeasure(request.durationMs)) meter.duration.observe(request.durationMs / 1_000)
      if (isMeasure(request.upstreamMs)) meter.upstream.observe(request.upstreamMs / 1_000)
    },
    requestsInFlight: (environment, change) => {
      to.requestsInFlight.cell(environment).value += change
    },
    connections: (environment, change) => {
      to.connections.cell(environment).value += change
    },
    handshake: (environment, result) => {
      to.handshakes.cell(environment, result).value += 1
    },
    certificateSeen: (environment, partner, notAfter) => {
      const label = labels.labelOf(environment, partner)
      // an end that stands for many partners would stand for none
      if (label === partner) to.certificateNotAfter.cell(environment, label).value = notAfter / 1_000
    },
    identityCache: (result) => {
      to.identityCache.cell(result).value += 1
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
    reload: (result, at) => {
      to.reloads.cell(result).value += 1
      if (result !== 'refused') lastReload.value = at / 1_000
    },
    policy: (policy) => {
      for (const gauge of [
        to.configInfo,
        to.partners,
        to.certificates,
        to.establishments,
        to.crlNextUpdate,
      ]) {
        gauge.remove(() => true)
      }
      to.configInfo.cell(policy.revision).value = 1
      for (const environment of policy.environments) {
        to.partners.cell(environment.name).value = environment.partners
        to.certificates.cell(environment.name).value = environment.certificates
        to.establishments.cell(environment.name).value = environment.establishments
        for (const { issuer, nextUpdate } of environment.crls) {
          to.crlNextUpdate.cell(environment.name, issuer).value = nextUpdate / 1_000
        }
      }
      for (const tally of [to.partnerRequests, to.certificateNotAfter]) {
        tally.remove(({ environment = '', partner = '' }) => {
          return partner !== otherPartner && !policy.isPartner(environment, partner)
        })
      }
      labels.keep(policy.isPartner)
    },
    auditError: () => {
      auditErrors.value += 1
    },
    expose: async () => {
      const audit = options.audit?.() ?? { healthy: true, lost: 0 }
      auditLost.value = audit.lost
      auditHealthy.value = audit.healthy ? 1 : 0
      return { contentType: to.registry.contentType, text: await to.registry.metrics() }
    },
  }
}

function decisionOf({ decision = 'fail', enforced }: RequestObservation): string {
  return decision === 'deny' && enforced === false ? 'would-deny' : decision
}

// prom-client throws at what is no number, and a counter never falls
function isMeasure(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && Number.isFinite(value)
}
