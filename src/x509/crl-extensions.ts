import { DerError, DerReader, readUnsigned, tags, toHex } from './der-reader.js'
import { readAuthorityKeyIdentifier, readDistributionPointName, readRawExtensions } from './extensions.js'

/** What the extensions of a CRL say. */
export interface CrlExtensions {
  /** Hexadecimal. */
  readonly crlNumber: string | undefined
  readonly authorityKeyIdentifier: string | undefined
  /** Whose certificates it speaks of. */
  readonly scope: 'all' | 'users' | 'authorities'
  /** URLs of the distribution point it is for; empty where it speaks for the whole authority. */
  readonly distributionPoints: readonly string[]
}

/** A CRL that does not say of every certificate of its issuer whether it is revoked. */
export class CrlKindError extends DerError {
  readonly code: 'crl-delta' | 'crl-indirect' | 'crl-partial' | 'crl-critical-extension'

  constructor(code: CrlKindError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** The extensions behind `[0]`, if there are any. */
export function readCrlExtensions(tbs: DerReader): CrlExtensions {
  let crlNumber: string | undefined
  let authorityKeyIdentifier: string | undefined
  let coverage: Coverage = { scope: 'all', distributionPoints: [] }
  if (tbs.nextTag === 0xa0) {
    const wrapped = tbs.enter(0xa0, 'the extensions of the CRL')
    for (const { oid, critical, value } of readRawExtensions(wrapped)) {
      const inside = new DerReader(tbs.bytes, value.contents, value.end)
      if (oid === '2.5.29.20') crlNumber = toHex(readUnsigned(inside, 'the CRL number'))
      else if (oid === '2.5.29.35') authorityKeyIdentifier = readAuthorityKeyIdentifier(inside)
      else if (oid === '2.5.29.28') coverage = readIssuingDistributionPoint(inside)
      else if (oid === '2.5.29.27') {
        throw new CrlKindError('crl-delta', 'expected a whole CRL, found a delta CRL')
      } else if (critical) {
        throw new CrlKindError(
          'crl-critical-extension',
          `the CRL has the critical extension \`${oid}\`, which is not judged here`,
        )
      } else continue
      inside.finish(`extension ${oid} of the CRL`)
    }
    wrapped.finish('the extensions of the CRL')
  }
  return { crlNumber, authorityKeyIdentifier, ...coverage }
}

/** The extensions of an entry: only that none of them changes whose certificate it is. */
export function readEntryExtensions(entry: DerReader): void {
  for (const { oid, critical } of readRawExtensions(entry)) {
    if (oid === '2.5.29.29') {
      throw new CrlKindError(
        'crl-indirect',
        'expected a CRL of one issuer, found an entry of another (indirect CRL)',
      )
    }
    // reason code, invalidity date and hold instruction do not make a certificate less revoked
    if (critical && oid !== '2.5.29.21' && oid !== '2.5.29.24' && oid !== '2.5.29.23') {
      throw new CrlKindError(
        'crl-critical-extension',
        `an entry of the CRL has the critical extension \`${oid}\`, which is not judged here`,
      )
    }
  }
}

type Coverage = Pick<CrlExtensions, 'scope' | 'distributionPoints'>

// @see RFC 5280 section 5.2.5
function readIssuingDistributionPoint(reader: DerReader): Coverage {
  const point = reader.enter(tags.sequence, 'issuingDistributionPoint')
  const hasName = point.nextTag === 0xa0
  const distributionPoints = hasName ? readDistributionPointName(point) : []
  const onlyUsers = readFlag(point, 0x81)
  const onlyAuthorities = readFlag(point, 0x82)
  const onlySomeReasons = point.takeIf(0x83, 'onlySomeReasons') !== undefined
  const isIndirect = readFlag(point, 0x84)
  const onlyAttributes = readFlag(point, 0x85)
  point.finish('issuingDistributionPoint')
  if (isIndirect)
    throw new CrlKindError('crl-indirect', 'expected a CRL of one issuer, found an indirect CRL')
  if (onlySomeReasons)
    throw new CrlKindError('crl-partial', 'expected a CRL for every reason, found one for some')
  if (onlyAttributes) {
    throw new CrlKindError(
      'crl-partial',
      'expected a CRL of certificates, found one of attribute certificates',
    )
  }
  if (hasName && distributionPoints.length === 0) {
    throw new CrlKindError('crl-partial', 'expected the distribution point of the CRL as a URL')
  }
  if (onlyUsers && onlyAuthorities)
    throw new DerError('expected a CRL of users or of authorities, found both')
  return { scope: onlyUsers ? 'users' : onlyAuthorities ? 'authorities' : 'all', distributionPoints }
}

function readFlag(reader: DerReader, tag: number): boolean {
  const span = reader.takeIf(tag, 'issuingDistributionPoint')
  if (span === undefined) return false
  const octets = reader.contentsOf(span)
  if (octets.length !== 1 || (octets[0] !== 0x00 && octets[0] !== 0xff)) {
    throw new DerError('expected a DER boolean in issuingDistributionPoint')
  }
  return octets[0] === 0xff
}
