import type { KeyObject } from 'node:crypto'
import { nonceExtension } from '../../src/x509/ocsp-request.js'
import type { Certificate } from '../../src/x509/certificate.js'
import {
  bitString,
  boolean,
  encode,
  encoded,
  enumerated,
  explicit,
  implicit,
  implicitBytes,
  objectIdentifier,
  octetString,
  primitive,
  sequence,
  type DerElement,
} from '../../src/x509/der-writer.js'
import { algorithmIdentifier, signBytes, signingAlgorithm } from '../../src/x509/issue-signature.js'
import type { Authority } from '../../src/x509/issue.js'
import type { KeyPair } from '../../src/x509/keys.js'
import { certIdElement, certIdOf, keyHashOf, type CertId } from '../../src/x509/ocsp-cert-id.js'
import { read } from './issuing.js'

/** One answer of a response. */
export interface SingleWish {
  readonly certificate: Certificate
  readonly issuer: Certificate
  readonly status?: 'good' | 'revoked' | 'unknown'
  readonly thisUpdate: number
  readonly nextUpdate?: number
  readonly hash?: 'sha1' | 'sha256'
  readonly certId?: Partial<CertId>
}

/** A response as no honest responder would always make it. */
export interface ResponseWish {
  readonly singles: readonly SingleWish[]
  /** Who signs. */
  readonly keys: KeyPair
  /** Whom the response names, by key unless `byName`. */
  readonly responder: Certificate
  readonly byName?: Uint8Array
  readonly certificates?: readonly Uint8Array[]
  readonly nonce?: Uint8Array
  readonly hash?: 'sha1' | 'sha256'
  readonly criticalExtension?: boolean
  readonly producedAt?: number
}

/** A response signed by an authority itself. */
export function answerOf(authority: Authority, wish: Omit<ResponseWish, 'keys' | 'responder'>): Uint8Array {
  return ocspResponse({ keys: authority.keys, responder: read(authority.certificate), ...wish })
}

export function ocspResponse(wish: ResponseWish): Uint8Array {
  const { singles, keys, responder, certificates = [], hash = 'sha256' } = wish
  const responderId =
    wish.byName === undefined
      ? explicit(2, octetString(Buffer.from(keyHashOf(responder, 'sha1'), 'hex')))
      : explicit(1, encoded(wish.byName))
  const extensions = [
    ...(wish.nonce === undefined
      ? []
      : [sequence(objectIdentifier(nonceExtension), octetString(encode(octetString(wish.nonce))))]),
    ...(wish.criticalExtension === true
      ? [sequence(objectIdentifier('1.2.3.4'), boolean(true), octetString(Buffer.alloc(2)))]
      : []),
  ]
  const tbs = encode(
    sequence(
      responderId,
      generalizedTime(wish.producedAt ?? singles[0]?.thisUpdate ?? 0),
      sequence(...singles.map(singleElement)),
      ...(extensions.length === 0 ? [] : [explicit(1, sequence(...extensions))]),
    ),
  )
  return responseAround(tbs, { key: keys.privateKey, hash, certificates })
}

/** A whole response of any status, around bytes that are signed. */
function responseAround(
  tbs: Uint8Array,
  {
    key,
    hash,
    certificates,
  }: { key: KeyObject; hash: 'sha1' | 'sha256'; certificates: readonly Uint8Array[] },
): Uint8Array {
  const algorithm = signingAlgorithm(key, { hash })
  const basic = sequence(
    encoded(tbs),
    algorithmIdentifier(algorithm),
    bitString(signBytes(tbs, key, algorithm)),
    ...(certificates.length === 0 ? [] : [explicit(0, sequence(...certificates.map(encoded)))]),
  )
  const bytes = sequence(objectIdentifier('1.3.6.1.5.5.7.48.1.1'), octetString(encode(basic)))
  return encode(sequence(enumerated(0), explicit(0, bytes)))
}

/** `tryLater` and the like: a response without an answer. */
export function ocspRefusal(status: number): Uint8Array {
  return encode(sequence(enumerated(status)))
}

function singleElement({
  certificate,
  issuer,
  status = 'good',
  hash = 'sha1',
  ...wish
}: SingleWish): DerElement {
  const statuses = {
    good: implicitBytes(0, ''),
    revoked: implicit(1, [generalizedTime(wish.thisUpdate - 1000)]),
    unknown: implicitBytes(2, ''),
  }
  return sequence(
    certIdElement({ ...certIdOf(certificate, issuer, hash), ...wish.certId }),
    statuses[status],
    generalizedTime(wish.thisUpdate),
    ...(wish.nextUpdate === undefined ? [] : [explicit(0, generalizedTime(wish.nextUpdate))]),
  )
}

function generalizedTime(at: number): DerElement {
  return primitive(0x18, new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, ''))
}
