import { deny, type Denial } from '../core/decision.js'
import type { PartnerLimits } from '../core/partner-limits.js'
import { drawToken, payTokens, type Bucket, type BucketRate } from '../core/token-bucket.js'

/** A request of a partner that is about to be served. */
export interface LimitQuestion {
  readonly environment: string
  readonly partner: string
  readonly limits: PartnerLimits
  /** Length of the body, where one is announced; 0 otherwise. */
  readonly announcedBytes: number
}

/** One request as it is counted. */
export interface LimitedTurn {
  /** Why the request is one too many, or too large; it counts as under way all the same. */
  readonly denial: Denial | undefined
  /** False where nothing of the partner is limited that outlasts this call: `leave` does nothing then. */
  readonly isCounted: boolean
  /** The request is over. To be called once, whatever became of it. */
  leave(): void
}

/** What a partner took at one process since it was told last. */
export interface PartnerUse {
  readonly environment: string
  readonly partner: string
  readonly rate: BucketRate | undefined
  /** Requests that passed the rate. */
  readonly drawn: number
  /** Requests under way there now. */
  readonly underWay: number
}

interface Account {
  readonly environment: string
  readonly partner: string
  bucket: Bucket | undefined
  rate: BucketRate | undefined
  underWay: number
  /** Not told to the other processes yet. */
  drawn: number
  /** Requests under way at others, by their numbers. */
  readonly elsewhere: Map<number, number>
}

const unlimited: LimitedTurn = { denial: undefined, isCounted: false, leave: () => undefined }

/**
 * What each partner has taken: its bucket of requests, and how many of them are under way.
 *
 * Kept across reloads, so that a changed list gives nobody a full bucket. Holds limited partners alone,
 * and none that left the whitelist longer than its requests are under way (`keep`).
 *
 * Of several processes each judges by what it knows, and tells the others what was taken (`news`, `learn`):
 * what passed too much within one exchange is owed afterwards.
 */
export class PartnerLimiter {
  private readonly accounts = new Map<string, Map<string, Account>>()
  private readonly isShared: boolean
  private readonly changed = new Set<Account>()

  /** @param isShared - whether other processes are told */
  constructor(isShared = false) {
    this.isShared = isShared
  }

  /** Counts a request, and says whether it is one too many. */
  enter(question: LimitQuestion, now: number): LimitedTurn {
    const { rate, concurrent, bodyBytes } = question.limits
    const isTooLarge = bodyBytes !== undefined && question.announcedBytes > bodyBytes
    const sized = isTooLarge ? deny('body-too-large', { sent: { maxBytes: String(bodyBytes) } }) : undefined
    if (rate === undefined && concurrent === undefined)
      return sized === undefined ? unlimited : { ...unlimited, denial: sized }
    const account = this.accountOf(question)
    let denial: Denial | undefined
    const underWay = account.underWay + underWayElsewhere(account)
    if (concurrent !== undefined && underWay >= concurrent) {
      denial = deny('rate-limited', {
        detail: `${underWay} requests are under way`,
        sent: { limit: `${concurrent} requests under way`, retryAfter: '1' },
      })
    } else if (rate !== undefined) {
      const { bucket, waitMs } = drawToken(account.bucket, rate, now)
      account.bucket = bucket
      account.rate = rate
      if (waitMs === 0) account.drawn += 1
      if (waitMs > 0) {
        const retryAfter = String(Math.ceil(waitMs / 1000))
        denial = deny('rate-limited', {
          sent: { limit: `${rate.perSecond} requests a second, ${rate.burst} at once`, retryAfter },
        })
      }
    }
    account.underWay += 1
    if (this.isShared) this.changed.add(account)
    return {
      denial: denial ?? sized,
      isCounted: true,
      leave: () => {
        account.underWay -= 1
        if (this.isShared) this.changed.add(account)
      },
    }
  }

  /** What was taken here since the last call. */
  news(): readonly PartnerUse[] {
    const uses = [...this.changed].map((account): PartnerUse => {
      const { environment, partner, rate, drawn, underWay } = account
      account.drawn = 0
      return { environment, partner, rate, drawn, underWay }
    })
    this.changed.clear()
    return uses
  }

  /** What was taken at another process. @param now - epoch milliseconds */
  learn(from: number, uses: readonly PartnerUse[], now: number): void {
    for (const use of uses) {
      const account = this.accountOf(use)
      const { rate, drawn: count, underWay } = use
      if (rate !== undefined && count > 0) account.bucket = payTokens(account.bucket, rate, { count, now })
      if (underWay > 0) account.elsewhere.set(from, underWay)
      else account.elsewhere.delete(from)
    }
  }

  /** Another process is gone, and its requests with it. */
  forget(from: number): void {
    for (const partners of this.accounts.values())
      for (const { elsewhere } of partners.values()) elsewhere.delete(from)
  }

  /** Forgets partners that are listed no more, and have nothing under way. */
  keep(isPartner: (environment: string, partner: string) => boolean): void {
    for (const [environment, partners] of this.accounts) {
      for (const [partner, account] of partners) {
        if (account.underWay + underWayElsewhere(account) === 0 && !isPartner(environment, partner))
          partners.delete(partner)
      }
    }
  }

  /** Partners that are counted. */
  get size(): number {
    let size = 0
    for (const partners of this.accounts.values()) size += partners.size
    return size
  }

  private accountOf({ environment, partner }: Pick<LimitQuestion, 'environment' | 'partner'>): Account {
    let partners = this.accounts.get(environment)
    if (partners === undefined) {
      partners = new Map()
      this.accounts.set(environment, partners)
    }
    let account = partners.get(partner)
    if (account === undefined) {
      account = {
        environment,
        partner,
        bucket: undefined,
        rate: undefined,
        underWay: 0,
        drawn: 0,
        elsewhere: new Map(),
      }
      partners.set(partner, account)
    }
    return account
  }
}

function underWayElsewhere({ elsewhere }: Account): number {
  let sum = 0
  for (const underWay of elsewhere.values()) sum += underWay
  return sum
}
