import { clientNames } from '../core/admission.js'
import type { Place } from '../core/diagnostic.js'
import type { DenialReason } from '../core/reasons.js'
import type { SpkiSha256 } from '../core/spki.js'
import type { Whitelist } from '../core/whitelist.js'
import type { Peer } from '../tls/peer.js'
import { judgePurpose } from '../x509/authority.js'
import type { Certificate } from '../x509/certificate.js'
import type { EnvironmentPolicy, Policy } from './policy.js'
import { judgeTrust } from './trust.js'

/** A certificate that is to be listed, and what it is judged by; without a policy, by itself alone. */
export interface Candidate {
  readonly certificate: Certificate
  /** The other certificates that came with it. */
  readonly beside: readonly Certificate[]
  readonly within: { readonly policy: Policy; readonly environment: EnvironmentPolicy } | undefined
}

/** What there is to say of a certificate before it is listed. */
export type CandidateFinding =
  /** Requests with it would be refused for this reason, whatever the whitelist says. */
  | { readonly code: 'refused'; readonly reason: DenialReason; readonly detail: string | undefined }
  /** It is a person's: `sign` is what tells. */
  | { readonly code: 'certificate-of-a-person'; readonly sign: string }
  /** It ends soon; epoch milliseconds, and whole days left. */
  | { readonly code: 'certificate-expiring'; readonly notAfter: number; readonly days: number }

const day = 86_400_000
/** How long before its end a certificate is spoken of. */
const warnDays = 60

/**
 * What stands against listing a certificate, by the same judgement that its requests would meet.
 *
 * @param now - epoch milliseconds
 */
export function judgeCandidate(candidate: Candidate, now: number): readonly CandidateFinding[] {
  const { certificate } = candidate
  const found: CandidateFinding[] = []
  const refusal = refusalOf(candidate, now)
  if (refusal !== undefined) found.push({ code: 'refused', ...refusal })
  const sign = signOfPerson(certificate)
  if (sign !== undefined) found.push({ code: 'certificate-of-a-person', sign })
  const days = Math.floor((certificate.notAfter - now) / day)
  if (days >= 0 && days < warnDays) {
    found.push({ code: 'certificate-expiring', notAfter: certificate.notAfter, days })
  }
  return found
}

function refusalOf(
  { certificate, beside, within }: Candidate,
  now: number,
): { readonly reason: DenialReason; readonly detail: string | undefined } | undefined {
  if (within !== undefined) {
    const names = clientNames(certificate.subject, certificate.spkiSha256)
    const peer: Peer = { ...noPeer, certificate: certificate.der, presented: beside.map(({ der }) => der) }
    const trust = judgeTrust({ identity: { certificate, names }, peer, ...within }, now)
    return trust.ok ? undefined : { reason: trust.problem.reason, detail: trust.problem.detail }
  }
  if (now > certificate.notAfter) return { reason: 'certificate-expired', detail: undefined }
  if (now < certificate.notBefore) return { reason: 'certificate-not-yet-valid', detail: undefined }
  const purpose = judgePurpose(certificate, true)
  return purpose === undefined ? undefined : { reason: 'certificate-purpose', detail: purpose }
}

const noPeer: Peer = {
  certificate: undefined,
  presented: [],
  serverName: undefined,
  protocol: '',
  resumed: false,
  address: '',
}

// RFC 5280 appendix A.1: what names people; IGC-Santé issues theirs from a range of its own
const personal: Readonly<Record<string, string>> = {
  '2.5.4.4': 'surname',
  '2.5.4.42': 'givenName',
  '2.5.4.12': 'title',
}

function signOfPerson({ subject, issuer }: Certificate): string | undefined {
  const named = subject.flat().find(({ type }) => type in personal)
  if (named !== undefined) return `${personal[named.type] ?? ''}=${named.value}`
  return issuer.flat().find(({ value }) => /\bPERSONNES\b/.test(value))?.value
}

/** What a certificate may be listed by. */
interface ListedBy {
  readonly subjectKey: string | undefined
  readonly publicKey: SpkiSha256 | undefined
}

/** Who lists a certificate, by its name or by its key; each at most once. */
export function listingsOf(whitelist: Whitelist, { subjectKey, publicKey }: ListedBy): readonly Listing[] {
  const bySubject = subjectKey === undefined ? undefined : whitelist.findBySubject(subjectKey)
  const byPublicKey = publicKey === undefined ? undefined : whitelist.findByPublicKey(publicKey)
  return [
    ...(bySubject === undefined ? [] : [{ by: 'subject' as const, ...place(bySubject) }]),
    ...(byPublicKey === undefined ? [] : [{ by: 'publicKey' as const, ...place(byPublicKey) }]),
  ]
}

export interface Listing {
  readonly by: 'subject' | 'publicKey'
  readonly partner: string
  readonly place: Place
}

function place(entry: { readonly partner: { readonly id: string }; readonly place: Place }) {
  return { partner: entry.partner.id, place: entry.place }
}
