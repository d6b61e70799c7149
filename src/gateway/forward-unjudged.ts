import type { Admission } from '../core/admission.js'
import { deny, type Denial } from '../core/decision.js'
import { judgeContentEncoding } from '../fhir/media-type.js'
import { readBody } from '../http/body.js'
import { judgeTokenInForm, maybeForm } from '../oauth/token-binding.js'
import { hasBody } from './answer.js'
import type { Arrival } from './arrival.js'
import { forwardAdmitted } from './forward.js'
import type { Exchange } from './request.js'

/**
 * Forwards a request whose body nobody judges: as it comes where its length is announced, held first
 * where it is not, so that one too large is refused before the upstream sees any of it. A form is held
 * where tokens must be bound: none may hide in it.
 */
export async function forwardUnjudged(
  exchange: Exchange,
  arrival: Arrival,
  { admission, maxBodyBytes }: { readonly admission: Admission; readonly maxBodyBytes: number },
): Promise<Denial | undefined> {
  const { request, gateway } = exchange
  if (!hasBody(request)) {
    await forwardAdmitted(exchange, arrival, { admission, body: 'none' })
    return undefined
  }
  const { 'content-length': announced, 'content-type': contentType } = request.headers
  if (Number(announced ?? 0) > maxBodyBytes)
    return deny('body-too-large', { sent: { maxBytes: String(maxBodyBytes) } })
  const mayHideToken = admission.api.tokenBinding !== 'off' && maybeForm(contentType)
  if (mayHideToken) {
    const encoding = judgeContentEncoding(request.headers['content-encoding'])
    if (encoding !== undefined) return encoding
  }
  if (announced !== undefined && !mayHideToken) {
    await forwardAdmitted(exchange, arrival, { admission, body: 'stream' })
    return undefined
  }
  const body = await readBody(exchange, {
    maxBytes: maxBodyBytes,
    timeoutMs: arrival.config.limits.requestTimeoutMs,
    account: gateway.bodyAccount,
  })
  if ('effect' in body) return body
  const hidden = mayHideToken ? judgeTokenInForm(body) : undefined
  if (hidden !== undefined) return hidden
  await forwardAdmitted(exchange, arrival, { admission, body })
  return undefined
}
