import { hash } from 'node:crypto'
import { nameKey, type DistinguishedName } from '../core/distinguished-name.js'
import type { Result } from '../core/result.js'
import type { SpkiSha256 } from '../core/spki.js'
import { DerError, DerReader, readOctetBits, readUnsigned, tags, toHex } from './der-reader.js'
import { noExtensions, readCertificateExtensions, type CertificateExtensions } from './extensions.js'
import { NameError, readName } from './name.js'
import { readPublicKeyInfo, type KeyAlgorithm } from './public-key.js'
import { readSignatureAlgorithm, type SignedBytes } from './signature.js'
import { readTime } from './time.js'

/**
 * What a certificate says; nothing of whether it is to be believed.
 *
 * Plain values only, so that it crosses a thread as it is.
 */
export interface Certificate extends Readonly<CertificateExtensions>, SignedBytes {
  /** A copy of its own: later changes to the bytes given do not reach it. */
  readonly der: Uint8Array
  /** SHA-256 of the DER, hexadecimal. */
  readonly sha256: string
  /** May be empty. */
  readonly subject: DistinguishedName
  readonly issuer: DistinguishedName
  /** `nameKey` of both names, made once: paths are laid by comparing them. */
  readonly subjectKey: string
  readonly issuerKey: string
  /** Lower-case hexadecimal, two digits an octet, without the sign's zero. */
  readonly serialNumber: string
  /** Epoch milliseconds of the second that is still valid, both. */
  readonly notBefore: number
  readonly notAfter: number
  readonly spki: Uint8Array
  readonly spkiSha256: SpkiSha256
  readonly keyAlgorithm: KeyAlgorithm
}

/** Why bytes are not a certificate that is read here. */
export interface CertificateProblem {
  readonly code: 'certificate-too-large' | 'certificate-malformed' | 'certificate-name-refused'
  readonly message: string
}

const largest = 64 * 1024

/**
 * Reads an X.509 certificate from DER.
 *
 * Total: any bytes give a value. BER, trailing bytes, repeated extensions, a signature algorithm stated in
 * two ways, and names that programs read in two ways are refused; nothing is verified.
 *
 * @see RFC 5280 section 4.1
 */
export function parseCertificate(der: Uint8Array): Result<Certificate, CertificateProblem> {
  if (der.length > largest) {
    const message = `expected a certificate of at most ${largest} bytes, found ${der.length}`
    return { ok: false, problem: { code: 'certificate-too-large', message } }
  }
  try {
    return { ok: true, value: readCertificate(new Uint8Array(der)) }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    const code = error instanceof NameError ? 'certificate-name-refused' : 'certificate-malformed'
    return { ok: false, problem: { code, message: error.message } }
  }
}

function readCertificate(der: Uint8Array): Certificate {
  const file = new DerReader(der)
  const outer = file.enter(tags.sequence, 'a certificate')
  file.finish('the certificate')
  const tbsSpan = outer.take(tags.sequence, 'tbsCertificate')
  const outerAlgorithm = outer.slice(outer.take(tags.sequence, 'signatureAlgorithm'))
  const signature = readOctetBits(outer, 'the signature')
  outer.finish('the certificate')

  const tbs = new DerReader(der, tbsSpan.contents, tbsSpan.end)
  const version = readVersion(tbs)
  const serial = readUnsigned(tbs, 'serialNumber')
  if (serial.length > 20) throw new DerError('expected a serialNumber of at most 20 octets')
  const algorithmStart = tbs.position
  const signatureAlgorithm = readSignatureAlgorithm(tbs)
  // two statements that differ let two programs verify two things. @see RFC 5280 section 4.1.1.2
  if (Buffer.compare(der.subarray(algorithmStart, tbs.position), outerAlgorithm) !== 0) {
    throw new DerError('expected one signature algorithm, found two that differ')
  }
  const issuer = readName(tbs, 'the issuer')
  if (issuer.length === 0) throw new NameError('the issuer is empty')
  const validity = tbs.enter(tags.sequence, 'validity')
  const notBefore = readTime(validity, 'notBefore')
  const notAfter = readTime(validity, 'notAfter')
  validity.finish('validity')
  const subject = readName(tbs, 'the subject')
  const publicKey = readPublicKeyInfo(tbs)
  const extensions = readTail(tbs, version)

  return {
    der,
    sha256: hash('sha256', der),
    subject,
    issuer,
    subjectKey: nameKey(subject),
    issuerKey: nameKey(issuer),
    serialNumber: toHex(serial),
    notBefore,
    notAfter,
    ...publicKey,
    ...extensions,
    tbs: der.subarray(tbsSpan.start, tbsSpan.end),
    signatureAlgorithm,
    signature,
  }
}

function readVersion(tbs: DerReader): number {
  if (tbs.nextTag !== 0xa0) return 1
  const wrapped = tbs.enter(0xa0, 'version')
  const octets = readUnsigned(wrapped, 'version')
  wrapped.finish('version')
  const version = (octets[0] ?? 0) + 1
  if (octets.length !== 1 || version > 3) throw new DerError('expected version 1, 2 or 3')
  return version
}

// unique identifiers (versions 2 and 3, implicit bit strings nobody uses), then the extensions (version 3)
function readTail(tbs: DerReader, version: number): CertificateExtensions {
  if (version >= 2) {
    tbs.takeIf(0x81, 'issuerUniqueID')
    tbs.takeIf(0x82, 'subjectUniqueID')
  }
  if (version < 3 || tbs.isAtEnd) {
    tbs.finish('tbsCertificate')
    return noExtensions()
  }
  const wrapped = tbs.enter(0xa3, 'the extensions')
  tbs.finish('tbsCertificate')
  const extensions = readCertificateExtensions(wrapped)
  wrapped.finish('the extensions')
  return extensions
}
