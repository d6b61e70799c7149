import type { KeyObject } from 'node:crypto'
import {
  bitString,
  encode,
  encoded,
  enumerated,
  explicit,
  implicit,
  integer,
  integerOfHex,
  objectIdentifier,
  sequence,
  setOf,
  time,
  type DerElement,
} from './der-writer.js'
import {
  authorityKeyIdentifier,
  certificateExtensions,
  extension,
  ownExtension,
  type IssuedExtension,
  type KeyUsageName,
} from './issue-extensions.js'
import { encodeName, type IssuedName } from './issue-name.js'
import {
  algorithmIdentifier,
  signBytes,
  signingAlgorithm,
  type SignatureHash,
  type SigningAlgorithm,
} from './issue-signature.js'
import { spkiDer, type KeyPair } from './keys.js'

/** An authority that can sign: its certificate, its keys, its name as it is encoded. */
export interface Authority {
  readonly certificate: Uint8Array
  readonly keys: KeyPair
  readonly name: Uint8Array
}

interface SignatureOptions {
  /** SHA-256 unless given; says nothing for Ed25519. */
  readonly hash?: SignatureHash
  /** RSASSA-PSS with an ordinary RSA key. */
  readonly pss?: boolean
}

interface Contents {
  readonly subject: IssuedName
  /** Hexadecimal digits, positive. */
  readonly serialNumber: string
  /** Epoch milliseconds; the second counts. */
  readonly notBefore: number
  readonly notAfter: number
  readonly crlDistributionPoints?: readonly string[]
  readonly ocspUrls?: readonly string[]
  readonly extensions?: readonly IssuedExtension[]
  readonly signature?: SignatureOptions
}

/** A certificate to issue: a client's by default, as IGC-Santé makes ORG AUTH_CLI ones. */
export interface CertificateRequest extends Contents {
  readonly issuer: Authority
  readonly publicKey: KeyObject
  /** `digitalSignature` unless given; `none` leaves the extension out. */
  readonly keyUsage?: readonly KeyUsageName[] | 'none'
  /** OIDs; clientAuth alone unless given; `none` leaves the extension out. */
  readonly extendedKeyUsage?: readonly string[] | 'none'
  /** Absent unless given: a client's certificate needs none. */
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLength?: number }
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
}

/** An authority to create: a root where no issuer is given. */
export interface AuthorityRequest extends Contents {
  readonly keys: KeyPair
  readonly issuer?: Authority
  readonly pathLength?: number
  readonly keyUsage?: readonly KeyUsageName[] | 'none'
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLength?: number }
}

/** A CRL to issue. */
export interface CrlRequest {
  readonly issuer: Authority
  readonly thisUpdate: number
  readonly nextUpdate?: number
  readonly crlNumber?: number
  /** `reason` is the CRLReason number. @see RFC 5280 section 5.3.1 */
  readonly revoked: readonly {
    readonly serialNumber: string
    readonly at: number
    readonly reason?: number
  }[]
  readonly extensions?: readonly IssuedExtension[]
  readonly signature?: SignatureOptions
}

export const clientAuth = '1.3.6.1.5.5.7.3.2'
export const serverAuth = '1.3.6.1.5.5.7.3.1'

/** A root (self-signed), or an intermediate below `issuer`. */
export function createAuthority(request: AuthorityRequest): Authority {
  const { keys, pathLength } = request
  const name = encodeName(request.subject)
  const self: Authority = { certificate: new Uint8Array(), keys, name }
  const constraints = { ca: true, ...(pathLength === undefined ? {} : { pathLength }) }
  const certificate = issueCertificate({
    ...request,
    issuer: request.issuer ?? self,
    publicKey: keys.publicKey,
    keyUsage: request.keyUsage ?? ['keyCertSign', 'cRLSign'],
    extendedKeyUsage: 'none',
    basicConstraints: request.basicConstraints ?? constraints,
  })
  return { certificate, keys, name }
}

/** The certificate, in DER. */
export function issueCertificate(request: CertificateRequest): Uint8Array {
  const { issuer, publicKey } = request
  const algorithm = signingAlgorithm(issuer.keys.privateKey, request.signature)
  const tbs = sequence(
    explicit(0, integer(2)),
    integerOfHex(request.serialNumber),
    algorithmIdentifier(algorithm),
    encoded(issuer.name),
    sequence(time(request.notBefore), time(request.notAfter)),
    encoded(encodeName(request.subject)),
    encoded(spkiDer(publicKey)),
    explicit(
      3,
      sequence(
        ...certificateExtensions({
          publicKey,
          issuerKey: issuer.keys.publicKey,
          keyUsage: request.keyUsage ?? ['digitalSignature'],
          extendedKeyUsage: request.extendedKeyUsage ?? [clientAuth],
          basicConstraints: request.basicConstraints,
          dnsNames: request.dnsNames ?? [],
          ipAddresses: request.ipAddresses ?? [],
          crlDistributionPoints: request.crlDistributionPoints ?? [],
          ocspUrls: request.ocspUrls ?? [],
          extensions: request.extensions ?? [],
        }),
      ),
    ),
  )
  return signed(tbs, issuer, algorithm)
}

/** The CRL, in DER; `nextUpdate` and `crlNumber` are left out where they are not given. */
export function issueCrl(request: CrlRequest): Uint8Array {
  const { issuer, nextUpdate, crlNumber, revoked } = request
  const algorithm = signingAlgorithm(issuer.keys.privateKey, request.signature)
  const entries = revoked.map(({ serialNumber, at, reason }) => {
    const extensions =
      reason === undefined ? [] : [sequence(extension('2.5.29.21', false, enumerated(reason)))]
    return sequence(integerOfHex(serialNumber), time(at), ...extensions)
  })
  const extensions = [
    authorityKeyIdentifier(issuer.keys.publicKey),
    ...(crlNumber === undefined ? [] : [extension('2.5.29.20', false, integer(crlNumber))]),
    ...(request.extensions ?? []).map(ownExtension),
  ]
  const tbs = sequence(
    integer(1),
    algorithmIdentifier(algorithm),
    encoded(issuer.name),
    time(request.thisUpdate),
    ...(nextUpdate === undefined ? [] : [time(nextUpdate)]),
    // absent rather than empty. @see RFC 5280 section 5.1.2.6
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    explicit(0, sequence(...extensions)),
  )
  return signed(tbs, issuer, algorithm)
}

/** Certificates in a degenerate SignedData, as `.p7b` files hold them. @see RFC 5652 section 5 */
export function bundleAsPkcs7(certificates: readonly Uint8Array[]): Uint8Array {
  const signedData = sequence(
    integer(1),
    setOf(),
    sequence(objectIdentifier('1.2.840.113549.1.7.1')),
    implicit(0, certificates.map(encoded)),
    setOf(),
  )
  return encode(sequence(objectIdentifier('1.2.840.113549.1.7.2'), explicit(0, signedData)))
}

function signed(tbs: DerElement, issuer: Authority, algorithm: SigningAlgorithm): Uint8Array {
  const bytes = encode(tbs)
  const signature = signBytes(bytes, issuer.keys.privateKey, algorithm)
  return encode(sequence(encoded(bytes), algorithmIdentifier(algorithm), bitString(signature)))
}
