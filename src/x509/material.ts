import { createPublicKey } from 'node:crypto'
import type { Result } from '../core/result.js'
import type { SpkiSha256 } from '../core/spki.js'
import { parseCertificate, type Certificate, type CertificateProblem } from './certificate.js'
import { DerError, DerReader, readUnsigned, tags } from './der-reader.js'
import { readObjectIdentifier } from './object-identifier.js'
import { bareBase64, findPemBlocks, isSshKey, looksLikePem, type PemProblem } from './pem.js'
import { readPublicKeyInfo } from './public-key.js'

/** Why a file of certificates or keys cannot be used; `message` may be shown to whoever gave the file. */
export interface MaterialProblem {
  readonly code:
    | 'material-too-large'
    | 'material-unknown'
    | 'base64-alone'
    | 'ssh-key'
    | 'certificate-absent'
    | 'certificate-request'
    | 'public-key-only'
    | 'public-key-malformed'
    | 'pkcs7-malformed'
    | 'authority-only'
    | CertificateProblem['code']
    | PemProblem['code']
  readonly message: string
  /** 1-based line of the PEM block it is about. */
  readonly line?: number
}

/** What a file holds, before it is asked for certificates or pins. */
type Item =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'public-key'; readonly pin: SpkiSha256; readonly line?: number }

type Read<Value> = Result<Value, MaterialProblem>

const largest = 8 * 1024 * 1024

/**
 * Every certificate of a file: PEM (several blocks, any text around), DER, or PKCS#7 in either form.
 *
 * Total. A private key or a PKCS#12 store is refused for what it is (`private-key-present`), so that the
 * operator asks the partner to replace it.
 */
export function readCertificates(bytes: Uint8Array): Read<readonly Certificate[]> {
  const items = readItems(bytes)
  if (!items.ok) return items
  const certificates: Certificate[] = []
  for (const item of items.value) {
    if (item.kind === 'public-key') {
      const message = 'expected a certificate, found a public key alone'
      return { ok: false, problem: { code: 'public-key-only', message, ...at(item.line) } }
    }
    certificates.push(item.certificate)
  }
  return { ok: true, value: certificates }
}

/** The pins of a file that holds public keys and nothing else; undefined where it does not. */
export function readPublicKeys(bytes: Uint8Array): readonly SpkiSha256[] | undefined {
  const items = readItems(bytes)
  if (!items.ok) return undefined
  const pins = items.value.flatMap((item) => (item.kind === 'public-key' ? [item.pin] : []))
  return pins.length === items.value.length ? [...new Set(pins)] : undefined
}

/**
 * The pin of every key of a file: public keys (PEM or DER), certificates, PKCS#7; each pin once.
 *
 * Authorities that came along (a `.p7b` holds the whole chain) are left out: their keys are no partner's.
 */
export function readPins(bytes: Uint8Array): Read<readonly SpkiSha256[]> {
  const items = readItems(bytes)
  if (!items.ok) return items
  const pins = new Set<SpkiSha256>()
  for (const item of items.value) {
    if (item.kind === 'public-key') pins.add(item.pin)
    else if (item.certificate.basicConstraints?.ca !== true) pins.add(item.certificate.spkiSha256)
  }
  if (pins.size > 0) return { ok: true, value: [...pins] }
  return problem('authority-only', "expected a partner's certificate, found those of authorities alone")
}

/** Whether a text without any extension to go by is certificates or keys, well made or not, rather than a list. */
export function looksLikeMaterial(bytes: Uint8Array): boolean {
  // a list may begin with the digit 0, as DER does: the byte behind it tells them apart
  const isDer = bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80
  return (
    isDer || Buffer.from(bytes).includes('-----BEGIN ') || isSshKey(bytes) || bareBase64(bytes) !== undefined
  )
}

function readItems(bytes: Uint8Array): Read<readonly Item[]> {
  if (bytes.length > largest) {
    return problem('material-too-large', `expected at most ${largest} bytes, found ${bytes.length}`)
  }
  if (!looksLikePem(bytes)) return readDer(bytes)
  const blocks = findPemBlocks(bytes)
  if (!blocks.ok) return blocks
  const items: Item[] = []
  for (const { label, der, line } of blocks.value) {
    const read = readBlock(label, der)
    if (!read.ok) return { ok: false, problem: { ...read.problem, line } }
    for (const item of read.value) items.push(item.kind === 'public-key' ? { ...item, line } : item)
  }
  if (items.length > 0) return { ok: true, value: items }
  return problem('certificate-absent', 'expected a certificate, found none')
}

function readBlock(label: string, der: Uint8Array): Read<readonly Item[]> {
  switch (label) {
    case 'CERTIFICATE':
    case 'X509 CERTIFICATE':
      return readCertificate(der)
    case 'PKCS7':
    case 'CMS':
      return readPkcs7(der)
    case 'PUBLIC KEY':
      return readSpki(der)
    case 'RSA PUBLIC KEY':
      return readRsaPublicKey(der)
    case 'CERTIFICATE REQUEST':
    case 'NEW CERTIFICATE REQUEST':
      return problem('certificate-request', 'expected a certificate, found a request for one')
    default:
      return problem('material-unknown', `expected a certificate or public key, found \`${label}\``)
  }
}

// told apart by the tags at the front; what each must be is then its reader's to say
function readDer(der: Uint8Array): Read<readonly Item[]> {
  if (der.length === 0) return problem('certificate-absent', 'expected a certificate, found an empty file')
  if (Buffer.from(der.subarray(0, 4)).toString('hex') === 'feedfeed') {
    return problem('private-key-present', 'a Java keystore may hold private keys; give the certificate alone')
  }
  if (isSshKey(der)) {
    return problem('ssh-key', 'an SSH public key stands here; expected an X.509 certificate')
  }
  const bare = bareBase64(der)
  if (bare !== undefined) return refuseBareBase64(bare)
  try {
    const file = new DerReader(der)
    const outer = file.enter(tags.sequence, 'a certificate or public key')
    const first = outer.next('a certificate or public key')
    switch (first.tag) {
      case tags.objectIdentifier:
        return readPkcs7(der)
      case tags.integer:
        return readNumbered(der, new DerReader(der, first.start, outer.end))
      default:
        if (outer.nextTag === tags.bitString) return readSpki(der)
        if (outer.nextTag === tags.octetString) return privateKey('an encrypted private key')
        return readCertificate(der)
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return problem('material-unknown', `neither PEM nor DER: ${error.message}`)
  }
}

// told of and not taken: what it is was left to the guess of whoever cut it out
function refuseBareBase64(der: Uint8Array): Read<never> {
  const held = readDer(der)
  if (!held.ok && held.problem.code === 'private-key-present') return held
  return problem(
    'base64-alone',
    'Base64 without the lines BEGIN and END of PEM; expected the file as it was exported, with `-----BEGIN CERTIFICATE-----` before and `-----END CERTIFICATE-----` behind',
  )
}

// private keys and PKCS#12 stores begin with their version; an RSA public key with its modulus
function readNumbered(der: Uint8Array, numbers: DerReader): Read<readonly Item[]> {
  const first = readUnsigned(numbers, 'a version')
  if (first.length > 1) return readRsaPublicKey(der)
  return privateKey(first[0] === 3 ? 'a PKCS#12 store' : 'a private key')
}

function readCertificate(der: Uint8Array): Read<readonly Item[]> {
  const parsed = parseCertificate(der)
  return parsed.ok ? { ok: true, value: [{ kind: 'certificate', certificate: parsed.value }] } : parsed
}

/** The certificates of a SignedData; who signed what is not asked. @see RFC 5652 section 5.1 */
function readPkcs7(der: Uint8Array): Read<readonly Item[]> {
  const items: Item[] = []
  try {
    const file = new DerReader(der)
    const contentInfo = file.enter(tags.sequence, 'a PKCS#7 structure')
    file.finish('the PKCS#7 structure')
    const type = readObjectIdentifier(contentInfo, 'the type of the PKCS#7 structure')
    if (type !== '1.2.840.113549.1.7.2')
      return problem('pkcs7-malformed', `expected PKCS#7 signedData, found \`${type}\``)
    const wrapped = contentInfo.enter(0xa0, 'signedData')
    const signedData = wrapped.enter(tags.sequence, 'signedData')
    signedData.take(tags.integer, 'the version of signedData')
    signedData.take(tags.set, 'digestAlgorithms')
    signedData.take(tags.sequence, 'encapContentInfo')
    if (signedData.nextTag === 0xa0) {
      const certificates = signedData.enter(0xa0, 'certificates')
      while (!certificates.isAtEnd) {
        const read = readCertificate(
          certificates.slice(certificates.take(tags.sequence, 'an X.509 certificate')),
        )
        if (!read.ok) return read
        items.push(...read.value)
      }
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return problem('pkcs7-malformed', `PKCS#7: ${error.message}`)
  }
  return items.length > 0
    ? { ok: true, value: items }
    : problem('certificate-absent', 'expected a certificate in the PKCS#7 structure, found none')
}

function readSpki(der: Uint8Array): Read<readonly Item[]> {
  try {
    const reader = new DerReader(der)
    const { spkiSha256 } = readPublicKeyInfo(reader)
    reader.finish('the public key')
    return { ok: true, value: [{ kind: 'public-key', pin: spkiSha256 }] }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return problem('public-key-malformed', error.message)
  }
}

// PKCS#1 lacks the algorithm that a pin covers; OpenSSL puts it round the key
function readRsaPublicKey(der: Uint8Array): Read<readonly Item[]> {
  try {
    const key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'pkcs1' })
    return readSpki(key.export({ type: 'spki', format: 'der' }))
  } catch {
    return problem('public-key-malformed', 'expected an RSA public key')
  }
}

function privateKey(what: string): Read<never> {
  return problem(
    'private-key-present',
    `${what} stands here; it must never leave its holder, give the certificate alone`,
  )
}

function problem(code: MaterialProblem['code'], message: string): Read<never> {
  return { ok: false, problem: { code, message } }
}

function at(line: number | undefined): { line?: number } {
  return line === undefined ? {} : { line }
}
