import { isReportOnly, settle, type Admission } from '../core/admission.js'
import type { Denial } from '../core/decision.js'
import { limitsOf } from '../core/partner-limits.js'
import { judgeTokenBinding } from '../oauth/token-binding.js'
import type { Arrival } from './arrival.js'
import { forwardUnjudged } from './forward-unjudged.js'
import type { LimitedTurn } from './partner-limiter.js'
import type { Exchange } from './request.js'
import { judgeAndForwardTokenRequest } from './token-request.js'
import { judgeAndForwardWrite } from './write.js'

/**
 * A request whose client may speak: within the partner's limits and with a token of its own, it is
 * judged further by what it asks, and forwarded.
 *
 * Limits and token are judged before a byte of the body is read. The request counts as under way
 * until its exchange is over, whatever became of it.
 */
export function serveAdmitted(
  exchange: Exchange,
  arrival: Arrival,
  admission: Admission,
): Denial | undefined | Promise<Denial | undefined> {
  const { gateway, request } = exchange
  const { environment } = arrival
  const { entry } = admission
  const { partner } = entry
  const limits = limitsOf(partner.limits, environment.config.partnerLimits)
  const announcedBytes = Number(request.headers['content-length'] ?? 0)
  const turn = gateway.limiter.enter(
    { environment: environment.name, partner: partner.id, limits, announcedBytes },
    gateway.now(),
  )
  const served = { admission, denial: turn.denial, maxBodyBytes: limits.bodyBytes }
  return turn.isCounted
    ? serveCounted(exchange, arrival, { ...served, turn })
    : serveWithin(exchange, arrival, served)
}

interface Served {
  readonly admission: Admission
  /** Of the partner's limits. */
  readonly denial: Denial | undefined
  readonly maxBodyBytes: number | undefined
}

async function serveCounted(
  exchange: Exchange,
  arrival: Arrival,
  { turn, ...served }: Served & { readonly turn: LimitedTurn },
): Promise<Denial | undefined> {
  try {
    return await serveWithin(exchange, arrival, served)
  } finally {
    turn.leave()
  }
}

function serveWithin(
  exchange: Exchange,
  arrival: Arrival,
  { admission, denial, maxBodyBytes }: Served,
): Denial | undefined | Promise<Denial | undefined> {
  const { request, event } = exchange
  const { target, identity } = arrival
  const { api, entry } = admission
  if (denial !== undefined) {
    const settled = event.decided(settle(entry, denial))
    if (settled.effect === 'deny') return settled
  }
  const unbound = judgeTokenBinding({
    binding: api.tokenBinding,
    authorization: request.headers.authorization,
    query: target.query,
    certificateSha256: identity.certificate.sha256,
  })
  if (unbound !== undefined) return unbound
  const ofPartner = isReportOnly(entry) ? undefined : maxBodyBytes
  return serveByOperation(exchange, arrival, { admission, maxBodyBytes: ofPartner ?? Infinity })
}

function serveByOperation(
  exchange: Exchange,
  arrival: Arrival,
  { admission, maxBodyBytes: ofPartner }: { admission: Admission; maxBodyBytes: number },
): Promise<Denial | undefined> {
  const { operation, entry } = admission
  if (operation.kind === 'write') {
    const { rule } = operation
    const bounded = ofPartner < rule.maxBodyBytes ? { ...rule, maxBodyBytes: ofPartner } : rule
    return judgeAndForwardWrite(exchange, arrival, { admission, rule: bounded })
  }
  const maxBodyBytes = Math.min(arrival.config.limits.bodyBytes, ofPartner)
  const { clientId } = entry.partner
  if (operation.kind === 'read' || clientId === undefined)
    return forwardUnjudged(exchange, arrival, { admission, maxBodyBytes })
  return judgeAndForwardTokenRequest(exchange, arrival, { admission, maxBodyBytes, clientId })
}
