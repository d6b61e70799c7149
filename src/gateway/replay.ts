import type { ClientNames } from '../core/admission.js'
import { findEntry } from '../core/admission.js'
import { ownText } from '../files/lines.js'
import { establishmentsOf, readAuditLine, type PastRequest } from '../observe/audit-line.js'
import {
  isBeforeListing,
  judgedPath,
  judgePast,
  namesOf,
  type ReplayGap,
  type ReplayRules,
  type ReplayVerdict,
} from './replay-judgement.js'

/** What is replayed: the rules before and after, and when they are thought to be in force. */
export interface ReplayQuestion {
  /** Environment → rules; the name `''` stands for every environment. */
  readonly before: ReadonlyMap<string, ReplayRules>
  readonly after: ReadonlyMap<string, ReplayRules>
  /** Epoch milliseconds: both are judged at this moment, so that dates that pass by themselves are no change. */
  readonly at: number
}

/** The requests of one partner that the new rules would decide otherwise. */
export interface ReplayedPartner {
  readonly environment: string
  /** Id, or the subject of a certificate that no entry lists. */
  readonly partner: string
  /** Permitted before, refused after. */
  readonly closed: number
  /** Refused before, permitted after. */
  readonly opened: number
  /** Reason of the refusal, after or before → requests. */
  readonly reasons: Readonly<Record<'closed' | 'opened', Readonly<Record<string, number>>>>
  readonly last: Pick<PastRequest, 'time' | 'requestId' | 'method' | 'path'> & {
    readonly establishments: readonly string[]
  }
}

/** What a replay came to. */
export interface ReplayReport {
  readonly lines: number
  readonly requests: number
  /** Neither the old nor the new whitelist has a say in them. */
  readonly unaffected: number
  readonly same: number
  readonly closed: number
  readonly opened: number
  /** Of an environment that one side does not have. */
  readonly elsewhere: number
  readonly undetermined: Readonly<Record<ReplayGap, number>>
  /** Decided otherwise by the old rules too than the line says: they have changed since. */
  readonly drifted: number
  readonly partners: readonly ReplayedPartner[]
}

interface Tally extends ReplayedPartner {
  closed: number
  opened: number
  readonly reasons: Readonly<Record<'closed' | 'opened', Record<string, number>>>
  last: ReplayedPartner['last']
}

type Outcome =
  | { readonly kind: 'same' | 'unaffected' | 'elsewhere'; readonly drifted: boolean }
  | { readonly kind: 'gap'; readonly why: ReplayGap; readonly drifted: boolean }
  | {
      readonly kind: 'closed' | 'opened'
      readonly reason: string
      readonly partner: string
      readonly drifted: boolean
    }

const mostKept = 50_000
const mostPartners = 10_000

/**
 * Which past decisions would be others under new rules, line by line.
 *
 * Memory is bounded: verdicts are kept for the 50,000 last seen kinds of request, and 10,000 partners
 * are counted one by one.
 */
export class Replay {
  private readonly question: ReplayQuestion
  private readonly outcomes = new Map<string, Outcome>()
  private readonly clients = new Map<string, ClientNames | undefined>()
  private readonly partners = new Map<string, Tally>()
  private readonly counts = {
    lines: 0,
    requests: 0,
    unaffected: 0,
    same: 0,
    closed: 0,
    opened: 0,
    elsewhere: 0,
  }
  private readonly gaps = { 'public-key': 0, establishments: 0, path: 0, 'ror-headers': 0 }
  private drifted = 0

  constructor(question: ReplayQuestion) {
    this.question = question
  }

  /** One line of the audit trail. */
  note(line: string): void {
    this.counts.lines += 1
    const past = readAuditLine(line)
    if (past === undefined) return
    this.counts.requests += 1
    const outcome = this.outcomeOf(past)
    if (outcome.drifted) this.drifted += 1
    if (outcome.kind === 'gap') {
      this.gaps[outcome.why] += 1
      return
    }
    this.counts[outcome.kind] += 1
    if (outcome.kind === 'closed' || outcome.kind === 'opened') this.tally(past, outcome)
  }

  report(): ReplayReport {
    const partners = [...this.partners.values()].sort(
      (one, other) => other.closed + other.opened - (one.closed + one.opened),
    )
    return { ...this.counts, undetermined: this.gaps, drifted: this.drifted, partners }
  }

  // one kind of request is judged once, however often it came
  private outcomeOf(past: PastRequest): Outcome {
    const client = `${past.subject ?? ''}\0${past.publicKeySha256 ?? ''}`
    const request = `${past.environment}\0${past.api ?? ''}\0${past.method}\0${judgedPath(past)}\0${past.named}`
    const decided = `${effectOf(past)}\0${past.reason ?? ''}\0${past.establishmentCount}`
    const key = `${client}\0${request}\0${decided}`
    const known = this.outcomes.get(key)
    if (known !== undefined) return known
    const outcome = this.judge(past, client)
    if (this.outcomes.size >= mostKept) this.outcomes.clear()
    this.outcomes.set(ownText(key), outcome)
    return outcome
  }

  private judge(past: PastRequest, clientKey: string): Outcome {
    if (isBeforeListing(past)) return { kind: 'unaffected', drifted: false }
    const { before, after, at } = this.question
    const [old, next] = [rulesFor(before, past), rulesFor(after, past)]
    const client = this.clientOf(past, clientKey)
    if (client === undefined) return { kind: 'unaffected', drifted: false }
    if (old === undefined || next === undefined) return { kind: 'elsewhere', drifted: false }
    const [then, now] = [judgePast(past, old, { client, at }), judgePast(past, next, { client, at })]
    const drifted = then.effect !== 'unknown' && then.effect !== effectOf(past)
    if (now.effect === 'unknown') {
      // unknown on both sides is no change that these rules make
      return then.effect === 'unknown' && isSameEntry(past, { old, next, client })
        ? { kind: 'same', drifted }
        : { kind: 'gap', why: now.why, drifted }
    }
    const effectThen = then.effect === 'unknown' ? effectOf(past) : then.effect
    if (now.effect === 'permit' && pinsChanged(past, { old, next, client })) {
      return { kind: 'gap', why: 'ror-headers', drifted }
    }
    if (effectThen === now.effect) return { kind: 'same', drifted }
    const partner = partnerOf(past, then, now)
    return now.effect === 'deny'
      ? { kind: 'closed', reason: now.reason ?? '', partner, drifted }
      : {
          kind: 'opened',
          reason: (then.effect === 'unknown' ? undefined : then.reason) ?? past.reason ?? '',
          partner,
          drifted,
        }
  }

  private clientOf(past: PastRequest, key: string): ClientNames | undefined {
    if (this.clients.has(key)) return this.clients.get(key)
    const names = namesOf(past)
    if (this.clients.size >= mostKept) this.clients.clear()
    this.clients.set(ownText(key), names)
    return names
  }

  private tally(past: PastRequest, outcome: Extract<Outcome, { kind: 'closed' | 'opened' }>): void {
    const key = `${past.environment}\0${outcome.partner}`
    let tally = this.partners.get(key)
    const establishments = establishmentsOf(past).map(({ idNatStruct }) => ownText(idNatStruct))
    const last = {
      time: ownText(past.time),
      requestId: ownText(past.requestId),
      method: ownText(past.method),
      path: ownText(past.path),
      establishments,
    }
    if (tally === undefined) {
      if (this.partners.size >= mostPartners) return
      const environment = ownText(past.environment)
      tally = {
        environment,
        partner: outcome.partner,
        closed: 0,
        opened: 0,
        reasons: { closed: {}, opened: {} },
        last,
      }
      this.partners.set(key, tally)
    }
    tally[outcome.kind] += 1
    const reasons = tally.reasons[outcome.kind]
    reasons[outcome.reason] = (reasons[outcome.reason] ?? 0) + 1
    tally.last = last
  }
}

function rulesFor(
  rules: ReadonlyMap<string, ReplayRules>,
  { environment }: PastRequest,
): ReplayRules | undefined {
  return rules.get(environment) ?? rules.get('')
}

// what report-only lets pass is told as the denial it would have been
function effectOf({ decision, enforced }: PastRequest): string {
  return decision === 'deny' && !enforced ? 'permit' : decision
}

function partnerOf(past: PastRequest, then: ReplayVerdict, now: ReplayVerdict): string {
  for (const verdict of [then, now]) {
    if (verdict.effect !== 'unknown' && verdict.partner !== undefined) return verdict.partner
  }
  return ownText(past.partner ?? past.subject ?? '')
}

interface Sides {
  readonly old: ReplayRules
  readonly next: ReplayRules
  readonly client: ClientNames
}

function entriesOf(past: PastRequest, { old, next, client }: Sides) {
  const find = ({ whitelist, apis }: ReplayRules) =>
    findEntry(
      whitelist,
      client,
      apis?.find(({ name }) => name === past.api),
    )
  return [find(old), find(next)] as const
}

function isSameEntry(past: PastRequest, sides: Sides): boolean {
  const [one, other] = entriesOf(past, sides)
  return one?.partner.id === other?.partner.id
}

function pinsChanged(past: PastRequest, sides: Sides): boolean {
  const [one, other] = entriesOf(past, sides)
  if (one === undefined || other === undefined) return false
  return JSON.stringify(one.partner.rorHeaders) !== JSON.stringify(other.partner.rorHeaders)
}
