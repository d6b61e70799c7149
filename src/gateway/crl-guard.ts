import type { Diagnostic } from '../core/diagnostic.js'
import type { SpkiSha256 } from '../core/spki.js'
import type { Certificate } from '../x509/certificate.js'
import { commonNameOf } from '../x509/common-name.js'
import { crlIdentity, formatAge, goesBack } from '../x509/crl-age.js'
import type { EnvironmentPolicy, ListedCrl, Policy } from './policy.js'

/**
 * Whether a new policy forgets revocations: a CRL older than the one in force, or none any more.
 *
 * Whoever was revoked in between would be admitted again. Not guarded is what admits nobody, an issuer that
 * is gone with every authority above it, and an environment that looks at no revocation (`crlPolicy: off`, in so
 * many words).
 *
 * @returns one error for each CRL in force, with the revision that confirms it
 */
export function judgeForgottenCrls(next: Policy, current: Policy): readonly Diagnostic[] {
  return [...current.environments.values()].flatMap((before) => {
    const after = next.environments.get(before.name)
    if (after === undefined || !looksAtCrls(before) || !looksAtCrls(after)) return []
    return before.crls.flatMap((crl) => {
      const isAbandoned = !standsBelow(crl, before.authorities, after.authorities)
      return isAbandoned ? [] : (judgeSuccessor(crl, after, next.revision) ?? [])
    })
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
  const message = `\`${before.file}\`: the CRL of \`${issuer}\` (${formatAge(before)}) is in force in \`${name}\` and in no file any more: who it revokes could be admitted again; put a CRL of this issuer back, or, if that is meant: ${confirm}`
  return { severity: 'error', code: 'crl-dropped', place: config.place, message }
}

/**
 * Whether the issuer of a CRL, or an authority above it, is still an authority.
 *
 * Its own certificate alone being gone stops nobody: clients bring it along, below the one that stays. With all
 * of them gone nobody enters by it, and giving up an authority that was broken into waits for no confirmation.
 */
function standsBelow(
  { issuerSpkiSha256 }: ListedCrl,
  known: readonly Certificate[],
  authorities: readonly Certificate[],
): boolean {
  const keys = new Set<SpkiSha256>([issuerSpkiSha256])
  const names = new Set<string>()
  for (let size = 0; size < keys.size;) {
    size = keys.size
    for (const { spkiSha256, issuerKey } of known) if (keys.has(spkiSha256)) names.add(issuerKey)
    for (const { spkiSha256, subjectKey } of known) if (names.has(subjectKey)) keys.add(spkiSha256)
  }
  return authorities.some(({ spkiSha256 }) => keys.has(spkiSha256))
}
