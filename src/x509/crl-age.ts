import type { VerifiedRevocationList } from './crl.js'

/** What tells the CRLs of a key apart: one of each is current at a time. */
export function crlIdentity({
  issuerSpkiSha256,
  scope,
  distributionPoints,
}: Pick<VerifiedRevocationList, 'issuerSpkiSha256' | 'scope' | 'distributionPoints'>): string {
  return [issuerSpkiSha256, scope, ...distributionPoints.toSorted()].join(' ')
}

type Age = Pick<VerifiedRevocationList, 'thisUpdate' | 'crlNumber'>

/**
 * Whether a CRL goes back behind another of its identity: by its number, or by its date.
 *
 * The date counts beside the number: where an issuer numbered anew, its old lists have the higher numbers. It
 * counts alone where one of the two has no number.
 *
 * @see RFC 5280 section 5.2.3
 */
export function goesBack(crl: Age, behind: Age): boolean {
  if (crl.thisUpdate < behind.thisUpdate) return true
  if (crl.crlNumber === undefined || behind.crlNumber === undefined) return false
  return numberOf(crl.crlNumber) < numberOf(behind.crlNumber)
}

/** A CRL's number and date, as messages say them. */
export function formatAge({ crlNumber, thisUpdate }: Age): string {
  const date = new Date(thisUpdate).toISOString()
  return crlNumber === undefined ? `no number, of ${date}` : `number ${numberOf(crlNumber)}, of ${date}`
}

function numberOf(hexadecimal: string): bigint {
  return BigInt(`0x${hexadecimal}`)
}
