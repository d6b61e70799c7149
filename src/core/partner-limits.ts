import type { BucketRate } from './token-bucket.js'

/** What one partner may take; what is absent is not limited. */
export interface PartnerLimits {
  readonly rate?: BucketRate
  /** Requests under way at one time. */
  readonly concurrent?: number
  /** Largest body of a request, in bytes. */
  readonly bodyBytes?: number
}

/** The limits of a partner: its own, and where it has none, those of the environment. */
export function limitsOf(own: PartnerLimits | undefined, environment: PartnerLimits): PartnerLimits {
  return own === undefined ? environment : { ...environment, ...own }
}
