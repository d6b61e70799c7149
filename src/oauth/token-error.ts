import type { Denial } from '../core/decision.js'
import { renderingOf } from '../core/reasons.js'
import { legible, sentOf } from '../core/refusal-text.js'

/** An answer's body and its type; it goes out with `Cache-Control: no-store` (RFC 6749 section 5.1). */
export interface RenderedTokenError {
  readonly contentType: string
  readonly body: string
}

/**
 * A refusal on the token path: `error` and `error_description` of RFC 6749, and beside them our
 * reason, the French sentence, what the client itself sent and the request id.
 *
 * @see RFC 6749 section 5.2
 */
export function renderTokenError(refusal: {
  readonly denial: Denial
  readonly requestId: string
}): RenderedTokenError {
  const { denial, requestId } = refusal
  const { oauth, en, fr } = renderingOf(denial.reason)
  const sent = sentOf(denial)
  const description = [en, ...sent.map(([name, value]) => `${name}: ${value}`)].join('; ')
  return render({
    error: oauth,
    error_description: describable(description),
    reason: denial.reason,
    reason_en: en,
    reason_fr: fr,
    ...(sent.length === 0 ? {} : { sent: Object.fromEntries(sent) }),
    request_id: legible(requestId),
  })
}

/** A failure on the token path: the request id, nothing else. */
export function renderTokenFailure(failure: {
  readonly requestId: string
  readonly status: number
}): RenderedTokenError {
  const { requestId, status } = failure
  return render({
    error: status === 503 ? 'temporarily_unavailable' : 'server_error',
    request_id: legible(requestId),
  })
}

function render(members: Readonly<Record<string, unknown>>): RenderedTokenError {
  return { contentType: 'application/json', body: JSON.stringify(members) }
}

// error_description takes %x20-21 / %x23-5B / %x5D-7E alone: accents are folded, the rest marked
function describable(text: string): string {
  return text
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/["’‘“”«»]/gu, "'")
    .replaceAll('œ', 'oe')
    .replaceAll('Œ', 'OE')
    .replaceAll('\\', '/')
    .replaceAll(/[^\x20-\x7e]/gu, '?')
}
