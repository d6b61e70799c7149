import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

const generate = promisify(generateKeyPair)

export type KeyKind =
  | 'rsa-1024'
  | 'rsa-2048'
  | 'rsa-3072'
  | 'rsa-4096'
  | 'rsa-pss-2048'
  | 'ec-p256'
  | 'ec-p384'
  | 'ec-p521'
  | 'ec-secp256k1'
  | 'ed25519'

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** A new key pair. RSA takes its time, off the event loop. */
export async function generateKeys(kind: KeyKind): Promise<KeyPair> {
  switch (kind) {
    case 'rsa-1024':
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return generate('rsa', { modulusLength: Number(kind.slice('rsa-'.length)) })
    case 'rsa-pss-2048':
      return generate('rsa-pss', { modulusLength: 2048 })
    case 'ec-p256':
      return generate('ec', { namedCurve: 'prime256v1' })
    case 'ec-p384':
      return generate('ec', { namedCurve: 'secp384r1' })
    case 'ec-p521':
      return generate('ec', { namedCurve: 'secp521r1' })
    case 'ec-secp256k1':
      return generate('ec', { namedCurve: 'secp256k1' })
    case 'ed25519':
      return generate('ed25519')
  }
}

/** The whole SubjectPublicKeyInfo. */
export function spkiDer(key: KeyObject): Uint8Array {
  return key.export({ type: 'spki', format: 'der' })
}

/** PKCS#8, unencrypted. */
export function privateKeyPem(keys: KeyPair): string {
  return keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
