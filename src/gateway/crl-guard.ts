import type { Diagnostic } from '../core/diagnostic.js'
import { commonNameOf } from '../x509/common-name.js'
import { crlIdentity, formatAge, goesBack } from '../x509/crl-age.js'
import type { EnvironmentPolicy, ListedCrl, Policy } from './policy.js'

/**
 * Whether a new policy forgets revocations: a CRL older than the one in force, or none any more.
 *
 * Whoever was revoked in between would be admitted again. An environment that looks at no revocation
 * (`crlPolicy: off`, in so many words) is not guarded.
 *
 * @returns one error for each CRL in force, with the revision that confirms it
 */
export function judgeForgottenCrls(next: Policy, current: Policy): readonly Diagnostic[] {
  return [...current.environments.values()].flatMap((before) => {
    const after = next.environments.get(before.name)
    if (after === undefined || !looksAtCrls(before) || !looksAtCrls(after)) return []
    return before.crls.flatMap((crl) => judgeSuccessor(crl, after, next.revision) ?? [])
  })
}

function looksAtCrls({ config }: EnvironmentPolicy): boolean {
  return config.tls.crlPolicy !== 'off'
}

function judgeSuccessor(
  before: ListedCrl,
  { name, config, crls }: EnvironmentPolicy,
  revision: string,
): Diagnostic | undefined {
  const identity = crlIdentity(before)
  // two files may hold a list of one issuer: both count
  const successors = crls.filter((crl) => crlIdentity(crl) === identity)
  if (successors.some((crl) => !goesBack(crl, before))) return undefined
  const issuer = commonNameOf(before.issuer)
  const confirm = `\`ror-gateway reload --confirm ${revision}\``
  const [older] = successors
  if (older !== undefined) {
    const message = `\`${older.file}\`: the CRL of \`${issuer}\` goes back (${formatAge(older)}) behind the one in force in \`${name}\` (${formatAge(before)}): who was revoked since would be admitted again; put a newer CRL into the file, or, if that is meant, as where the issuer numbers anew: ${confirm}`
    return { severity: 'error', code: 'crl-older', place: older.place, message }
  }
  // its authority may be gone too: what it issued enters by the authority above it
  const message = `\`${before.file}\`: the CRL of \`${issuer}\` (${formatAge(before)}) is in force in \`${name}\` and in no file any more: who it revokes could be admitted again; put a CRL of this issuer back, or, if that is meant: ${confirm}`
  return { severity: 'error', code: 'crl-dropped', place: config.place, message }
}
