import type { Admission } from '../core/admission.js'
import { deny, type Denial } from '../core/decision.js'
import { methodOverridden, overridesMethod } from '../core/request-target.js'
import { judgeContentEncoding } from '../fhir/media-type.js'
import { readBody } from '../http/body.js'
import { judgeTokenInForm, maybeForm } from '../oauth/token-binding.js'
import { hasBody } from './answer.js'
import type { Arrival } from './arrival.js'
import { forwardAdmitted } from './forward.js'
import type { Exchange } from './request.js'

interface Unjudged {
  readonly admission: Admission
  readonly maxBodyBytes: number
}

/**
 * Forwards a request whose body nobody judges: as it comes where its length is announced, held first
 * where it is not, so that one too large is refused before the upstream sees any of it. A form is held
 * where tokens must be bound, since none may hide in it, and where it only reads (`_search`): `_method` in
 * it would make something else of it.
 */
export function forwardUnjudged(
  exchange: Exchange,
  arrival: Arrival,
  unjudged: Unjudged,
): Promise<Denial | undefined> {
  if (hasBody(exchange.request)) return forwardWithBody(exchange, arrival, unjudged)
  return forwardAdmitted(exchange, arrival, { admission: unjudged.admission, body: 'none' })
}

async function forwardWithBody(
  exchange: Exchange,
  arrival: Arrival,
  { admission, maxBodyBytes }: Unjudged,
): Promise<Denial | undefined> {
  const { request, gateway } = exchange
  const { 'content-length': announced, 'content-type': contentType } = request.headers
  if (Number(announced ?? 0) > maxBodyBytes)
    return deny('body-too-large', { sent: { maxBytes: String(maxBodyBytes) } })
  const isForm = maybeForm(contentType)
  const mayHideToken = isForm && admission.api.tokenBinding !== 'off'
  const mayOverride = isForm && admission.operation.kind === 'read'
  const isHeld = mayHideToken || mayOverride
  if (isHeld) {
    const encoding = judgeContentEncoding(request.headers['content-encoding'])
    if (encoding !== undefined) return encoding
  }
  if (announced !== undefined && !isHeld)
    return forwardAdmitted(exchange, arrival, { admission, body: 'stream' })
  const body = await readBody(exchange, {
    maxBytes: maxBodyBytes,
    timeoutMs: arrival.config.limits.bodyTimeoutMs,
    account: gateway.bodyAccount,
  })
  if ('effect' in body) return body
  if (mayOverride && overridesMethodInForm(body))
    return deny('request-ambiguous', { detail: methodOverridden, sent: { problem: methodOverridden } })
  const hidden = mayHideToken ? judgeTokenInForm(body) : undefined
  if (hidden !== undefined) return hidden
  return forwardAdmitted(exchange, arrival, { admission, body })
}

// in a multipart form, too
function overridesMethodInForm(body: Uint8Array): boolean {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
  return overridesMethod(text) || /;\s*name\s*=\s*"?_method\b/i.test(text)
}
