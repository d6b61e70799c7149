import { deny, type Denial } from '../core/decision.js'
import type { Result } from '../core/result.js'

/** What the gateway reads of a token request; secrets and assertions are passed over. */
export interface TokenForm {
  readonly clientId: string | undefined
  readonly grantType: string | undefined
}

const formType = /^application\/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*)?$/i
const maxBytes = 65_536
const maxParameters = 64
// what an encoder writes: unreserved characters, `*`, `+`, escapes; `~` and a few more are written bare by some
const encoded = /^(?:[A-Za-z0-9\-._~*+!'()@:/?$,]|%[0-9A-Fa-f]{2})*$/

/**
 * `client_id` and `grant_type` of a token request, or the denial.
 *
 * Strict, because the server behind reads the same bytes with a parser of its own: each name once
 * (compared as decoded), every escape whole, UTF-8, no bare control or 8-bit character. A parameter
 * without a value counts as not sent.
 *
 * @see RFC 6749 section 3.2, 4.4.2 and appendix B
 */
export function readTokenForm(body: Uint8Array, contentType: string | undefined): Result<TokenForm, Denial> {
  if (contentType === undefined || !formType.test(contentType)) {
    const sent = { expected: 'application/x-www-form-urlencoded' }
    return { ok: false, problem: deny('media-type-unsupported', { sent }) }
  }
  if (body.length > maxBytes) return { ok: false, problem: deny('body-too-large') }
  const parts = new TextDecoder('latin1').decode(body).split('&')
  if (parts.length > maxParameters) return unreadable('the form has too many parameters')
  const seen = new Set<string>()
  const form: { clientId: string | undefined; grantType: string | undefined } = {
    clientId: undefined,
    grantType: undefined,
  }
  for (const part of parts) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decoded(equals === -1 ? part : part.slice(0, equals))
    const value = decoded(equals === -1 ? '' : part.slice(equals + 1))
    if (name === undefined || value === undefined) return unreadable('a parameter is not form-encoded UTF-8')
    if (seen.has(name)) return unreadable('a parameter stands there twice')
    seen.add(name)
    if (name === 'client_id') form.clientId = value === '' ? undefined : value
    if (name === 'grant_type') form.grantType = value === '' ? undefined : value
  }
  return { ok: true, value: form }
}

function decoded(text: string): string | undefined {
  if (!encoded.test(text)) return undefined
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function unreadable(problem: string): { ok: false; problem: Denial } {
  return { ok: false, problem: deny('body-unreadable', { detail: problem, sent: { problem } }) }
}
