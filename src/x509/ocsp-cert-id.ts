import { createHash } from 'node:crypto'
import type { Certificate } from './certificate.js'
import { DerError, DerReader, readOctetBits, readUnsigned, tags, toHex } from './der-reader.js'
import {
  integerOfHex,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  type DerElement,
} from './der-writer.js'
import { readObjectIdentifier } from './object-identifier.js'

/** The hashes that a certificate is named by; SHA-1 is the one that every responder knows. */
export type CertIdHash = 'sha1' | 'sha256'

/** Which certificate an OCSP answer speaks of; hexadecimal. */
export interface CertId {
  readonly hash: CertIdHash
  readonly issuerNameHash: string
  readonly issuerKeyHash: string
  readonly serialNumber: string
}

const objectIdentifiers: Readonly<Record<CertIdHash, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
}

/**
 * How a certificate is named to a responder.
 *
 * The name hashed is the issuer as the certificate itself encodes it; the key hashed is the BIT STRING's
 * contents, without the algorithm. No security rests on the hash: the answer is signed.
 *
 * @see RFC 6960 section 4.1.1
 */
export function certIdOf(certificate: Certificate, issuer: Certificate, hash: CertIdHash): CertId {
  return {
    hash,
    issuerNameHash: digest(hash, issuerNameOf(certificate)),
    issuerKeyHash: keyHashOf(issuer, hash),
    serialNumber: certificate.serialNumber,
  }
}

/** Hash of the key alone, as responders name themselves by SHA-1. */
export function keyHashOf({ spki }: Certificate, hash: CertIdHash): string {
  const info = new DerReader(spki).enter(tags.sequence, 'subjectPublicKeyInfo')
  info.take(tags.sequence, 'the algorithm of the public key')
  return digest(hash, readOctetBits(info, 'the public key'))
}

export function certIdElement({ hash, issuerNameHash, issuerKeyHash, serialNumber }: CertId): DerElement {
  return sequence(
    sequence(objectIdentifier(objectIdentifiers[hash]), nullValue()),
    octetString(Buffer.from(issuerNameHash, 'hex')),
    octetString(Buffer.from(issuerKeyHash, 'hex')),
    integerOfHex(serialNumber),
  )
}

/** The CertID that comes next; undefined where its hash is none that is asked with here. */
export function readCertId(reader: DerReader): CertId | undefined {
  const id = reader.enter(tags.sequence, 'a CertID')
  const algorithm = id.enter(tags.sequence, 'the hash of a CertID')
  const oid = readObjectIdentifier(algorithm, 'the hash of a CertID')
  if (!algorithm.isAtEnd && algorithm.next('the parameters of a hash').tag !== tags.null)
    throw new DerError('expected no parameters beside the hash of a CertID')
  algorithm.finish('the hash of a CertID')
  const issuerNameHash = toHex(id.contentsOf(id.take(tags.octetString, 'issuerNameHash')))
  const issuerKeyHash = toHex(id.contentsOf(id.take(tags.octetString, 'issuerKeyHash')))
  const serialNumber = toHex(readUnsigned(id, 'serialNumber'))
  id.finish('a CertID')
  const hash =
    oid === objectIdentifiers.sha1 ? 'sha1' : oid === objectIdentifiers.sha256 ? 'sha256' : undefined
  return hash === undefined ? undefined : { hash, issuerNameHash, issuerKeyHash, serialNumber }
}

export function isSameCertId(one: CertId, other: CertId): boolean {
  return (
    one.hash === other.hash &&
    one.issuerNameHash === other.issuerNameHash &&
    one.issuerKeyHash === other.issuerKeyHash &&
    one.serialNumber === other.serialNumber
  )
}

// the issuer of TBSCertificate, byte for byte
function issuerNameOf({ tbs }: Certificate): Uint8Array {
  const inside = new DerReader(tbs).enter(tags.sequence, 'tbsCertificate')
  inside.takeIf(0xa0, 'version')
  inside.take(tags.integer, 'serialNumber')
  inside.take(tags.sequence, 'the signature algorithm')
  return inside.slice(inside.take(tags.sequence, 'the issuer'))
}

function digest(hash: CertIdHash, bytes: Uint8Array): string {
  return createHash(hash).update(bytes).digest('hex')
}
