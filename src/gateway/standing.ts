import { findEntry } from '../core/admission.js'
import { judgeDates, turningPoints } from '../core/entry-dates.js'
import type { DenialReason } from '../core/reasons.js'
import type { WhitelistEntry } from '../core/whitelist.js'
import type { Certificate } from '../x509/certificate.js'
import type { EnvironmentPolicy } from './policy.js'
import { judgeTrust, type TrustQuestion } from './trust.js'

/** Whether a certificate is welcome at all, whatever it may ask for, and until when that is settled. */
export interface Standing {
  /** Why it is not; undefined: it is. */
  readonly lost: DenialReason | undefined
  /** Epoch milliseconds: the next instant at which time alone may change this; Infinity: never. */
  readonly changesAt: number
}

export interface StandingQuestion extends TrustQuestion {
  /** Whether a responder has called the certificate of this chain revoked. */
  readonly isRevoked: (chain: readonly Certificate[], environment: EnvironmentPolicy) => boolean
}

/**
 * The standing of a certificate under one policy: trusted, not revoked, and listed by an entry whose
 * partner's dates hold. A revocation that is merely unknown takes no standing away: it passes.
 *
 * @param now - epoch milliseconds
 */
export function judgeStanding(question: StandingQuestion, now: number): Standing {
  const entries = entriesOf(question)
  const changesAt = Math.min(...instantsOf(question, entries).filter((instant) => instant > now))
  const trust = judgeTrust(question, now)
  if (!trust.ok && trust.problem.reason !== 'revocation-unknown') {
    return { lost: trust.problem.reason, changesAt }
  }
  if (trust.ok && question.isRevoked(trust.value, question.environment)) {
    return { lost: 'certificate-revoked', changesAt }
  }
  if (entries.length === 0) return { lost: 'certificate-not-listed', changesAt }
  const problems = entries.map((entry) => judgeDates(entry, now)?.reason)
  return { lost: problems.includes(undefined) ? undefined : problems[0], changesAt }
}

// APIs may match by name or by key, so that one certificate stands in the list more than once
function entriesOf({ environment, identity }: TrustQuestion): readonly WhitelistEntry[] {
  const found = new Map<number, WhitelistEntry>()
  for (const api of [undefined, ...environment.apis]) {
    const entry = findEntry(environment.whitelist, identity.names, api)
    if (entry !== undefined) found.set(entry.index, entry)
  }
  return [...found.values()]
}

function instantsOf(question: TrustQuestion, entries: readonly WhitelistEntry[]): readonly number[] {
  const { environment, identity, peer } = question
  const skew = environment.config.tls.clockSkewSeconds * 1000
  const paths = environment.trustedPaths.of(identity.certificate, peer)
  return [
    // the second of notAfter still counts as valid
    ...(paths.ok
      ? paths.value.flatMap(({ notBefore, notAfter }) => [notBefore - skew, notAfter + 1000 + skew])
      : []),
    ...entries.flatMap(turningPoints),
  ]
}
