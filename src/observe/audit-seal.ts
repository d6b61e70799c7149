import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import type { Result } from '../core/result.js'

/** The key that seals the audit trail. */
export interface SealKey {
  /** SHA-256 of its public half (SubjectPublicKeyInfo), hexadecimal: what seals name it by. */
  readonly digest: string
  /** The public half, PEM: for those who verify. */
  readonly publicPem: string
  /** The signature of a text, base64. @see RFC 8032 */
  sign(text: string): string
}

/** A new Ed25519 private key, PKCS #8 PEM. */
export function makeSealKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The private key of a PEM text, or what is wrong with it; never any of the text. */
export function readSealKey(pem: string): Result<SealKey, string> {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    return { ok: false, problem: 'expected an Ed25519 private key in PEM' }
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    return { ok: false, problem: `expected an Ed25519 private key, found one of kind \`${kindOf(key)}\`` }
  }
  const publicKey = createPublicKey(key)
  return {
    ok: true,
    value: {
      digest: digestOf(publicKey),
      publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      sign: (text) => sign(null, Buffer.from(text), key).toString('base64'),
    },
  }
}

/** A key that seals are checked with. */
export interface SealWitness {
  readonly digest: string
  isSignatureOf(bytes: Uint8Array, signature: string): boolean
}

/** The public key of a PEM text, or what is wrong with it. */
export function readSealWitness(pem: string): Result<SealWitness, string> {
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType !== 'ed25519') {
      return { ok: false, problem: `expected an Ed25519 public key, found one of kind \`${kindOf(key)}\`` }
    }
    return {
      ok: true,
      value: {
        digest: digestOf(key),
        isSignatureOf: (bytes, signature) => verify(null, bytes, key, Buffer.from(signature, 'base64')),
      },
    }
  } catch {
    return { ok: false, problem: 'expected an Ed25519 public key in PEM' }
  }
}

function kindOf(key: KeyObject): string {
  return key.asymmetricKeyType ?? 'unknown'
}

function digestOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}
