import { deny, type Denial } from '../core/decision.js'
import type { PartnerLimits } from '../core/partner-limits.js'
import { drawToken, type Bucket } from '../core/token-bucket.js'

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
  /** The request is over. To be called once, whatever became of it. */
  leave(): void
}

interface Account {
  bucket: Bucket | undefined
  underWay: number
}

const unlimited: LimitedTurn = { denial: undefined, leave: () => undefined }

/**
 * What each partner has taken: its bucket of requests, and how many of them are under way.
 *
 * Kept across reloads, so that a changed list gives nobody a full bucket. Holds limited partners alone,
 * and none that left the whitelist longer than its requests are under way (`keep`).
 */
export class PartnerLimiter {
  private readonly accounts = new Map<string, Map<string, Account>>()

  /** Counts a request, and says whether it is one too many. */
  enter(question: LimitQuestion, now: number): LimitedTurn {
    const { rate, concurrent, bodyBytes } = question.limits
    const isTooLarge = bodyBytes !== undefined && question.announcedBytes > bodyBytes
    const sized = isTooLarge ? deny('body-too-large', { sent: { maxBytes: String(bodyBytes) } }) : undefined
    if (rate === undefined && concurrent === undefined)
      return sized === undefined ? unlimited : { ...unlimited, denial: sized }
    const account = this.accountOf(question)
    let denial: Denial | undefined
    if (concurrent !== undefined && account.underWay >= concurrent) {
      denial = deny('rate-limited', {
        detail: `${account.underWay} requests are under way`,
        sent: { limit: `${concurrent} requests under way`, retryAfter: '1' },
      })
    } else if (rate !== undefined) {
      const { bucket, waitMs } = drawToken(account.bucket, rate, now)
      account.bucket = bucket
      if (waitMs > 0) {
        const retryAfter = String(Math.ceil(waitMs / 1000))
        denial = deny('rate-limited', {
          sent: { limit: `${rate.perSecond} requests a second, ${rate.burst} at once`, retryAfter },
        })
      }
    }
    account.underWay += 1
    return {
      denial: denial ?? sized,
      leave: () => {
        account.underWay -= 1
      },
    }
  }

  /** Forgets partners that are listed no more, and have nothing under way. */
  keep(isPartner: (environment: string, partner: string) => boolean): void {
    for (const [environment, partners] of this.accounts) {
      for (const [partner, { underWay }] of partners) {
        if (underWay === 0 && !isPartner(environment, partner)) partners.delete(partner)
      }
    }
  }

  /** Partners that are counted. */
  get size(): number {
    let size = 0
    for (const partners of this.accounts.values()) size += partners.size
    return size
  }

  private accountOf({ environment, partner }: LimitQuestion): Account {
    let partners = this.accounts.get(environment)
    if (partners === undefined) {
      partners = new Map()
      this.accounts.set(environment, partners)
    }
    let account = partners.get(partner)
    if (account === undefined) {
      account = { bucket: undefined, underWay: 0 }
      partners.set(partner, account)
    }
    return account
  }
}
