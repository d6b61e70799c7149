import type { Result } from '../core/result.js'
import { parseCertificate, type Certificate } from './certificate.js'
import type { Moment } from './chain.js'
import { commonNameOf } from './common-name.js'
import { DerError } from './der-reader.js'
import { certIdOf, isSameCertId, keyHashOf } from './ocsp-cert-id.js'
import type { OcspSubject } from './ocsp-request.js'
import {
  OcspRefusal,
  readOcspResponse,
  type BasicOcspResponse,
  type ResponderId,
  type SingleOcspResponse,
} from './ocsp-response.js'
import { isSignedBy, weaknessOfKey, weaknessOfSignature } from './signature.js'

/** What an authority says of a certificate, signed and checked; times in epoch milliseconds. */
export interface OcspAnswer {
  readonly status: 'good' | 'revoked' | 'unknown'
  readonly revokedAt: number | undefined
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
}

/** Why a response is no answer. */
export interface OcspProblem {
  readonly code:
    | 'ocsp-malformed'
    | 'ocsp-refused'
    | 'ocsp-signature'
    | 'ocsp-responder'
    | 'ocsp-other-certificate'
    | 'ocsp-nonce'
    | 'ocsp-stale'
  readonly message: string
}

/** A response, and what was asked. */
export interface OcspQuestion extends OcspSubject, Moment {
  readonly response: Uint8Array
  /** What the request held. */
  readonly nonce: Uint8Array | undefined
  /** Age up to which a response without nextUpdate counts, in milliseconds. */
  readonly maxAgeMs: number
  /** Whether a CRL at hand revokes the certificate of a responder. */
  readonly isRevoked?: (responder: Certificate) => boolean
}

const ocspSigning = '1.3.6.1.5.5.7.3.9'
/** How far the responder's clock may run before ours: as OpenSSL's own `OCSP_check_validity` is asked. */
const earliness = 300_000

/**
 * The answer in a response, if the issuer gave it, or whom the issuer let answer, about this certificate,
 * for this moment.
 *
 * Total: any bytes give a value. Where several answers fit, a revocation counts before anything else.
 *
 * @see RFC 6960 section 3.2
 */
export function judgeOcspResponse(question: OcspQuestion): Result<OcspAnswer, OcspProblem> {
  let basic: BasicOcspResponse
  try {
    basic = readOcspResponse(question.response)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return problem(error instanceof OcspRefusal ? 'ocsp-refused' : 'ocsp-malformed', error.message)
  }
  const untrusted = judgeSignature(basic, question)
  if (untrusted !== undefined) return { ok: false, problem: untrusted }
  const { nonce } = question
  // a responder may leave the nonce out, since it signs in advance: then the times alone protect
  if (
    nonce !== undefined &&
    basic.nonce !== undefined &&
    basic.nonce !== Buffer.from(nonce).toString('hex')
  ) {
    return problem('ocsp-nonce', 'the response repeats another nonce than was sent')
  }
  const { certificate, issuer } = question
  const fitting = basic.responses.filter(({ certId }) =>
    isSameCertId(certId, certIdOf(certificate, issuer, certId.hash)),
  )
  if (fitting.length === 0) {
    return problem('ocsp-other-certificate', 'the response speaks of another certificate')
  }
  for (const single of fitting) {
    // a revocation counts on an old response too: no later one gives the certificate back
    if (single.status === 'revoked') continue
    const untimely = judgeTimes(single, question)
    if (untimely !== undefined) return problem('ocsp-stale', untimely)
  }
  const [worst] = fitting.toSorted((one, other) => gravity[other.status] - gravity[one.status])
  if (worst === undefined) return problem('ocsp-other-certificate', 'the response speaks of no certificate')
  const { status, revokedAt, thisUpdate, nextUpdate } = worst
  return { ok: true, value: { status, revokedAt, thisUpdate, nextUpdate } }
}

const gravity: Readonly<Record<OcspAnswer['status'], number>> = { good: 0, unknown: 1, revoked: 2 }

function judgeTimes(
  { thisUpdate, nextUpdate }: SingleOcspResponse,
  { at, clockSkewMs, maxAgeMs }: OcspQuestion,
): string | undefined {
  if (thisUpdate > at + clockSkewMs + earliness) return `the response is of ${iso(thisUpdate)}, still to come`
  if (nextUpdate !== undefined && nextUpdate < thisUpdate) return 'the response ends before it begins'
  if (nextUpdate === undefined) {
    return at - clockSkewMs < thisUpdate + maxAgeMs
      ? undefined
      : `the response is of ${iso(thisUpdate)} and says no nextUpdate`
  }
  return at - clockSkewMs < nextUpdate ? undefined : `the response was good until ${iso(nextUpdate)}`
}

/** The issuer itself, or a certificate that the issuer made for this purpose, must have signed. */
function judgeSignature(basic: BasicOcspResponse, question: OcspQuestion): OcspProblem | undefined {
  const weakness = weaknessOfSignature(basic.signatureAlgorithm)
  if (weakness !== undefined) return { code: 'ocsp-signature', message: weakness }
  const { issuer } = question
  const forged = { code: 'ocsp-signature', message: 'the signature of the response does not hold' } as const
  if (isNamed(issuer, basic.responder)) return isSignedBy(basic, issuer.spki) ? undefined : forged
  const delegates = basic.certificates.flatMap((der) => {
    const parsed = parseCertificate(der)
    return parsed.ok && isNamed(parsed.value, basic.responder) ? [parsed.value] : []
  })
  let first: string | undefined
  for (const delegate of delegates) {
    const unfit = judgeDelegate(delegate, question)
    if (unfit === undefined) return isSignedBy(basic, delegate.spki) ? undefined : forged
    first ??= unfit
  }
  const message = first ?? 'the response names a responder whose certificate did not come along'
  return { code: 'ocsp-responder', message }
}

/**
 * Why this certificate may not answer for the issuer; undefined where it may.
 *
 * With or without id-pkix-ocsp-nocheck, it is looked up in the CRLs at hand, which costs nothing; no
 * responder is asked about a responder.
 *
 * @see RFC 6960 section 4.2.2.2
 */
function judgeDelegate(delegate: Certificate, question: OcspQuestion): string | undefined {
  const { issuer, at, clockSkewMs, isRevoked } = question
  const name = `the responder \`${commonNameOf(delegate.subject)}\``
  if (delegate.issuerKey !== issuer.subjectKey) return `${name} was not named by the issuer`
  // explicitly: no other purpose and no `anyExtendedKeyUsage` stands for it
  if (delegate.extendedKeyUsage?.includes(ocspSigning) !== true)
    return `${name} may not answer for the issuer (extKeyUsage OCSPSigning)`
  if (delegate.keyUsage !== undefined && !delegate.keyUsage.has('digitalSignature'))
    return `${name} may not sign (keyUsage)`
  const [unknown] = delegate.unknownCriticalExtensions
  if (unknown !== undefined)
    return `${name} has the critical extension \`${unknown}\`, which is not judged here`
  if (at + clockSkewMs < delegate.notBefore || at - clockSkewMs >= delegate.notAfter + 1000)
    return `${name} is not valid now`
  const weakness = weaknessOfKey(delegate.keyAlgorithm) ?? weaknessOfSignature(delegate.signatureAlgorithm)
  if (weakness !== undefined) return `${name}: ${weakness}`
  if (!isSignedBy(delegate, issuer.spki)) return `${name} was not signed by the issuer`
  return isRevoked?.(delegate) === true ? `${name} is revoked` : undefined
}

function isNamed(certificate: Certificate, responder: ResponderId): boolean {
  return responder.by === 'name'
    ? certificate.subjectKey === responder.nameKey
    : keyHashOf(certificate, 'sha1') === responder.keyHash
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

function problem(code: OcspProblem['code'], message: string): Result<never, OcspProblem> {
  return { ok: false, problem: { code, message } }
}
