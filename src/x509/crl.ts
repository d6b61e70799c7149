import { nameKey, type DistinguishedName } from '../core/distinguished-name.js'
import type { Result } from '../core/result.js'
import type { SpkiSha256 } from '../core/spki.js'
import type { Certificate } from './certificate.js'
import { commonNameOf } from './common-name.js'
import { CrlKindError, readCrlExtensions, readEntryExtensions, type CrlExtensions } from './crl-extensions.js'
import { DerError, DerReader, readOctetBits, readSmallInteger, tags } from './der-reader.js'
import { readName } from './name.js'
import { findPemBlocks, looksLikePem, type PemProblem } from './pem.js'
import { hasSerial, SerialCollector, type SerialSet } from './serial-set.js'
import {
  isSignedBy,
  readSignatureAlgorithm,
  weaknessOfKey,
  weaknessOfSignature,
  type SignedBytes,
} from './signature.js'
import { readTime } from './time.js'

/** What a CRL says, in plain values; whether its authority signed it is for `verifyCrl`. */
export interface RevocationList extends CrlExtensions {
  readonly issuer: DistinguishedName
  readonly issuerKey: string
  /** Epoch milliseconds. */
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly revoked: SerialSet
}

/** A CRL as read, with what its signature is checked by. */
export interface CertificateRevocationList extends RevocationList, SignedBytes {}

/** A CRL whose signature was made by this key of its issuer; the CRL's own bytes are let go. */
export interface VerifiedRevocationList extends RevocationList {
  readonly issuerSpkiSha256: SpkiSha256
}

export interface CrlProblem {
  readonly code:
    | 'crl-too-large'
    | 'crl-malformed'
    | CrlKindError['code']
    | 'crl-issuer-unknown'
    | 'crl-signature'
    | 'crl-absent'
    | PemProblem['code']
  readonly message: string
  /** 1-based, in a PEM file. */
  readonly line?: number
}

const largest = 64 * 1024 * 1024

/**
 * Reads an X.509 CRL from DER.
 *
 * Total. Delta CRLs, indirect CRLs and CRLs of some reasons only are refused by their name: taken for whole
 * ones they would call revoked certificates good. A CRL without nextUpdate is refused too, as it would never
 * be stale.
 *
 * @see RFC 5280 section 5.1
 */
export function parseCrl(der: Uint8Array): Result<CertificateRevocationList, CrlProblem> {
  if (der.length > largest) {
    return problem('crl-too-large', `expected a CRL of at most ${largest} bytes, found ${der.length}`)
  }
  try {
    return { ok: true, value: readCrl(new Uint8Array(der)) }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return problem(error instanceof CrlKindError ? error.code : 'crl-malformed', error.message)
  }
}

/** Every CRL of a file: DER, or PEM with as many blocks as there are. One that cannot be read spoils all. */
export function readCrls(bytes: Uint8Array): Result<readonly CertificateRevocationList[], CrlProblem> {
  if (bytes.length > largest) {
    return problem('crl-too-large', `expected CRLs of at most ${largest} bytes, found ${bytes.length}`)
  }
  if (!looksLikePem(bytes)) {
    const parsed = parseCrl(bytes)
    return parsed.ok ? { ok: true, value: [parsed.value] } : parsed
  }
  const blocks = findPemBlocks(bytes)
  if (!blocks.ok) return blocks
  const lists: CertificateRevocationList[] = []
  for (const { label, der, line } of blocks.value) {
    if (label !== 'X509 CRL') continue
    const parsed = parseCrl(der)
    if (!parsed.ok) return { ok: false, problem: { ...parsed.problem, line } }
    lists.push(parsed.value)
  }
  return lists.length === 0
    ? problem('crl-absent', 'expected a PEM block `X509 CRL`, found none')
    : { ok: true, value: lists }
}

/**
 * Whether one of the authorities signed the CRL, with a key that may (`cRLSign`).
 *
 * @see RFC 5280 section 6.3.3 (f) and (g)
 */
export function verifyCrl(
  crl: CertificateRevocationList,
  authorities: readonly Certificate[],
): Result<VerifiedRevocationList, CrlProblem> {
  const { tbs, signatureAlgorithm, signature, ...list } = crl
  const name = commonNameOf(crl.issuer)
  const named = authorities.filter(({ subjectKey }) => subjectKey === crl.issuerKey)
  if (named.length === 0) {
    return problem('crl-issuer-unknown', `no configured authority is the issuer \`${name}\` of the CRL`)
  }
  const weakness = weaknessOfSignature(signatureAlgorithm)
  if (weakness !== undefined) return problem('crl-signature', `the CRL of \`${name}\`: ${weakness}`)
  const able = named.filter(
    ({ basicConstraints, keyUsage, keyAlgorithm }) =>
      basicConstraints?.ca === true &&
      (keyUsage === undefined || keyUsage.has('cRLSign')) &&
      weaknessOfKey(keyAlgorithm) === undefined,
  )
  if (able.length === 0) return problem('crl-signature', `the authority \`${name}\` may not sign CRLs`)
  const signer = able.find(({ spki }) => isSignedBy({ tbs, signatureAlgorithm, signature }, spki))
  if (signer === undefined) return problem('crl-signature', `the authority \`${name}\` did not sign its CRL`)
  return { ok: true, value: { ...list, issuerSpkiSha256: signer.spkiSha256 } }
}

/** Whether this CRL speaks of that certificate: its issuer's, of its kind, of its distribution point. */
export function covers(crl: RevocationList, certificate: Certificate): boolean {
  if (crl.issuerKey !== certificate.issuerKey) return false
  const isAuthority = certificate.basicConstraints?.ca === true
  if (crl.scope === 'users' && isAuthority) return false
  if (crl.scope === 'authorities' && !isAuthority) return false
  if (crl.distributionPoints.length === 0) return true
  // a CRL of one distribution point speaks for the certificates that name it
  return crl.distributionPoints.some((url) => certificate.crlDistributionPoints.includes(url))
}

/** Whether a serial number (hexadecimal, as `Certificate.serialNumber`) is on the list. */
export function isRevoked(crl: RevocationList, serialNumber: string): boolean {
  return hasSerial(crl.revoked, serialNumber)
}

function problem(code: CrlProblem['code'], message: string): Result<never, CrlProblem> {
  return { ok: false, problem: { code, message } }
}

function readCrl(der: Uint8Array): CertificateRevocationList {
  const file = new DerReader(der)
  const outer = file.enter(tags.sequence, 'a CRL')
  file.finish('the CRL')
  const tbsSpan = outer.take(tags.sequence, 'tbsCertList')
  const outerAlgorithm = outer.slice(outer.take(tags.sequence, 'signatureAlgorithm'))
  const signature = readOctetBits(outer, 'the signature')
  outer.finish('the CRL')

  const tbs = new DerReader(der, tbsSpan.contents, tbsSpan.end)
  const version = tbs.nextTag === tags.integer ? readSmallInteger(tbs, 'version') + 1 : 1
  if (version > 2) throw new DerError('expected version 1 or 2 of a CRL')
  const algorithmStart = tbs.position
  const signatureAlgorithm = readSignatureAlgorithm(tbs)
  if (Buffer.compare(der.subarray(algorithmStart, tbs.position), outerAlgorithm) !== 0) {
    throw new DerError('expected one signature algorithm, found two that differ')
  }
  const issuer = readName(tbs, 'the issuer')
  const thisUpdate = readTime(tbs, 'thisUpdate')
  if (tbs.nextTag !== tags.utcTime && tbs.nextTag !== tags.generalizedTime) {
    throw new DerError('expected nextUpdate, found none: such a CRL would never be stale')
  }
  const nextUpdate = readTime(tbs, 'nextUpdate')
  const revoked = readRevoked(tbs)
  const extensions = readCrlExtensions(tbs)
  tbs.finish('tbsCertList')
  return {
    issuer,
    issuerKey: nameKey(issuer),
    thisUpdate,
    nextUpdate,
    revoked,
    ...extensions,
    tbs: der.subarray(tbsSpan.start, tbsSpan.end),
    signatureAlgorithm,
    signature,
  }
}

function readRevoked(tbs: DerReader): SerialSet {
  const serials = new SerialCollector(tbs.bytes)
  if (tbs.nextTag !== tags.sequence) return serials.finish()
  const entries = tbs.enter(tags.sequence, 'revokedCertificates')
  while (!entries.isAtEnd) {
    const entry = entries.enter(tags.sequence, 'a revoked certificate')
    serials.take(entry)
    const date = entry.next('revocationDate')
    if (date.tag !== tags.utcTime && date.tag !== tags.generalizedTime)
      throw new DerError('expected revocationDate')
    if (!entry.isAtEnd) readEntryExtensions(entry)
    entry.finish('a revoked certificate')
  }
  return serials.finish()
}
