import { writeAtomically } from '../files/write.js'
import { readBounded } from '../files/read.js'
import type { Result } from '../core/result.js'
import { fetchBounded } from '../http/fetch-bounded.js'
import type { Certificate } from '../x509/certificate.js'
import { commonNameOf } from '../x509/common-name.js'
import { readCrls, verifyCrl, type VerifiedRevocationList } from '../x509/crl.js'

/** What tells one CRL of a file from the others, and how new it is. */
export type CrlInForce = Pick<
  VerifiedRevocationList,
  'issuer' | 'issuerSpkiSha256' | 'scope' | 'distributionPoints' | 'thisUpdate' | 'crlNumber'
>

/** What the publisher said of the copy it gave last; undefined: nothing. */
export interface CrlValidators {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

/** One fetch of a file of CRLs; plain values, so that it crosses a thread. */
export interface CrlFetchOrder {
  readonly url: string
  readonly file: string
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Epoch milliseconds. */
  readonly now: number
  readonly authorities: readonly Certificate[]
  /** The CRLs that stand in the file now; none of them may be lost or grow older. */
  readonly inForce: readonly CrlInForce[]
  /** Given only while the file still is what came with them. */
  readonly validators: CrlValidators | undefined
}

export type CrlFetchOutcome =
  | { readonly result: 'fetched' | 'unchanged'; readonly validators: CrlValidators }
  | { readonly result: 'failed'; readonly code: string; readonly message: string }

// a publisher's clock may run before ours
const earliness = 300_000

/**
 * Fetches a file of CRLs and puts it in place of the old one, if it is better.
 *
 * Never rejects. What cannot be read, is not signed by a configured authority, is stale, still to come or
 * older than what is in force, or lacks a CRL that is in force, leaves the file as it was.
 */
export async function fetchCrl(order: CrlFetchOrder): Promise<CrlFetchOutcome> {
  const { url, file, timeoutMs, maxBytes, validators } = order
  const answer = await fetchBounded({ url, timeoutMs, maxBytes, fields: conditionsOf(validators) })
  if (!answer.ok) return failed(answer.problem)
  const { status, bytes, etag, lastModified } = answer.value
  if (status === 304) return { result: 'unchanged', validators: { etag, lastModified, ...validators } }
  const judged = judgeCrls(bytes, order)
  if (!judged.ok) return failed(judged.problem)
  const old = await readBounded(file, maxBytes)
  if (old.ok && old.value.equals(bytes)) return { result: 'unchanged', validators: { etag, lastModified } }
  const written = await writeAtomically(file, bytes, 0o644)
  if (!written.ok) return failed(written.problem)
  return { result: 'fetched', validators: { etag, lastModified } }
}

/** Whether these bytes may stand in the place of the CRLs in force. */
function judgeCrls(
  bytes: Uint8Array,
  { authorities, inForce, now }: CrlFetchOrder,
): Result<undefined, { readonly code: string; readonly message: string }> {
  const read = readCrls(bytes)
  if (!read.ok) return read
  const lists = new Map<string, VerifiedRevocationList>()
  for (const crl of read.value) {
    const verified = verifyCrl(crl, authorities)
    if (!verified.ok) return verified
    const name = `the CRL of \`${commonNameOf(crl.issuer)}\``
    if (crl.nextUpdate <= now) {
      return refuse('crl-stale', `${name} was good until ${new Date(crl.nextUpdate).toISOString()}`)
    }
    if (crl.thisUpdate > now + earliness) {
      return refuse('crl-still-to-come', `${name} is of ${new Date(crl.thisUpdate).toISOString()}`)
    }
    lists.set(identityOf(verified.value), verified.value)
  }
  for (const before of inForce) {
    const name = `the CRL of \`${commonNameOf(before.issuer)}\``
    const after = lists.get(identityOf(before))
    if (after === undefined) return refuse('crl-lost', `${name} is in force and was not in the answer`)
    if (after.thisUpdate < before.thisUpdate || numberOf(after) < numberOf(before)) {
      const when = new Date(after.thisUpdate).toISOString()
      return refuse('crl-older', `${name} of ${when} is older than the one in force`)
    }
  }
  return { ok: true, value: undefined }
}

function identityOf({ issuerSpkiSha256, scope, distributionPoints }: CrlInForce): string {
  return [issuerSpkiSha256, scope, ...distributionPoints].join(' ')
}

function numberOf({ crlNumber }: CrlInForce): bigint {
  return crlNumber === undefined ? 0n : BigInt(`0x${crlNumber}`)
}

function conditionsOf(validators: CrlValidators | undefined): Record<string, string> {
  const { etag, lastModified } = validators ?? {}
  return {
    Accept: 'application/pkix-crl, */*;q=0.1',
    ...(etag !== undefined && { 'If-None-Match': etag }),
    ...(lastModified !== undefined && { 'If-Modified-Since': lastModified }),
  }
}

function refuse(code: string, message: string): Result<never, { code: string; message: string }> {
  return { ok: false, problem: { code, message } }
}

function failed({ code, message }: { code: string; message: string }): CrlFetchOutcome {
  return { result: 'failed', code, message }
}
