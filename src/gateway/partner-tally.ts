import { ownText } from '../files/lines.js'
import { establishmentsOf, type PastRequest } from '../observe/audit-line.js'

/** What became of requests; `overlooked` were refused, and let pass since the partner is in report-only. */
export interface Outcomes {
  permitted: number
  refused: number
  overlooked: number
  failed: number
}

/** The requests to one API. */
export interface ApiTally extends Outcomes {
  readonly environment: string
  /** Undefined: no API stands where the request went, or it was refused before that was asked. */
  readonly api: string | undefined
  /** Status answered → requests; `0`: the client left before. */
  readonly statuses: Record<string, number>
  /** Permitted or let pass, and answered with a status below 400. */
  successful: number
  last: number
}

/** The writes for one establishment. */
export interface EstablishmentTally {
  readonly environment: string
  readonly idNatStruct: string
  /** Permitted, and answered with a status below 300. */
  written: number
  /** Permitted, and answered otherwise: unknown unit, upstream out of reach. */
  unsuccessful: number
  refused: number
  last: number
}

/** The refusals, or the failures, of one reason. */
export interface ReasonTally extends Pick<Outcomes, 'refused' | 'overlooked' | 'failed'> {
  readonly reason: string
  first: number
  last: number
  /** The line of the last one. */
  line: string
}

/** One certificate, as the trail names it. */
export interface CertificateTally {
  readonly subject: string
  readonly publicKeySha256: string | undefined
  readonly notAfter: string | undefined
  requests: number
  last: number
}

const hour = 3_600_000
const mostKept = 20_000
const mostReasons = 200

/**
 * Requests counted by API, establishment, reason, certificate and hour.
 *
 * Memory is bounded: of each, the first 20,000 are told apart.
 */
export class PartnerTally implements Outcomes {
  requests = 0
  permitted = 0
  refused = 0
  overlooked = 0
  failed = 0
  first = Infinity
  last = -Infinity
  /** Writes for establishments that a line counts without naming, or that are beyond what is told apart. */
  unnamed = 0
  readonly apis = new Map<string, ApiTally>()
  readonly establishments = new Map<string, EstablishmentTally>()
  readonly reasons = new Map<string, ReasonTally>()
  readonly certificates = new Map<string, CertificateTally>()
  /** Start of the hour, epoch milliseconds. */
  readonly hours = new Map<number, Outcomes>()

  /** @param time - of the line, epoch milliseconds */
  note(past: PastRequest, { time, line }: { readonly time: number; readonly line: string }): void {
    const outcome = outcomeOf(past)
    this.requests += 1
    this[outcome] += 1
    this.first = Math.min(this.first, time)
    this.last = Math.max(this.last, time)
    this.noteApi(past, { outcome, time })
    if (past.establishmentCount > 0) this.noteEstablishments(past, { outcome, time })
    if (past.reason !== undefined) this.noteReason(past.reason, { outcome, time, line })
    this.noteCertificate(past, time)
    const start = Math.floor(time / hour) * hour
    const counted = found(this.hours, start, () => noOutcomes())
    if (counted !== undefined) counted[outcome] += 1
  }

  /** Adds what was counted elsewhere. */
  add(other: PartnerTally): void {
    this.requests += other.requests
    this.unnamed += other.unnamed
    addOutcomes(this, other)
    this.first = Math.min(this.first, other.first)
    this.last = Math.max(this.last, other.last)
    for (const [key, api] of other.apis) {
      const own = found(this.apis, key, (): ApiTally => ({
        ...api,
        ...noOutcomes(),
        statuses: {},
        successful: 0,
      }))
      if (own === undefined) continue
      addOutcomes(own, api)
      for (const [status, count] of Object.entries(api.statuses)) {
        own.statuses[status] = (own.statuses[status] ?? 0) + count
      }
      own.successful += api.successful
      own.last = Math.max(own.last, api.last)
    }
    for (const [key, establishment] of other.establishments) {
      const own = found(this.establishments, key, () => ({
        ...establishment,
        written: 0,
        unsuccessful: 0,
        refused: 0,
      }))
      if (own === undefined) continue
      for (const became of ['written', 'unsuccessful', 'refused'] as const)
        own[became] += establishment[became]
      own.last = Math.max(own.last, establishment.last)
    }
    for (const [key, reason] of other.reasons) {
      const own = found(this.reasons, key, () => ({ ...reason, refused: 0, overlooked: 0, failed: 0 }))
      if (own === undefined) continue
      for (const outcome of ['refused', 'overlooked', 'failed'] as const) own[outcome] += reason[outcome]
      own.first = Math.min(own.first, reason.first)
      if (reason.last >= own.last) Object.assign(own, { last: reason.last, line: reason.line })
    }
    for (const [key, certificate] of other.certificates) {
      const own = found(this.certificates, key, () => ({ ...certificate, requests: 0 }))
      if (own === undefined) continue
      own.requests += certificate.requests
      own.last = Math.max(own.last, certificate.last)
    }
    for (const [start, outcomes] of other.hours) {
      const own = found(this.hours, start, () => noOutcomes())
      if (own !== undefined) addOutcomes(own, outcomes)
    }
  }

  private noteApi(past: PastRequest, { outcome, time }: { outcome: keyof Outcomes; time: number }): void {
    const api = found(this.apis, `${past.environment}\0${past.api ?? ''}`, (): ApiTally => ({
      environment: ownText(past.environment),
      api: past.api === undefined ? undefined : ownText(past.api),
      ...noOutcomes(),
      statuses: {},
      successful: 0,
      last: time,
    }))
    if (api === undefined) return
    api[outcome] += 1
    api.last = Math.max(api.last, time)
    const isAnswered = past.status !== undefined && past.status < 400
    if (isAnswered && (outcome === 'permitted' || outcome === 'overlooked')) api.successful += 1
    const status = String(past.status ?? 0)
    api.statuses[status] = (api.statuses[status] ?? 0) + 1
  }

  private noteEstablishments(
    past: PastRequest,
    { outcome, time }: { outcome: keyof Outcomes; time: number },
  ): void {
    const isAnswered = past.status !== undefined && past.status < 300
    const became = outcome === 'refused' ? 'refused' : isAnswered ? 'written' : 'unsuccessful'
    // a Bundle may name one several times
    const named = new Set(establishmentsOf(past).map(({ idNatStruct }) => idNatStruct))
    if (past.establishmentCount > 100) this.unnamed += past.establishmentCount - 100
    for (const idNatStruct of named) {
      const tally = found(this.establishments, `${past.environment}\0${idNatStruct}`, () => ({
        environment: ownText(past.environment),
        idNatStruct: ownText(idNatStruct),
        written: 0,
        unsuccessful: 0,
        refused: 0,
        last: time,
      }))
      if (tally === undefined) {
        this.unnamed += 1
        continue
      }
      tally[became] += 1
      tally.last = Math.max(tally.last, time)
    }
  }

  private noteReason(
    reason: string,
    { outcome, time, line }: { outcome: keyof Outcomes; time: number; line: string },
  ): void {
    if (!this.reasons.has(reason) && this.reasons.size >= mostReasons) return
    const tally = found(this.reasons, reason, () => ({
      reason: ownText(reason),
      refused: 0,
      overlooked: 0,
      failed: 0,
      first: time,
      last: -Infinity,
      line: '',
    }))
    if (tally === undefined) return
    // permitted, and then broken off: the code of a failure
    tally[outcome === 'permitted' ? 'failed' : outcome] += 1
    tally.first = Math.min(tally.first, time)
    if (time >= tally.last) Object.assign(tally, { last: time, line: ownText(line) })
  }

  private noteCertificate({ subject, publicKeySha256, notAfter }: PastRequest, time: number): void {
    if (subject === undefined) return
    const certificate = found(this.certificates, `${subject}\0${publicKeySha256 ?? ''}`, () => ({
      subject: ownText(subject),
      publicKeySha256: publicKeySha256 === undefined ? undefined : ownText(publicKeySha256),
      notAfter: notAfter === undefined ? undefined : ownText(notAfter),
      requests: 0,
      last: time,
    }))
    if (certificate === undefined) return
    certificate.requests += 1
    certificate.last = Math.max(certificate.last, time)
  }
}

/** Nothing yet. */
export function noOutcomes(): Outcomes {
  return { permitted: 0, refused: 0, overlooked: 0, failed: 0 }
}

/** Adds the one to the other. */
export function addOutcomes(to: Outcomes, { permitted, refused, overlooked, failed }: Outcomes): void {
  to.permitted += permitted
  to.refused += refused
  to.overlooked += overlooked
  to.failed += failed
}

function outcomeOf({ decision, enforced }: PastRequest): keyof Outcomes {
  if (decision === 'permit') return 'permitted'
  if (decision === 'deny') return enforced ? 'refused' : 'overlooked'
  return 'failed'
}

// a key that is kept must not keep the stretch of file that it was cut from
function found<Key extends string | number, Value>(
  map: Map<Key, Value>,
  key: Key,
  make: () => Value,
): Value | undefined {
  const known = map.get(key)
  if (known !== undefined || map.size >= mostKept) return known
  const value = make()
  map.set(typeof key === 'string' ? (ownText(key) as Key) : key, value) // the same text
  return value
}
