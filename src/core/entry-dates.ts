import { deny, type Denial } from './decision.js'
import type { WhitelistEntry } from './whitelist.js'

/** The dates of an entry: its partner's, and the end of this one certificate. */
type Dates = Pick<WhitelistEntry, 'partner' | 'validUntil'>

/**
 * Why an entry does not hold at this moment, or undefined.
 *
 * The partner's own dates go first: whose access has ended is not asked for another certificate.
 *
 * @param now - epoch milliseconds
 */
export function judgeDates({ partner, validUntil }: Dates, now: number): Denial | undefined {
  if (partner.validFrom !== undefined && now < partner.validFrom) {
    return deny('partner-not-yet-valid', { sent: { validFrom: new Date(partner.validFrom).toISOString() } })
  }
  if (partner.validUntil !== undefined && now >= partner.validUntil) {
    return deny('partner-expired', { sent: { validUntil: new Date(partner.validUntil).toISOString() } })
  }
  if (validUntil !== undefined && now >= validUntil) {
    return deny('certificate-retired', { sent: { validUntil: new Date(validUntil).toISOString() } })
  }
  return undefined
}

/** The moments at which `judgeDates` may change its answer; epoch milliseconds. */
export function turningPoints({ partner, validUntil }: Dates): readonly number[] {
  return [partner.validFrom, partner.validUntil, validUntil].filter((each) => each !== undefined)
}
