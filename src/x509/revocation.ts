import type { Certificate } from './certificate.js'
import type { Moment } from './chain.js'
import { commonNameOf } from './common-name.js'
import { covers, isRevoked, type VerifiedRevocationList } from './crl.js'

/** Verified CRLs by the pin of the key that signed them. */
export type RevocationIndex = ReadonlyMap<string, readonly VerifiedRevocationList[]>

/** What the CRLs say of a chain. `unknown` is no judgement: the configured policy makes it one. */
export type Revocation =
  | { readonly status: 'good' }
  | { readonly status: 'revoked' | 'unknown'; readonly certificate: Certificate; readonly detail: string }

/** Lists of one key may be several: an authority's old and new one, or one for each distribution point. */
export function indexCrls(crls: readonly VerifiedRevocationList[]): RevocationIndex {
  const index = new Map<string, VerifiedRevocationList[]>()
  for (const crl of crls) {
    const lists = index.get(crl.issuerSpkiSha256)
    if (lists === undefined) index.set(crl.issuerSpkiSha256, [crl])
    else lists.push(crl)
  }
  return index
}

/**
 * Whether a certificate of the chain is revoked, asked for every request.
 *
 * Each certificate but the last is judged by the lists of the one above it; give `chain.slice(0, 2)` to ask
 * about the leaf alone. Revoked is said before unknown, and a stale list still revokes: no authority takes a
 * revocation back by letting a list lapse.
 */
export function judgeRevocation(
  chain: readonly Certificate[],
  index: RevocationIndex,
  moment: Moment,
): Revocation {
  let unknown: Revocation | undefined
  for (let depth = 0; depth + 1 < chain.length; depth++) {
    const certificate = chain[depth]
    const issuer = chain[depth + 1]
    if (certificate === undefined || issuer === undefined) break
    const lists = (index.get(issuer.spkiSha256) ?? []).filter((crl) => covers(crl, certificate))
    if (lists.some((crl) => isRevoked(crl, certificate.serialNumber))) {
      const detail = `serial number ${certificate.serialNumber} is on the CRL of \`${commonNameOf(issuer.subject)}\``
      return { status: 'revoked', certificate, detail }
    }
    if (unknown !== undefined || lists.some((crl) => isFresh(crl, moment))) continue
    unknown = { status: 'unknown', certificate, detail: explainUnknown(lists, issuer, moment) }
  }
  return unknown ?? { status: 'good' }
}

/** Whether a list is in force: published, and its successor not yet due. */
function isFresh({ thisUpdate, nextUpdate }: VerifiedRevocationList, { at, clockSkewMs }: Moment): boolean {
  return at + clockSkewMs >= thisUpdate && at - clockSkewMs < nextUpdate + 1000
}

function explainUnknown(
  lists: readonly VerifiedRevocationList[],
  issuer: Certificate,
  { at, clockSkewMs }: Moment,
): string {
  const name = commonNameOf(issuer.subject)
  const [list] = lists
  if (list === undefined) return `no CRL of \`${name}\` covers the certificate`
  return at + clockSkewMs < list.thisUpdate
    ? `the CRL of \`${name}\` begins on ${new Date(list.thisUpdate).toISOString()}`
    : `the CRL of \`${name}\` was due to be replaced on ${new Date(list.nextUpdate).toISOString()}`
}
