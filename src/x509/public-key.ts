import { hash } from 'node:crypto'
import type { SpkiSha256 } from '../core/spki.js'
import { DerError, DerReader, readOctetBits, readUnsigned, tags } from './der-reader.js'
import { readObjectIdentifier } from './object-identifier.js'

/** What kind of key it is; `other` names an algorithm that is not judged here (and so not trusted). */
export type KeyAlgorithm =
  | { readonly kind: 'rsa' | 'rsa-pss'; readonly bits: number }
  | { readonly kind: 'ec'; readonly curve: string }
  | { readonly kind: 'ed25519' | 'ed448' }
  | { readonly kind: 'other'; readonly oid: string }

/** A SubjectPublicKeyInfo: its bytes, its pin, its kind. */
export interface PublicKeyInfo {
  readonly spki: Uint8Array
  readonly spkiSha256: SpkiSha256
  readonly keyAlgorithm: KeyAlgorithm
}

const curves: Readonly<Record<string, string>> = {
  '1.2.840.10045.3.1.1': 'P-192',
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
  '1.3.132.0.35': 'P-521',
  '1.3.132.0.33': 'P-224',
  '1.3.132.0.10': 'secp256k1',
  '1.3.36.3.3.2.8.1.1.7': 'brainpoolP256r1',
  '1.3.36.3.3.2.8.1.1.11': 'brainpoolP384r1',
  '1.3.36.3.3.2.8.1.1.13': 'brainpoolP512r1',
}

/** The SubjectPublicKeyInfo that comes next. @see RFC 5280 section 4.1.2.7 */
export function readPublicKeyInfo(reader: DerReader): PublicKeyInfo {
  const span = reader.take(tags.sequence, 'subjectPublicKeyInfo')
  const spki = reader.slice(span)
  const inside = new DerReader(reader.bytes, span.contents, span.end)
  const algorithm = inside.enter(tags.sequence, 'the algorithm of the public key')
  const oid = readObjectIdentifier(algorithm, 'the algorithm of the public key')
  const keyAlgorithm = readKeyAlgorithm(oid, algorithm, inside)
  return { spki, spkiSha256: digestSpki(spki), keyAlgorithm }
}

/**
 * Digest of a SubjectPublicKeyInfo.
 *
 * The input is the whole DER structure, algorithm identifier included, so the pin is the one
 * `openssl pkey -pubin -outform DER | openssl dgst -sha256` prints.
 *
 * @see RFC 5280 section 4.1.2.7, RFC 7469 section 2.4
 */
function digestSpki(spki: Uint8Array): SpkiSha256 {
  return hash('sha256', spki) as SpkiSha256 // a SHA-256 digest in hexadecimal
}

function readKeyAlgorithm(oid: string, algorithm: DerReader, inside: DerReader): KeyAlgorithm {
  const parameters = algorithm.isAtEnd ? undefined : algorithm.next('the parameters of the public key')
  algorithm.finish('the algorithm of the public key')
  const key = readOctetBits(inside, 'the public key')
  inside.finish('subjectPublicKeyInfo')
  switch (oid) {
    case '1.2.840.113549.1.1.1':
      return { kind: 'rsa', bits: modulusBits(key) }
    case '1.2.840.113549.1.1.10':
      return { kind: 'rsa-pss', bits: modulusBits(key) }
    case '1.2.840.10045.2.1': {
      if (parameters?.tag !== tags.objectIdentifier)
        throw new DerError('expected the curve of the public key by its name')
      const reader = new DerReader(algorithm.bytes, parameters.start, parameters.end)
      const curve = readObjectIdentifier(reader, 'the curve of the public key')
      return { kind: 'ec', curve: curves[curve] ?? curve }
    }
    case '1.3.101.112':
      return { kind: 'ed25519' }
    case '1.3.101.113':
      return { kind: 'ed448' }
    default:
      return { kind: 'other', oid }
  }
}

// RSAPublicKey. @see RFC 8017 appendix A.1.1
function modulusBits(key: Uint8Array): number {
  const outer = new DerReader(key)
  const numbers = outer.enter(tags.sequence, 'an RSA public key')
  outer.finish('an RSA public key')
  const modulus = readUnsigned(numbers, 'the modulus of an RSA key')
  readUnsigned(numbers, 'the exponent of an RSA key')
  numbers.finish('an RSA public key')
  return modulus.length * 8 - (Math.clz32(modulus[0] ?? 0) - 24)
}
