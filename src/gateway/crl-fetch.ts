import { writeAtomically } from '../files/write.js'
import { readBounded } from '../files/read.js'
import type { Result } from '../core/result.js'
import { fetchBounded } from '../http/fetch-bounded.js'
import type { Certificate } from '../x509/certificate.js'
import { commonNameOf } from '../x509/common-name.js'
import { crlIdentity, formatAge, goesBack } from '../x509/crl-age.js'
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
  /** The CRLs in force from the file; none of them may be lost or grow older. */
  readonly inForce: readonly CrlInForce[]
  /** Sent only while the file holds what is in force. */
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
 * older than what is in force or stands in the file, or lacks a CRL that is in force, leaves the file as it was.
 */
export async function fetchCrl(order: CrlFetchOrder): Promise<CrlFetchOutcome> {
  const { url, file, timeoutMs, maxBytes } = order
  // where an older file was put in place of the one in force, 304 would leave it there
  const validators = holdsInForce(await standingIn(order), order.inForce) ? order.validators : undefined
  const answer = await fetchBounded({ url, timeoutMs, maxBytes, fields: conditionsOf(validators) })
  if (!answer.ok) return failed(answer.problem)
  const { status, bytes, etag, lastModified } = answer.value
  if (status === 304) return { result: 'unchanged', validators: { etag, lastModified, ...validators } }
  const judged = judgeCrls(bytes, order, await standingIn(order))
  if (!judged.ok) return failed(judged.problem)
  const old = await readBounded(file, maxBytes)
  if (old.ok && old.value.equals(bytes)) return { result: 'unchanged', validators: { etag, lastModified } }
  const written = await writeAtomically(file, bytes, 0o644)
  if (!written.ok) return failed(written.problem)
  return { result: 'fetched', validators: { etag, lastModified } }
}

/** What the file holds now, in force or not yet; of what cannot be read or was not signed nothing counts. */
async function standingIn({
  file,
  maxBytes,
  authorities,
}: CrlFetchOrder): Promise<readonly VerifiedRevocationList[]> {
  const bytes = await readBounded(file, maxBytes)
  const read = bytes.ok ? readCrls(bytes.value) : undefined
  if (read?.ok !== true) return []
  return read.value.flatMap((crl) => {
    const verified = verifyCrl(crl, authorities)
    return verified.ok ? [verified.value] : []
  })
}

function holdsInForce(standing: readonly CrlInForce[], inForce: readonly CrlInForce[]): boolean {
  return inForce.every((crl) =>
    standing.some((each) => crlIdentity(each) === crlIdentity(crl) && !goesBack(each, crl)),
  )
}

/** Whether these bytes may stand in the place of the CRLs in force, and of those in the file. */
function judgeCrls(
  bytes: Uint8Array,
  { authorities, inForce, now }: CrlFetchOrder,
  standing: readonly CrlInForce[],
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
    lists.set(crlIdentity(verified.value), verified.value)
  }
  for (const { issuer, ...before } of inForce) {
    if (lists.has(crlIdentity(before))) continue
    return refuse('crl-lost', `the CRL of \`${commonNameOf(issuer)}\` is in force and was not in the answer`)
  }
  // what stands in the file may be newer than what is in force: just put there, and not yet read
  for (const before of [...inForce, ...standing]) {
    const after = lists.get(crlIdentity(before))
    if (after === undefined || !goesBack(after, before)) continue
    const name = `the CRL of \`${commonNameOf(before.issuer)}\``
    const known = `the one in force or in the file (${formatAge(before)})`
    const message = `${name} (${formatAge(after)}) is older than ${known}; where the issuer numbers anew, put its CRL into the file and confirm the reload`
    return refuse('crl-older', message)
  }
  return { ok: true, value: undefined }
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
