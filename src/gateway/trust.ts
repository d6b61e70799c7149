import { LRUCache } from 'lru-cache'
import { deny, type Denial } from '../core/decision.js'
import { formatName } from '../core/name-text.js'
import type { Result } from '../core/result.js'
import type { Peer } from '../tls/peer.js'
import { buildPaths, judgeValidity, splitAuthorities, type Trust, type TrustedPath } from '../x509/chain.js'
import { parseCertificate, type Certificate } from '../x509/certificate.js'
import type { Identity } from './identity.js'
import type { EnvironmentPolicy, Policy } from './policy.js'
import { judgeRevocation } from './revocation.js'

const keptPaths = 20_000

/**
 * The authorities of an environment, and the chains whose signatures were checked against them.
 *
 * INVARIANT: belongs to one list of authorities. What is kept is that signatures, names and constraints hold,
 * which no time changes; validity and revocation are judged for every request.
 */
export class TrustedPaths {
  private readonly trust: Trust
  private readonly kept = new LRUCache<string, readonly TrustedPath[]>({ max: keptPaths })

  constructor(authorities: readonly Certificate[]) {
    this.trust = splitAuthorities(authorities)
  }

  /**
   * The chains from this certificate to an anchor.
   *
   * @param peer - who presented others beside it; asked for them where the chains are not known yet
   */
  of(certificate: Certificate, peer: Pick<Peer, 'presented'>): ReturnType<typeof buildPaths> {
    const known = this.kept.get(certificate.sha256)
    if (known !== undefined) return { ok: true, value: known }
    const built = buildPaths({
      ...this.trust,
      leaf: certificate,
      presented: peer.presented.flatMap((der) => {
        const parsed = parseCertificate(der)
        return parsed.ok ? [parsed.value] : []
      }),
    })
    // a refusal is not kept: the same certificate may come again with the intermediate it lacked
    if (built.ok) this.kept.set(certificate.sha256, built.value)
    return built
  }
}

/** Whose certificate is judged, and by what. */
export interface TrustQuestion {
  readonly identity: Identity
  readonly peer: Peer
  readonly environment: EnvironmentPolicy
  readonly policy: Policy
}

/**
 * Whether this certificate is one of this environment, now: chain, purpose, validity, revocation.
 *
 * @param now - epoch milliseconds
 * @returns the verified chain, leaf first
 */
export function judgeTrust(question: TrustQuestion, now: number): Result<readonly Certificate[], Denial> {
  const { identity, peer, environment } = question
  const { certificate } = identity
  const paths = environment.trustedPaths.of(certificate, peer)
  if (!paths.ok) {
    const { reason, detail } = paths.problem
    const elsewhere = reason === 'certificate-untrusted' ? environmentTrusting(question) : undefined
    // it speaks of the chain alone: of what was presented, and of authorities that every client is told
    if (elsewhere === undefined)
      return {
        ok: false,
        problem: deny(reason, { detail, sent: { ...shown(certificate), problem: detail } }),
      }
    const sent = { ...shown(certificate), environment: environment.name, belongsTo: elsewhere }
    return { ok: false, problem: deny('certificate-other-environment', { detail, sent }) }
  }
  const moment = { at: now, clockSkewMs: environment.config.tls.clockSkewSeconds * 1000 }
  const valid = judgeValidity(paths.value, moment)
  if (!valid.ok) {
    const { reason, detail } = valid.problem
    return {
      ok: false,
      problem: deny(reason, {
        detail,
        sent: { ...shown(certificate), ...validity(certificate), problem: detail },
      }),
    }
  }
  const { chain } = valid.value
  const revoked = judgeRevocation(chain, environment, moment)
  if (revoked !== undefined) return { ok: false, problem: { ...revoked, sent: shown(certificate) } }
  return { ok: true, value: chain }
}

function environmentTrusting({ identity, peer, environment, policy }: TrustQuestion): string | undefined {
  for (const other of policy.environments.values()) {
    if (other === environment) continue
    if (other.trustedPaths.of(identity.certificate, peer).ok) return other.name
  }
  return undefined
}

/** What the client itself showed, as we read it. */
export function shown(certificate: Certificate): Record<string, string> {
  return {
    subject: formatName(certificate.subject),
    issuer: formatName(certificate.issuer),
    serialNumber: certificate.serialNumber,
  }
}

function validity({ notBefore, notAfter }: Certificate): Record<string, string> {
  return { notBefore: new Date(notBefore).toISOString(), notAfter: new Date(notAfter).toISOString() }
}
