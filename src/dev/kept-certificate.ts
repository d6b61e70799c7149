import { createPrivateKey, createPublicKey, randomBytes, X509Certificate } from 'node:crypto'
import { generateKeys, privateKeyPem, type KeyKind, type KeyPair } from '../x509/keys.js'
import { toPem } from '../x509/pem.js'
import { readIfThere, writeWhole } from './private-files.js'

const day = 24 * 60 * 60 * 1000
/** What ends sooner than this is renewed at once. */
export const renewalMargin = 7 * day

/** A certificate and its key, in two files. */
export interface KeptCertificate {
  readonly der: Uint8Array
  readonly keys: KeyPair
  /** Hexadecimal digits in lower case. */
  readonly serialNumber: string
  readonly outcome: 'kept' | 'made' | 'renewed'
}

/** What to keep in `PATH.pem` and `PATH.key`. */
export interface CertificateWish {
  /** Path of both files, without `.pem` and `.key`. */
  readonly path: string
  readonly keys: KeyPair
  /** DER of the authority above; undefined: self-signed. */
  readonly issuer: Uint8Array | undefined
  /** Certificates written behind it, for whoever presents it. */
  readonly chain: readonly Uint8Array[]
  /** An expired certificate is wanted, and stays. */
  readonly isExpiredOnPurpose: boolean
  /** Made by an earlier plan: nothing is kept but the key. */
  readonly isOutdated: boolean
  readonly issue: (serialNumber: string) => Uint8Array
}

/** The key pair in `PATH.key`, or a new one, written there. */
export async function keepKeys(path: string, kind: KeyKind): Promise<KeyPair> {
  const pem = readIfThere(`${path}.key`)
  const known = pem === undefined ? undefined : readKeys(pem)
  if (known !== undefined) return known
  const keys = await generateKeys(kind)
  writeWhole(`${path}.key`, privateKeyPem(keys), 'private')
  return keys
}

/**
 * The certificate in `PATH.pem` while it is good: of this key, of this issuer, not about to end.
 * Otherwise a new one of the same key, so that a whitelist that names the key goes on holding.
 */
export function keepCertificate(wish: CertificateWish, now: number): KeptCertificate {
  const pem = readIfThere(`${wish.path}.pem`)
  const known = pem === undefined ? undefined : readCertificate(pem)
  const chain = wish.chain.map((each) => toPem('CERTIFICATE', each)).join('')
  if (known !== undefined && pem?.endsWith(chain) === true && isGood(known, wish, now)) {
    return kept(known.raw, wish.keys, 'kept')
  }
  const der = wish.issue(newSerialNumber())
  writeWhole(`${wish.path}.pem`, toPem('CERTIFICATE', der) + chain, 'public')
  return kept(der, wish.keys, known === undefined ? 'made' : 'renewed')
}

/** 16 bytes, as IGC-Santé's; positive, without a leading zero. */
function newSerialNumber(): string {
  return `1${randomBytes(16).toString('hex').slice(1)}`
}

function kept(der: Uint8Array, keys: KeyPair, outcome: KeptCertificate['outcome']): KeptCertificate {
  return { der, keys, outcome, serialNumber: new X509Certificate(der).serialNumber.toLowerCase() }
}

function isGood(certificate: X509Certificate, wish: CertificateWish, now: number): boolean {
  if (wish.isOutdated) return false
  const issuer = wish.issuer === undefined ? certificate : new X509Certificate(wish.issuer)
  if (!certificate.checkPrivateKey(wish.keys.privateKey)) return false
  if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) return false
  const end = Date.parse(certificate.validTo)
  return wish.isExpiredOnPurpose ? end < now : end > now + renewalMargin
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function readKeys(pem: string): KeyPair | undefined {
  try {
    const privateKey = createPrivateKey(pem)
    return { privateKey, publicKey: createPublicKey(privateKey) }
  } catch {
    return undefined
  }
}
