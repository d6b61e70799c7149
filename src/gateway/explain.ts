import { clientNames } from '../core/admission.js'
import type { EstablishmentWritten } from '../core/decision.js'
import type { Place } from '../core/diagnostic.js'
import { formatName } from '../core/name-text.js'
import { renderingOf, type DenialReason } from '../core/reasons.js'
import type { Result } from '../core/result.js'
import { formatSpkiSha256 } from '../core/spki.js'
import { judgeFraming } from '../http/framing.js'
import type { AuditEvent } from '../observe/audit-event.js'
import { parseCertificate, type Certificate } from '../x509/certificate.js'
import { factsOf, type Findings } from './explain-facts.js'
import { explainListing, type NearEntry } from './explain-listing.js'
import { settleQuestion, type ExplainQuestion, type SettledQuestion } from './explain-question.js'
import { statesOf, stepNames, stepOf, type Step, type StepName } from './explain-steps.js'
import { tryRequest, type Trial } from './explain-trial.js'

/** What `serve` would make of a request, and why. */
export interface Explanation {
  readonly effect: 'permit' | 'deny' | 'fail'
  /** False where report-only would let a denial pass. */
  readonly enforced: boolean
  /** Of the denial, or the code of the failure. */
  readonly reason: AuditEvent['reason']
  /** Status of the gateway's own answer; undefined where the request goes upstream. */
  readonly status: number | undefined
  readonly text: { readonly en: string; readonly fr: string } | undefined
  readonly detail: string | undefined
  readonly sent: Readonly<Record<string, string>>
  readonly revision: string
  readonly at: number
  readonly environment: string
  readonly host: string
  readonly api: string | undefined
  readonly certificate:
    | {
        readonly subject: string
        readonly issuer: string
        readonly serialNumber: string
        readonly publicKey: string
        readonly sha256: string
        readonly notBefore: number
        readonly notAfter: number
      }
    | undefined
  readonly entry: { readonly partner: string; readonly name: string; readonly place: Place } | undefined
  /** Entries that come near, where none is the client's. */
  readonly near: readonly NearEntry[]
  readonly establishments: readonly EstablishmentWritten[]
  readonly upstream: string | undefined
  readonly steps: readonly Step[]
  /** What the client is answered, as it stands on the wire; empty where the request goes upstream. */
  readonly answer: string
}

/**
 * What `serve` would make of this request under this policy at this moment, with every step.
 *
 * The judgement is that of `serve` itself (`tryRequest`); what is said of it is gathered afterwards.
 *
 * @returns the explanation, or in words what the question lacks
 */
export async function explainRequest(question: ExplainQuestion): Promise<Result<Explanation, string>> {
  const settled = settleQuestion(question)
  if (!settled.ok) return settled
  const { environment, peer, bytes } = settled.value
  const trial = await tryRequest(
    { policy: question.policy, environment: environment.name, peer, bytes },
    question.at,
  )
  return { ok: true, value: explanationOf(question, settled.value, trial) }
}

function explanationOf(question: ExplainQuestion, settled: SettledQuestion, trial: Trial): Explanation {
  const { policy, at } = question
  const { environment, host, peer } = settled
  const { event } = trial
  const line = event?.auditEvent()
  const denial = event?.refusal()
  const enforced = line?.enforced ?? true
  // what report-only lets pass is told as the denial it would have been
  const effect = line?.decision === 'deny' && !enforced ? 'permit' : (line?.decision ?? 'deny')
  const certificate = readPeer(peer.certificate)
  const api = environment.apis.find(({ name }) => name === event?.api)
  const listing =
    certificate === undefined
      ? { entry: undefined, near: [] }
      : explainListing({
          policy,
          environment: environment.name,
          api,
          names: clientNames(certificate.subject, certificate.spkiSha256),
        })
  const findings: Findings = {
    question,
    settled,
    certificate,
    api,
    listing,
    denial,
    establishments: event?.establishments ?? [],
    forwarded: trial.forwarded,
  }
  const refused = denial?.reason ?? trial.malformed
  const rendering = refused === undefined ? undefined : renderingOf(refused)
  const { entry } = listing
  return {
    effect,
    enforced,
    reason: line?.reason ?? trial.malformed,
    status: trial.forwarded === undefined ? (event?.status ?? rendering?.status) : undefined,
    text: rendering === undefined ? undefined : { en: rendering.en, fr: rendering.fr },
    detail: line?.detail,
    sent: denial?.sent ?? {},
    revision: policy.revision,
    at,
    environment: environment.name,
    host,
    api: event?.api,
    certificate: certificate === undefined ? undefined : shownCertificate(certificate),
    entry:
      entry === undefined
        ? undefined
        : { partner: entry.partner.id, name: entry.partner.name, place: entry.place },
    near: listing.near,
    establishments: event?.establishments ?? [],
    upstream: trial.forwarded?.upstream,
    steps: stepsOf(findings, { effect, refused, trial }),
    answer: trial.answer,
  }
}

function stepsOf(
  findings: Findings,
  {
    effect,
    refused,
    trial,
  }: { effect: Explanation['effect']; refused: DenialReason | undefined; trial: Trial },
): readonly Step[] {
  const states = statesOf({
    effect,
    at: refused === undefined ? undefined : whereRefused(refused, trial),
    hasEstablishments: findings.establishments.length > 0,
  })
  const facts = factsOf(findings)
  return stepNames.map((step) => {
    const state = states.get(step) ?? 'not-reached'
    return { step, state, says: state === 'not-reached' ? undefined : facts[step] }
  })
}

// a method that nobody may use is refused with the framing, before anything else is known
function whereRefused(reason: DenialReason, { request }: Trial): StepName {
  const misframed = request === undefined ? undefined : judgeFraming(request)
  return misframed?.reason === reason ? 'request' : stepOf(reason)
}

function readPeer(der: Uint8Array | undefined): Certificate | undefined {
  const parsed = der === undefined ? undefined : parseCertificate(der)
  return parsed?.ok === true ? parsed.value : undefined
}

function shownCertificate(certificate: Certificate): Explanation['certificate'] {
  const { serialNumber, sha256, notBefore, notAfter } = certificate
  return {
    subject: formatName(certificate.subject),
    issuer: formatName(certificate.issuer),
    serialNumber,
    publicKey: formatSpkiSha256(certificate.spkiSha256),
    sha256,
    notBefore,
    notAfter,
  }
}
