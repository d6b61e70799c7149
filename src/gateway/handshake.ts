import { deny, type Denial } from '../core/decision.js'
import type { Result } from '../core/result.js'
import type { Peer } from '../tls/peer.js'
import type { Identity } from './identity.js'
import type { GatewayState } from './state.js'
import { judgeTrust } from './trust.js'

interface HandshakeQuestion {
  readonly peer: Peer
  readonly environment: string
  readonly state: GatewayState
}

/** A handshake refused by ours, and whose it was. */
export interface HandshakeRefusal {
  readonly denial: Denial
  readonly identity: Identity | undefined
  readonly policyRevision: string
}

/**
 * What becomes of a finished handshake: whose connection it is, where that can be read, or under
 * `handshake: strict` the refusal that the certificate comes to.
 *
 * The judgement is that of each request (`judgeTrust`), not OpenSSL's: a handshake that it lets pass is
 * judged again with every request that comes over it.
 */
export function judgeHandshake(question: HandshakeQuestion): Result<Identity | undefined, HandshakeRefusal> {
  const { peer, environment: name, state } = question
  const policy = state.policy()
  const identified = state.identities.identify(peer)
  const identity = identified.ok ? identified.value : undefined
  const environment = policy.environments.get(name)
  if (environment?.config.tls.handshake === 'report') return { ok: true, value: identity }
  const refuse = (denial: Denial): Result<never, HandshakeRefusal> => {
    return { ok: false, problem: { denial, identity, policyRevision: policy.revision } }
  }
  if (environment === undefined)
    return refuse(deny('environment-mismatch', { detail: `no environment \`${name}\`` }))
  if (!identified.ok) return refuse(identified.problem)
  const trust = judgeTrust({ identity: identified.value, peer, environment, policy }, state.now())
  if (!trust.ok) return refuse(trust.problem)
  // what a responder has said already; one that must be asked first is asked with the first request
  if (state.ocsp.isKnownRevoked(trust.value, environment)) {
    return refuse(deny('certificate-revoked', { detail: 'an OCSP responder said so earlier' }))
  }
  return { ok: true, value: identity }
}
