import { hash as digest, type KeyObject } from 'node:crypto'
import {
  bitString,
  boolean,
  encode,
  explicit,
  implicit,
  implicitBytes,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  type DerElement,
} from './der-writer.js'
import { spkiDer } from './keys.js'

/** An extension of the caller's own: `value` is the DER inside the OCTET STRING. */
export interface IssuedExtension {
  readonly oid: string
  readonly critical: boolean
  readonly value: Uint8Array
}

export type KeyUsageName =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly'

/** What the extensions of a certificate say. */
export interface ExtensionRequest {
  /** The key that is certified, and the key it is certified with. */
  readonly publicKey: KeyObject
  readonly issuerKey: KeyObject
  readonly keyUsage: readonly KeyUsageName[] | 'none'
  /** OIDs. */
  readonly extendedKeyUsage: readonly string[] | 'none'
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength?: number } | undefined
  readonly dnsNames: readonly string[]
  /** IPv4, dotted. */
  readonly ipAddresses: readonly string[]
  readonly crlDistributionPoints: readonly string[]
  readonly ocspUrls: readonly string[]
  readonly extensions: readonly IssuedExtension[]
}

/** The extensions in the order in which authorities usually write them. */
export function certificateExtensions(request: ExtensionRequest): DerElement[] {
  const { basicConstraints, keyUsage, extendedKeyUsage, crlDistributionPoints, ocspUrls } = request
  const items: DerElement[] = []
  if (basicConstraints !== undefined) {
    const { ca, pathLength } = basicConstraints
    const flag = ca ? [boolean(true)] : []
    const length = pathLength === undefined ? [] : [integer(pathLength)]
    items.push(extension('2.5.29.19', true, sequence(...flag, ...length)))
  }
  if (keyUsage !== 'none') items.push(extension('2.5.29.15', true, keyUsageBits(keyUsage)))
  if (extendedKeyUsage !== 'none') {
    items.push(extension('2.5.29.37', false, sequence(...extendedKeyUsage.map(objectIdentifier))))
  }
  items.push(extension('2.5.29.14', false, octetString(keyIdentifier(request.publicKey))))
  items.push(authorityKeyIdentifier(request.issuerKey))
  const names = subjectAlternatives(request)
  if (names.length > 0) items.push(extension('2.5.29.17', false, sequence(...names)))
  if (crlDistributionPoints.length > 0) {
    const points = crlDistributionPoints.map((url) => sequence(explicit(0, implicit(0, [uri(url)]))))
    items.push(extension('2.5.29.31', false, sequence(...points)))
  }
  if (ocspUrls.length > 0) {
    const descriptions = ocspUrls.map((url) => sequence(objectIdentifier('1.3.6.1.5.5.7.48.1'), uri(url)))
    items.push(extension('1.3.6.1.5.5.7.1.1', false, sequence(...descriptions)))
  }
  return [...items, ...request.extensions.map(ownExtension)]
}

/** Which key signed. */
export function authorityKeyIdentifier(issuerKey: KeyObject): DerElement {
  return extension('2.5.29.35', false, sequence(implicitBytes(0, keyIdentifier(issuerKey))))
}

/** One extension around a value. */
export function extension(oid: string, critical: boolean, value: DerElement): DerElement {
  return ownExtension({ oid, critical, value: encode(value) })
}

/** One extension around bytes. */
export function ownExtension({ oid, critical, value }: IssuedExtension): DerElement {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value))
}

function subjectAlternatives({ dnsNames, ipAddresses }: ExtensionRequest): DerElement[] {
  const names = dnsNames.map((name) => implicitBytes(2, name))
  const addresses = ipAddresses.map((address) => {
    return implicitBytes(7, Uint8Array.from(address.split('.').map(Number)))
  })
  return [...names, ...addresses]
}

function uri(url: string): DerElement {
  return implicitBytes(6, url)
}

const keyUsageNames: readonly KeyUsageName[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
]

// a named bit list drops its trailing zero bits. @see X.690 section 11.2.2
function keyUsageBits(usages: readonly KeyUsageName[]): DerElement {
  const last = Math.max(...usages.map((usage) => keyUsageNames.indexOf(usage)))
  const bytes = new Uint8Array((last >> 3) + 1)
  for (const usage of usages) {
    const bit = keyUsageNames.indexOf(usage)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  }
  return bitString(bytes, 7 - (last & 7))
}

// SHA-1 here names a key; nothing relies on it. @see RFC 5280 section 4.2.1.2
function keyIdentifier(key: KeyObject): Uint8Array {
  return digest('sha1', spkiDer(key), 'buffer')
}
