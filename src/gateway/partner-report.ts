import { ownText } from '../files/lines.js'
import { auditField, establishmentsOf, readAuditLine, type PastRequest } from '../observe/audit-line.js'
import {
  PartnerTally,
  type ApiTally,
  type CertificateTally,
  type EstablishmentTally,
  type Outcomes,
  type ReasonTally,
} from './partner-tally.js'
import { timelineOf, type Timeline } from './report-timeline.js'

/** Whose requests are counted, and when. */
export interface ReportQuestion {
  readonly partner: string
  /** Subjects (RFC 4514, as audit lines write them) and keys (hexadecimal) that are known to be the partner's. */
  readonly subjects: readonly string[]
  readonly publicKeys: readonly string[]
  readonly environment: string | undefined
  /** Epoch milliseconds, the first instant. */
  readonly since: number | undefined
  /** Epoch milliseconds, the instant behind the last one. */
  readonly until: number | undefined
}

/** The last request of a reason. */
export interface ReportExample {
  readonly time: string
  readonly requestId: string
  readonly environment: string
  readonly api: string | undefined
  /** Empty where the handshake was refused. */
  readonly method: string
  readonly path: string
  readonly status: number | undefined
  readonly subject: string | undefined
  readonly establishments: readonly string[]
  readonly detail: string | undefined
}

/** How often a reason was given, and the last time. */
export interface ReportedReason extends Omit<ReasonTally, 'line'> {
  readonly example: ReportExample
}

/** What an audit trail says of one partner. */
export interface PartnerReport extends Readonly<Outcomes> {
  readonly partner: string
  readonly lines: number
  readonly requests: number
  /** Of these, refused before an entry was found, and counted by the name or the key of the certificate. */
  readonly beforeEntry: number
  /** Epoch milliseconds; undefined where nothing was found. */
  readonly first: number | undefined
  readonly last: number | undefined
  readonly apis: readonly ApiTally[]
  readonly establishments: readonly EstablishmentTally[]
  /** Writes of establishments beyond those that are named. */
  readonly unnamed: number
  readonly refusals: readonly ReportedReason[]
  readonly failures: readonly ReportedReason[]
  readonly certificates: readonly CertificateTally[]
  readonly timeline: Timeline
}

const events: ReadonlySet<string> = new Set(['request', 'handshake'])
const mostStrangers = 2_000
const mostNamed = 20

/**
 * Counts what one partner did, line by line.
 *
 * A request that was refused before an entry was found names no partner. It is counted where its
 * certificate has a name or a key that is the partner's: by the whitelist, or by any line of the trail that
 * names both. So the refusals before a certificate was listed are seen, too.
 */
export class PartnerReporter {
  private readonly question: ReportQuestion
  private readonly own = new PartnerTally()
  // certificates that came without an entry, until the end tells whose they are
  private readonly strangers = new Map<string, { readonly names: readonly string[]; tally: PartnerTally }>()
  private readonly claimed = new PartnerTally()
  private readonly known: Set<string>
  private readonly seen = new Set<string>()
  private lines = 0

  constructor(question: ReportQuestion) {
    this.question = question
    this.known = new Set([...question.subjects, ...question.publicKeys])
  }

  /** One line of the trail. */
  note(line: string): void {
    this.lines += 1
    const past = readAuditLine(line, events)
    if (past === undefined) return
    const { partner, environment, since, until } = this.question
    if (past.partner !== undefined && past.partner !== partner) {
      if (this.seen.size < mostNamed && !this.seen.has(past.partner)) this.seen.add(ownText(past.partner))
      return
    }
    if (past.partner === undefined && past.subject === undefined) return
    if (environment !== undefined && past.environment !== environment) return
    const time = Date.parse(past.time)
    if (Number.isNaN(time) || time < (since ?? -Infinity) || time >= (until ?? Infinity)) return
    if (past.partner === undefined) {
      this.strangerOf(past)?.note(past, { time, line })
      return
    }
    this.own.note(past, { time, line })
  }

  report(): PartnerReport {
    const total = new PartnerTally()
    total.add(this.own)
    total.add(this.claimed)
    for (const { subject, publicKeySha256 } of this.own.certificates.values()) {
      this.known.add(subject)
      if (publicKeySha256 !== undefined) this.known.add(publicKeySha256)
    }
    for (const { names, tally } of this.strangers.values()) {
      if (names.some((name) => this.known.has(name))) total.add(tally)
    }
    const reasons = [...total.reasons.values()].map(reported)
    const { requests, permitted, refused, overlooked, failed, unnamed } = total
    return {
      partner: this.question.partner,
      lines: this.lines,
      requests,
      permitted,
      refused,
      overlooked,
      failed,
      beforeEntry: requests - this.own.requests,
      first: requests === 0 ? undefined : total.first,
      last: requests === 0 ? undefined : total.last,
      apis: [...total.apis.values()].sort(byPlace((each) => each.api ?? '\uffff')),
      establishments: [...total.establishments.values()].sort(byPlace((each) => each.idNatStruct)),
      unnamed,
      refusals: reasons.filter(({ refused: count, overlooked: more }) => count + more > 0).sort(byCount),
      failures: reasons.filter(({ refused: count, overlooked: more }) => count + more === 0).sort(byCount),
      certificates: [...total.certificates.values()].sort((one, other) => other.last - one.last),
      timeline: timelineOf(total.hours),
    }
  }

  /** Ids of other partners in the trail, a few of them: where none was found, one of these may be meant. */
  others(): readonly string[] {
    return [...this.seen].sort()
  }

  private strangerOf({ subject = '', publicKeySha256 }: PastRequest): PartnerTally | undefined {
    if (this.known.has(subject) || this.known.has(publicKeySha256 ?? '')) return this.claimed
    const key = `${subject}\0${publicKeySha256 ?? ''}`
    const known = this.strangers.get(key)
    if (known !== undefined) return known.tally
    if (this.strangers.size >= mostStrangers) return undefined
    const tally = new PartnerTally()
    const names = [ownText(subject), ...(publicKeySha256 === undefined ? [] : [ownText(publicKeySha256)])]
    this.strangers.set(ownText(key), { names, tally })
    return tally
  }
}

function reported({ line, ...tally }: ReasonTally): ReportedReason {
  const past = readAuditLine(line, events)
  const detail = auditField(JSON.parse(line) as Record<string, unknown>, 'detail') // an audit line is an object
  return {
    ...tally,
    example: {
      time: past?.time ?? '',
      requestId: past?.requestId ?? '',
      environment: past?.environment ?? '',
      api: past?.api,
      method: past?.method ?? '',
      path: past?.path ?? '',
      status: past?.status,
      subject: past?.subject,
      establishments: past === undefined ? [] : establishmentsOf(past).map(({ idNatStruct }) => idNatStruct),
      detail: typeof detail === 'string' ? detail : undefined,
    },
  }
}

function byCount(one: ReportedReason, other: ReportedReason): number {
  const countOf = ({ refused, overlooked, failed }: ReportedReason): number => refused + overlooked + failed
  return countOf(other) - countOf(one) || (one.reason < other.reason ? -1 : 1)
}

function byPlace<Row extends { readonly environment: string }>(nameOf: (row: Row) => string) {
  const keyOf = (row: Row): string => `${row.environment}\0${nameOf(row)}`
  return (one: Row, other: Row): number => (keyOf(one) < keyOf(other) ? -1 : 1)
}
