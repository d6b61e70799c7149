import type { DenialReason } from '../core/reasons.js'
import type { Sentence } from './explain-listing.js'

/** The judgements a request passes, in the order of the story. */
export const stepNames = [
  'request',
  'environment',
  'certificate',
  'trust',
  'validity',
  'revocation',
  'listing',
  'dates',
  'api',
  'grant',
  'operation',
  'ror-headers',
  'limits',
  'token',
  'establishments',
  'body',
  'forwarding',
] as const

export type StepName = (typeof stepNames)[number]

/** `overlooked`: denied, but report-only let it pass. */
export type StepState = 'passed' | 'denied' | 'overlooked' | 'failed' | 'not-reached'

/** One judgement, and what it found. */
export interface Step {
  readonly step: StepName
  readonly state: StepState
  /** Undefined where nothing is to be said that the state does not say. */
  readonly says: Sentence | undefined
}

const steps = {
  'request-ambiguous': 'request',
  'request-too-long': 'request',
  'header-too-large': 'request',
  'request-timeout': 'request',
  'method-not-supported': 'operation',
  'environment-mismatch': 'environment',
  'certificate-missing': 'certificate',
  'certificate-untrusted': 'trust',
  'certificate-other-environment': 'trust',
  'certificate-expired': 'validity',
  'certificate-not-yet-valid': 'validity',
  'certificate-purpose': 'trust',
  'certificate-revoked': 'revocation',
  'revocation-unknown': 'revocation',
  'certificate-not-listed': 'listing',
  'partner-not-yet-valid': 'dates',
  'partner-expired': 'dates',
  'certificate-retired': 'dates',
  'api-unknown': 'api',
  'api-not-granted': 'grant',
  'rate-limited': 'limits',
  'ror-header-mismatch': 'ror-headers',
  'token-binding-mismatch': 'token',
  'client-id-mismatch': 'token',
  'write-not-described': 'operation',
  'establishment-missing': 'establishments',
  'establishment-ambiguous': 'establishments',
  'establishment-unresolvable': 'establishments',
  'establishment-not-permitted': 'establishments',
  'body-too-large': 'body',
  'body-unreadable': 'body',
  'media-type-unsupported': 'body',
} as const satisfies Record<DenialReason, StepName>

/** The judgement that comes to this reason. */
export function stepOf(reason: DenialReason): StepName {
  return steps[reason]
}

/** What a judgement came to, as far as the steps are concerned. */
export interface Verdict {
  readonly effect: 'permit' | 'deny' | 'fail'
  /** The step that refused, or that report-only let pass. */
  readonly at: StepName | undefined
  /** Whether establishments were found and permitted before the body was refused. */
  readonly hasEstablishments: boolean
}

/** The state of every step, from the one that decided. */
export function statesOf({ effect, at, hasEstablishments }: Verdict): ReadonlyMap<StepName, StepState> {
  const end = effect === 'deny' && at !== undefined ? stepNames.indexOf(at) : stepNames.length
  return new Map(
    stepNames.map((step, index): [StepName, StepState] => {
      if (effect === 'fail') return [step, step === 'forwarding' ? 'failed' : 'passed']
      if (step === at) return [step, effect === 'permit' ? 'overlooked' : 'denied']
      // a body is judged before, between or after what it names
      if (effect === 'deny' && at === 'body' && step === 'establishments' && !hasEstablishments)
        return [step, 'not-reached']
      return [step, index < end ? 'passed' : 'not-reached']
    }),
  )
}
