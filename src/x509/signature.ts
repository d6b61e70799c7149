import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { DerError, readInside, readSmallInteger, tags, type DerReader } from './der-reader.js'
import { readObjectIdentifier } from './object-identifier.js'
import type { KeyAlgorithm } from './public-key.js'

/** How a certificate or CRL is signed, as its AlgorithmIdentifier says. */
export interface SignatureAlgorithm {
  readonly oid: string
  /** Such as `sha256WithRSAEncryption`; the OID where it is none we know. */
  readonly name: string
  readonly kind: 'rsa' | 'rsa-pss' | 'ec' | 'ed25519' | 'ed448' | 'other'
  /** Node's name of the hash; undefined for EdDSA and the unknown. */
  readonly hash: string | undefined
  /** RSASSA-PSS only. */
  readonly saltLength: number | undefined
}

/** What is signed, how, and the signature: the same three in a certificate and in a CRL. */
export interface SignedBytes {
  readonly tbs: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Uint8Array
}

type Known = Pick<SignatureAlgorithm, 'name' | 'kind' | 'hash'>

const known: Readonly<Record<string, Known>> = {
  '1.2.840.113549.1.1.4': { name: 'md5WithRSAEncryption', kind: 'rsa', hash: 'md5' },
  '1.2.840.113549.1.1.5': { name: 'sha1WithRSAEncryption', kind: 'rsa', hash: 'sha1' },
  '1.2.840.113549.1.1.14': { name: 'sha224WithRSAEncryption', kind: 'rsa', hash: 'sha224' },
  '1.2.840.113549.1.1.11': { name: 'sha256WithRSAEncryption', kind: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { name: 'sha384WithRSAEncryption', kind: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { name: 'sha512WithRSAEncryption', kind: 'rsa', hash: 'sha512' },
  '1.2.840.10045.4.1': { name: 'ecdsa-with-SHA1', kind: 'ec', hash: 'sha1' },
  '1.2.840.10045.4.3.1': { name: 'ecdsa-with-SHA224', kind: 'ec', hash: 'sha224' },
  '1.2.840.10045.4.3.2': { name: 'ecdsa-with-SHA256', kind: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { name: 'ecdsa-with-SHA384', kind: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { name: 'ecdsa-with-SHA512', kind: 'ec', hash: 'sha512' },
  '1.3.101.112': { name: 'Ed25519', kind: 'ed25519', hash: undefined },
  '1.3.101.113': { name: 'Ed448', kind: 'ed448', hash: undefined },
}

const hashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

const strongHashes: ReadonlySet<string | undefined> = new Set(['sha256', 'sha384', 'sha512'])
const strongCurves: ReadonlySet<string> = new Set(['P-256', 'P-384', 'P-521'])

/** The AlgorithmIdentifier that comes next. */
export function readSignatureAlgorithm(reader: DerReader): SignatureAlgorithm {
  const algorithm = reader.enter(tags.sequence, 'the signature algorithm')
  const oid = readObjectIdentifier(algorithm, 'the signature algorithm')
  if (oid === '1.2.840.113549.1.1.10') return readPss(oid, algorithm)
  const parameters = algorithm.isAtEnd ? undefined : algorithm.next('the parameters of the signature')
  algorithm.finish('the signature algorithm')
  const found = known[oid]
  if (found === undefined) return { oid, name: oid, kind: 'other', hash: undefined, saltLength: undefined }
  if (parameters !== undefined && (parameters.tag !== tags.null || parameters.contents !== parameters.end)) {
    throw new DerError(`expected no parameters beside ${found.name}`)
  }
  return { oid, ...found, saltLength: undefined }
}

/** Why this signature proves nothing whoever made it; undefined where it is strong enough. */
export function weaknessOfSignature({ name, kind, hash }: SignatureAlgorithm): string | undefined {
  if (kind === 'other') return `the signature algorithm \`${name}\` is not one this gateway knows`
  if (kind === 'ed25519' || kind === 'ed448') return undefined
  return strongHashes.has(hash) ? undefined : `the signature algorithm \`${name}\` is too weak`
}

/** Why this key proves nothing whoever holds it; undefined where it is strong enough. */
export function weaknessOfKey(key: KeyAlgorithm): string | undefined {
  switch (key.kind) {
    case 'rsa':
    case 'rsa-pss':
      if (key.bits < 2048) return `the RSA key has ${key.bits} bits, expected 2048 or more`
      // what is longer only costs the verifier time
      return key.bits > 8192 ? `the RSA key has ${key.bits} bits, expected 8192 or fewer` : undefined
    case 'ec':
      return strongCurves.has(key.curve)
        ? undefined
        : `the curve \`${key.curve}\` is not one of P-256, P-384 and P-521`
    case 'ed25519':
    case 'ed448':
      return undefined
    case 'other':
      return `the key algorithm \`${key.oid}\` is not one this gateway knows`
  }
}

/** Whether the key of this SubjectPublicKeyInfo made the signature. Total: what cannot be verified is not. */
export function isSignedBy({ tbs, signatureAlgorithm, signature }: SignedBytes, spki: Uint8Array): boolean {
  const { kind, hash, saltLength } = signatureAlgorithm
  if (kind === 'other') return false
  try {
    const key = openKey(spki)
    if (!fits(key, kind)) return false
    if (kind !== 'rsa-pss') return verify(hash, tbs, key, signature)
    if (saltLength === undefined) return false
    return verify(hash, tbs, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature)
  } catch {
    return false
  }
}

// reading a key costs more than verifying with it, and authorities are few: kept as long as their certificate is
const openKeys = new WeakMap<Uint8Array, KeyObject>()

function openKey(spki: Uint8Array): KeyObject {
  const known = openKeys.get(spki)
  if (known !== undefined) return known
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  openKeys.set(spki, key)
  return key
}

// without it an RSA key would be asked about an ECDSA signature, and OpenSSL's answer is an exception
function fits(key: KeyObject, kind: SignatureAlgorithm['kind']): boolean {
  const type = key.asymmetricKeyType
  return kind === 'rsa-pss' ? type === 'rsa' || type === 'rsa-pss' : type === kind
}

// RSASSA-PSS-params; what differs from the hash used for its own mask is a trick, not a need
function readPss(oid: string, algorithm: DerReader): SignatureAlgorithm {
  const parameters = algorithm.enter(tags.sequence, 'the parameters of RSASSA-PSS')
  algorithm.finish('the signature algorithm')
  let hash = 'sha1'
  let maskHash = 'sha1'
  let saltLength = 20
  if (parameters.nextTag === 0xa0) hash = readInside(parameters, 0xa0, readHash)
  if (parameters.nextTag === 0xa1) maskHash = readInside(parameters, 0xa1, readMaskHash)
  if (parameters.nextTag === 0xa2) saltLength = readInside(parameters, 0xa2, readPssNumber)
  if (parameters.nextTag === 0xa3 && readInside(parameters, 0xa3, readPssNumber) !== 1) {
    throw new DerError('expected 1 as the trailer field of RSASSA-PSS')
  }
  parameters.finish('the parameters of RSASSA-PSS')
  if (hash !== maskHash) throw new DerError('expected one hash for RSASSA-PSS and its mask, found two')
  return { oid, name: `RSASSA-PSS with ${hash}`, kind: 'rsa-pss', hash, saltLength }
}

function readMaskHash(reader: DerReader): string {
  const mask = reader.enter(tags.sequence, 'the mask of RSASSA-PSS')
  if (readObjectIdentifier(mask, 'the mask of RSASSA-PSS') !== '1.2.840.113549.1.1.8') {
    throw new DerError('expected MGF1 as the mask of RSASSA-PSS')
  }
  const hash = readHash(mask)
  mask.finish('the mask of RSASSA-PSS')
  return hash
}

function readPssNumber(reader: DerReader): number {
  return readSmallInteger(reader, 'a parameter of RSASSA-PSS')
}

function readHash(reader: DerReader): string {
  const algorithm = reader.enter(tags.sequence, 'the hash of RSASSA-PSS')
  const oid = readObjectIdentifier(algorithm, 'the hash of RSASSA-PSS')
  if (!algorithm.isAtEnd) algorithm.take(tags.null, 'no parameters beside the hash')
  algorithm.finish('the hash of RSASSA-PSS')
  return hashes[oid] ?? oid
}
