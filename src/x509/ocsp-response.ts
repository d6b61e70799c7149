import {
  DerError,
  DerReader,
  readInside,
  readOctetBits,
  readSmallInteger,
  tags,
  toHex,
} from './der-reader.js'
import { readRawExtensions } from './extensions.js'
import { nameKey } from '../core/distinguished-name.js'
import { readName } from './name.js'
import { readObjectIdentifier } from './object-identifier.js'
import { readCertId, type CertId } from './ocsp-cert-id.js'
import { nonceExtension } from './ocsp-request.js'
import { readSignatureAlgorithm, type SignedBytes } from './signature.js'
import { readTime } from './time.js'

/** What a responder says of one certificate; times in epoch milliseconds. */
export interface SingleOcspResponse {
  readonly certId: CertId
  readonly status: 'good' | 'revoked' | 'unknown'
  readonly revokedAt: number | undefined
  readonly thisUpdate: number
  /** Undefined: newer information is always there. */
  readonly nextUpdate: number | undefined
}

/** Who signed, by name (`nameKey`) or by the SHA-1 of its key. */
export type ResponderId =
  { readonly by: 'name'; readonly nameKey: string } | { readonly by: 'key'; readonly keyHash: string }

/** A BasicOCSPResponse as read; nothing of it is verified. */
export interface BasicOcspResponse extends SignedBytes {
  readonly responder: ResponderId
  readonly producedAt: number
  readonly responses: readonly SingleOcspResponse[]
  /** Hexadecimal. */
  readonly nonce: string | undefined
  /** DER of the certificates that came along. */
  readonly certificates: readonly Uint8Array[]
}

/** The responder says that it gives no answer. */
export class OcspRefusal extends DerError {}

const responseStatuses: Readonly<Record<number, string>> = {
  1: 'malformedRequest',
  2: 'internalError',
  3: 'tryLater',
  5: 'sigRequired',
  6: 'unauthorized',
}
const basicResponse = '1.3.6.1.5.5.7.48.1.1'
const mostResponses = 16
const mostCertificates = 8

/**
 * Reads an OCSPResponse.
 *
 * @throws DerError where the bytes are no such structure in DER, OcspRefusal where it holds no answer
 * @see RFC 6960 section 4.2.1
 */
export function readOcspResponse(der: Uint8Array): BasicOcspResponse {
  const file = new DerReader(der)
  const outer = file.enter(tags.sequence, 'an OCSP response')
  file.finish('the OCSP response')
  const [status, ...more] = outer.contentsOf(outer.take(tags.enumerated, 'responseStatus'))
  if (status === undefined || more.length > 0) throw new DerError('expected responseStatus as one octet')
  if (status !== 0) {
    throw new OcspRefusal(`the responder answers ${responseStatuses[status] ?? `status ${status}`}`)
  }
  const basic = readInside(outer, 0xa0, (wrapped) => {
    const bytes = wrapped.enter(tags.sequence, 'responseBytes')
    const type = readObjectIdentifier(bytes, 'responseType')
    if (type !== basicResponse) throw new DerError(`expected a basic OCSP response, found \`${type}\``)
    const response = bytes.contentsOf(bytes.take(tags.octetString, 'response'))
    bytes.finish('responseBytes')
    return response
  })
  outer.finish('the OCSP response')
  return readBasic(basic)
}

function readBasic(der: Uint8Array): BasicOcspResponse {
  const file = new DerReader(der)
  const basic = file.enter(tags.sequence, 'a basic OCSP response')
  file.finish('the basic OCSP response')
  const span = basic.take(tags.sequence, 'tbsResponseData')
  const signatureAlgorithm = readSignatureAlgorithm(basic)
  const signature = readOctetBits(basic, 'the signature')
  const certificates = basic.nextTag === 0xa0 ? readInside(basic, 0xa0, readCertificateList) : []
  basic.finish('the basic OCSP response')

  const inside = new DerReader(der, span.contents, span.end)
  if (inside.nextTag === 0xa0) {
    const version = readInside(inside, 0xa0, (wrapped) => readSmallInteger(wrapped, 'version'))
    if (version !== 0) throw new DerError('expected version 1 of an OCSP response')
  }
  const responder = readResponder(inside)
  const producedAt = readGeneralizedTime(inside, 'producedAt')
  const responses: SingleOcspResponse[] = []
  const list = inside.enter(tags.sequence, 'responses')
  while (!list.isAtEnd) {
    if (responses.length >= mostResponses) throw new DerError(`expected at most ${mostResponses} responses`)
    const single = readSingle(list)
    if (single !== undefined) responses.push(single)
  }
  const nonce = inside.nextTag === 0xa1 ? readInside(inside, 0xa1, readNonce) : undefined
  inside.finish('tbsResponseData')
  return {
    responder,
    producedAt,
    responses,
    nonce,
    certificates,
    tbs: der.subarray(span.start, span.end),
    signatureAlgorithm,
    signature,
  }
}

function readCertificateList(reader: DerReader): Uint8Array[] {
  const list = reader.enter(tags.sequence, 'certs')
  const found: Uint8Array[] = []
  while (!list.isAtEnd) {
    if (found.length >= mostCertificates)
      throw new DerError(`expected at most ${mostCertificates} certificates`)
    found.push(list.slice(list.take(tags.sequence, 'a certificate')))
  }
  return found
}

function readResponder(reader: DerReader): ResponderId {
  if (reader.nextTag === 0xa1) {
    const name = readInside(reader, 0xa1, (wrapped) => readName(wrapped, 'the name of the responder'))
    return { by: 'name', nameKey: nameKey(name) }
  }
  const keyHash = readInside(reader, 0xa2, (wrapped) =>
    toHex(wrapped.contentsOf(wrapped.take(tags.octetString, 'the key hash of the responder'))),
  )
  return { by: 'key', keyHash }
}

// undefined where it speaks of a certificate named by a hash that is not asked with here
function readSingle(list: DerReader): SingleOcspResponse | undefined {
  const single = list.enter(tags.sequence, 'a single response')
  const certId = readCertId(single)
  const { status, revokedAt } = readStatus(single)
  const thisUpdate = readGeneralizedTime(single, 'thisUpdate')
  const nextUpdate =
    single.nextTag === 0xa0
      ? readInside(single, 0xa0, (wrapped) => readGeneralizedTime(wrapped, 'nextUpdate'))
      : undefined
  if (single.nextTag === 0xa1) readInside(single, 0xa1, refuseCritical)
  single.finish('a single response')
  return certId === undefined ? undefined : { certId, status, revokedAt, thisUpdate, nextUpdate }
}

function readStatus(single: DerReader): Pick<SingleOcspResponse, 'status' | 'revokedAt'> {
  const { tag, contents, end } = single.next('certStatus')
  if ((tag === 0x80 || tag === 0x82) && contents === end) {
    return { status: tag === 0x80 ? 'good' : 'unknown', revokedAt: undefined }
  }
  if (tag !== 0xa1) throw new DerError('expected certStatus as good, revoked or unknown')
  const revoked = new DerReader(single.bytes, contents, end)
  const revokedAt = readGeneralizedTime(revoked, 'revocationTime')
  revoked.takeIf(0xa0, 'revocationReason')
  revoked.finish('RevokedInfo')
  return { status: 'revoked', revokedAt }
}

function readNonce(reader: DerReader): string | undefined {
  let nonce: string | undefined
  for (const { oid, critical, value } of readRawExtensions(reader)) {
    if (oid === nonceExtension) {
      const inside = new DerReader(reader.bytes, value.contents, value.end)
      nonce = toHex(inside.contentsOf(inside.take(tags.octetString, 'the nonce')))
      inside.finish('the nonce')
    } else if (critical) throw unknownCritical(oid)
  }
  return nonce
}

function refuseCritical(reader: DerReader): void {
  for (const { oid, critical } of readRawExtensions(reader)) if (critical) throw unknownCritical(oid)
}

function unknownCritical(oid: string): DerError {
  return new DerError(`the OCSP response has the critical extension \`${oid}\`, which is not judged here`)
}

function readGeneralizedTime(reader: DerReader, what: string): number {
  if (reader.nextTag !== tags.generalizedTime) throw new DerError(`expected ${what} as GeneralizedTime`)
  return readTime(reader, what)
}
