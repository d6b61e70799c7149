import { settle, type Admission } from '../core/admission.js'
import type { Denial } from '../core/decision.js'
import { judgeContentEncoding } from '../fhir/media-type.js'
import { judgeClientId } from '../oauth/client-id.js'
import { largestTokenForm, readTokenForm } from '../oauth/token-form.js'
import { readBody } from '../http/body.js'
import type { Arrival } from './arrival.js'
import { forwardAdmitted } from './forward.js'
import type { Exchange } from './request.js'

interface PinnedTokenRequest {
  readonly admission: Admission
  readonly maxBodyBytes: number
  /** The one client that the partner may ask for. */
  readonly clientId: string
}

/** A token request of a partner with a client id of its own: the form is read whole, and what was read is sent. */
export async function judgeAndForwardTokenRequest(
  exchange: Exchange,
  arrival: Arrival,
  { admission, maxBodyBytes, clientId }: PinnedTokenRequest,
): Promise<Denial | undefined> {
  const { gateway, request, event } = exchange
  const encoding = judgeContentEncoding(request.headers['content-encoding'])
  if (encoding !== undefined) return encoding
  const body = await readBody(exchange, {
    maxBytes: Math.min(largestTokenForm, maxBodyBytes),
    timeoutMs: arrival.config.limits.bodyTimeoutMs,
    account: gateway.bodyAccount,
  })
  if ('effect' in body) return body
  const form = readTokenForm(body, request.headers['content-type'])
  if (!form.ok) return form.problem
  const { authorization } = request.headers
  const mismatch = judgeClientId({ clientId, form: form.value, authorization, query: arrival.target.query })
  if (mismatch !== undefined) {
    const settled = event.decided(settle(admission.entry, mismatch))
    if (settled.effect === 'deny') return settled
  }
  await forwardAdmitted(exchange, arrival, { admission, body })
  return undefined
}
