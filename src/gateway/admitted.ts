import { isReportOnly, settle, type Admission } from '../core/admission.js'
import type { Denial } from '../core/decision.js'
import { limitsOf } from '../core/partner-limits.js'
import { judgeTokenBinding } from '../oauth/token-binding.js'
import type { Arrival } from './arrival.js'
import { forwardUnjudged } from './forward-unjudged.js'
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
export async function serveAdmitted(
  exchange: Exchange,
  arrival: Arrival,
  admission: Admission,
): Promise<Denial | undefined> {
  const { gateway, request, event } = exchange
  const { environment, target, identity } = arrival
  const { api, entry } = admission
  const { partner } = entry
  const limits = limitsOf(partner.limits, environment.config.partnerLimits)
  const announcedBytes = Number(request.headers['content-length'] ?? 0)
  const turn = gateway.limiter.enter(
    { environment: environment.name, partner: partner.id, limits, announcedBytes },
    gateway.now(),
  )
  try {
    if (turn.denial !== undefined) {
      const settled = event.decided(settle(entry, turn.denial))
      if (settled.effect === 'deny') return settled
    }
    const unbound = judgeTokenBinding({
      binding: api.tokenBinding,
      authorization: request.headers.authorization,
      query: target.query,
      certificateSha256: identity.certificate.sha256,
    })
    if (unbound !== undefined) return unbound
    const ofPartner = isReportOnly(entry) ? undefined : limits.bodyBytes
    return await serveByOperation(exchange, arrival, { admission, maxBodyBytes: ofPartner ?? Infinity })
  } finally {
    turn.leave()
  }
}

async function serveByOperation(
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
