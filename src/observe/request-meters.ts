import type { AuditEvent } from './audit-event.js'
import type { Spread } from './distribution.js'
import { Exemplars, type ExemplarSeries } from './exemplars.js'
import { durationBuckets, type Instruments } from './instruments.js'
import { otherPartner, PartnerLabels } from './partner-labels.js'
import type { Cell } from './tally.js'

/** Of a finished request: the fields of its audit event that are counted. */
export type RequestObservation = Pick<
  AuditEvent,
  | 'requestId'
  | 'traceId'
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
> & { readonly environment: string; readonly time?: number }

/** Label value where a request reached no API, or was permitted. */
const none = 'none'

/** The series of one API, found once. */
interface ApiMeters {
  /** Made by the first that is permitted: most requests are. */
  permitted: Cell | undefined
  readonly duration: Spread
  readonly upstream: Spread
  readonly bytesIn: Cell
  readonly bytesOut: Cell
  readonly exemplars: ExemplarSeries
}

/** The series of one partner, found once for each list in force. */
interface PartnerMeters {
  readonly label: string
  permitted: Cell | undefined
  notAfter: Cell | undefined
  lastSeen: Cell | undefined
}

/** Counts and measures requests and who sends them; labels come from configuration or closed lists. */
export class RequestMeters {
  readonly exemplars: Exemplars
  readonly #to: Instruments
  readonly #labels: PartnerLabels
  readonly #apis = new Map<string, Map<string, ApiMeters>>()
  readonly #partners = new Map<string, Map<string, PartnerMeters>>()

  /** @param maxPartners - partners with series of their own; the others are counted as `other` */
  constructor(to: Instruments, maxPartners: number) {
    this.#to = to
    this.#labels = new PartnerLabels(maxPartners)
    this.exemplars = new Exemplars(to.durationName, durationBuckets)
  }

  /** A request is over. */
  count(request: RequestObservation): void {
    const { environment, api = none, partner, reason = none, outcome } = request
    const decision = decisionOf(request)
    const isPermitted = decision === 'permit' && reason === none
    const meter = this.#ofApi(environment, api)
    if (isPermitted) {
      meter.permitted ??= this.#to.requests.cell(environment, api, decision, reason)
      meter.permitted.value += 1
    } else {
      this.#to.requests.cell(environment, api, decision, reason).value += 1
    }
    if (partner !== undefined) {
      const meters = this.#ofPartner(environment, partner)
      if (isPermitted) {
        meters.permitted ??= this.#to.partnerRequests.cell(environment, meters.label, decision, reason)
        meters.permitted.value += 1
      } else {
        this.#to.partnerRequests.cell(environment, meters.label, decision, reason).value += 1
      }
    }
    if (outcome?.startsWith('upstream-') === true) {
      this.#to.upstreamFailures.cell(environment, api, outcome).value += 1
    }
    if (isMeasure(request.bytesIn)) meter.bytesIn.value += request.bytesIn
    if (isMeasure(request.bytesOut)) meter.bytesOut.value += request.bytesOut
    if (isMeasure(request.durationMs)) {
      const bucket = this.#observe('requestDuration', meter.duration, request.durationMs / 1_000)
      this.exemplars.note(meter.exemplars, bucket, request)
    }
    if (isMeasure(request.upstreamMs))
      this.#observe('upstreamDuration', meter.upstream, request.upstreamMs / 1_000)
  }

  /** @returns the bucket */
  #observe(what: 'requestDuration' | 'upstreamDuration', spread: Spread, seconds: number): number {
    const bucket = this.#to[what].bucketOf(seconds)
    spread.counts[bucket] = (spread.counts[bucket] ?? 0) + 1
    spread.sum += seconds
    return bucket
  }

  /** A listed certificate was presented; epoch milliseconds. */
  certificateSeen(
    environment: string,
    partner: string,
    { notAfter, at }: { readonly notAfter: number; readonly at: number },
  ): void {
    const meters = this.#ofPartner(environment, partner)
    // what stands for many partners would stand for none
    if (meters.label !== partner) return
    meters.notAfter ??= this.#to.certificateNotAfter.cell(environment, partner)
    meters.lastSeen ??= this.#to.partnerLastSeen.cell(environment, partner)
    meters.notAfter.value = notAfter / 1_000
    meters.lastSeen.value = at / 1_000
  }

  /** Partners that stand in no list any more lose their series. */
  keep(isPartner: (environment: string, partner: string) => boolean): void {
    const { partnerRequests, certificateNotAfter, partnerLastSeen } = this.#to
    for (const tally of [partnerRequests, certificateNotAfter, partnerLastSeen]) {
      tally.remove(({ environment = '', partner = '' }) => {
        return partner !== otherPartner && !isPartner(environment, partner)
      })
    }
    // a removal makes cells anew: those that are held here would count for nobody
    this.#partners.clear()
    this.#labels.keep(isPartner)
  }

  #ofApi(environment: string, api: string): ApiMeters {
    const known = this.#apis.get(environment)?.get(api)
    if (known !== undefined) return known
    const to = this.#to
    const made = {
      permitted: undefined,
      duration: to.requestDuration.series(environment, api),
      upstream: to.upstreamDuration.series(environment, api),
      bytesIn: to.requestBodyBytes.cell(environment, api),
      bytesOut: to.responseBodyBytes.cell(environment, api),
      exemplars: this.exemplars.of(environment, api),
    }
    const ofEnvironment = this.#apis.get(environment) ?? new Map<string, ApiMeters>()
    this.#apis.set(environment, ofEnvironment.set(api, made))
    return made
  }

  #ofPartner(environment: string, partner: string): PartnerMeters {
    const known = this.#partners.get(environment)?.get(partner)
    if (known !== undefined) return known
    const label = this.#labels.labelOf(environment, partner)
    const made = { label, permitted: undefined, notAfter: undefined, lastSeen: undefined }
    // one that shares a label is looked up each time: many of them would fill the table
    if (label !== partner) return made
    const ofEnvironment = this.#partners.get(environment) ?? new Map<string, PartnerMeters>()
    this.#partners.set(environment, ofEnvironment.set(partner, made))
    return made
  }
}

function decisionOf({ decision = 'fail', enforced }: RequestObservation): string {
  return decision === 'deny' && enforced === false ? 'would-deny' : decision
}

// a counter never falls, and what is no number would stay for ever
function isMeasure(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && Number.isFinite(value)
}
