import { constants, sign, type KeyObject } from 'node:crypto'
import { explicit, integer, nullValue, objectIdentifier, sequence, type DerElement } from './der-writer.js'

export type SignatureHash = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** A signature over `tbs`, in the form X.509 holds it (DER for ECDSA). */
export function signBytes(tbs: Uint8Array, key: KeyObject, algorithm: SigningAlgorithm): Uint8Array {
  if (algorithm.kind === 'ed25519') return sign(undefined, tbs, key)
  if (algorithm.kind !== 'rsa-pss') return sign(algorithm.hash, tbs, key)
  return sign(algorithm.hash, tbs, {
    key,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: algorithm.saltLength,
  })
}

/** What a signature is made with. */
export type SigningAlgorithm =
  | { readonly kind: 'ed25519' }
  | { readonly kind: 'rsa' | 'ec'; readonly hash: SignatureHash }
  | { readonly kind: 'rsa-pss'; readonly hash: SignatureHash; readonly saltLength: number }

/** The algorithm that fits a key, with the hash asked for. */
export function signingAlgorithm(
  key: KeyObject,
  options: { readonly hash?: SignatureHash; readonly pss?: boolean } = {},
): SigningAlgorithm {
  const hash = options.hash ?? 'sha256'
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return { kind: 'ed25519' }
    case 'ec':
      return { kind: 'ec', hash }
    case 'rsa-pss':
      return { kind: 'rsa-pss', hash, saltLength: digestLengths[hash] }
    case 'rsa':
      return options.pss === true
        ? { kind: 'rsa-pss', hash, saltLength: digestLengths[hash] }
        : { kind: 'rsa', hash }
    case 'dsa':
    case 'ed448':
    case 'x25519':
    case 'x448':
    case undefined:
      break
  }
  throw new TypeError(`expected an RSA, EC or Ed25519 key, found ${key.asymmetricKeyType ?? 'a secret'}`)
}

const digestLengths: Readonly<Record<SignatureHash, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
}

/** The AlgorithmIdentifier that stands beside the signature, parameters included. */
export function algorithmIdentifier(algorithm: SigningAlgorithm): DerElement {
  switch (algorithm.kind) {
    case 'ed25519':
      return sequence(objectIdentifier('1.3.101.112'))
    case 'rsa':
      return sequence(objectIdentifier(rsaSignatures[algorithm.hash]), nullValue())
    case 'ec':
      return sequence(objectIdentifier(ecdsaSignatures[algorithm.hash]))
    case 'rsa-pss': {
      const hash = sequence(objectIdentifier(hashes[algorithm.hash]), nullValue())
      const mask = sequence(objectIdentifier('1.2.840.113549.1.1.8'), hash)
      const parameters = [explicit(0, hash), explicit(1, mask), explicit(2, integer(algorithm.saltLength))]
      return sequence(objectIdentifier('1.2.840.113549.1.1.10'), sequence(...parameters))
    }
  }
}

const rsaSignatures: Readonly<Record<SignatureHash, string>> = {
  md5: '1.2.840.113549.1.1.4',
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
}

const ecdsaSignatures: Readonly<Record<SignatureHash, string>> = {
  md5: '1.2.840.10045.4.1',
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
}

const hashes: Readonly<Record<SignatureHash, string>> = {
  md5: '1.2.840.113549.2.5',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
}
