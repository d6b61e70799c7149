/** How many requests may come: so many a second in the long run, and so many at once. */
export interface BucketRate {
  readonly perSecond: number
  /** Tokens of a full bucket; at least 1. */
  readonly burst: number
}

/** A bucket as it was left. */
export interface Bucket {
  readonly tokens: number
  /** Epoch milliseconds. */
  readonly at: number
}

/** One request at a bucket: how the bucket is left, and the wait until a request would pass; 0 where this one does. */
export interface Draw {
  readonly bucket: Bucket
  readonly waitMs: number
}

// sums of fractions end a hair below the whole number they mean
const hair = 1e-9

/**
 * Takes a token, where there is one; a refused request takes none.
 *
 * A bucket seen for the first time is full. A clock set back refills nothing and is the clock from
 * then on; one set forward refills to `burst` at most. A rate changed in between holds at once.
 *
 * @param now - epoch milliseconds
 */
export function drawToken(bucket: Bucket | undefined, { perSecond, burst }: BucketRate, now: number): Draw {
  const elapsedMs = bucket === undefined ? 0 : Math.max(0, now - bucket.at)
  const left = bucket === undefined ? burst : bucket.tokens
  const tokens = Math.min(burst, left + (elapsedMs * perSecond) / 1000)
  if (tokens >= 1 - hair) return { bucket: { tokens: Math.max(0, tokens - 1), at: now }, waitMs: 0 }
  return { bucket: { tokens, at: now }, waitMs: ((1 - tokens) * 1000) / perSecond }
}

/**
 * Takes tokens for requests that passed elsewhere; what is not there is owed, so that the long run stays true.
 *
 * @param now - epoch milliseconds
 */
export function payTokens(
  bucket: Bucket | undefined,
  { perSecond, burst }: BucketRate,
  { count, now }: { readonly count: number; readonly now: number },
): Bucket {
  const elapsedMs = bucket === undefined ? 0 : Math.max(0, now - bucket.at)
  const left = bucket === undefined ? burst : bucket.tokens
  return { tokens: Math.min(burst, left + (elapsedMs * perSecond) / 1000) - count, at: now }
}
