import { deny, type Denial } from '../core/decision.js'
import type { Result } from '../core/result.js'

/** What the gateway reads of a token request; secrets are passed over. */
export interface TokenForm {
  readonly clientId: string | undefined
  readonly grantType: string | undefined
  readonly clientAssertion: string | undefined
}

const formType = /^application\/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*)?$/i
/** Longest form that is read. */
export const largestTokenForm = 65_536
const maxParameters = 64
// read here; other names are passed over
const names = new Map(
  ['client_id', 'grant_type', 'client_assertion'].map((name) => [folded(name), name] as const),
)
// what an encoder writes: unreserved characters, `*`, `+`, escapes; `~` and a few more are written bare by some
const encoded = /^(?:[A-Za-z0-9\-._~*+!'()@:/?$,]|%[0-9A-Fa-f]{2})*$/

/**
 * Who asks for a token, and how, or the denial.
 *
 * Strict, because the server behind reads the same bytes with a parser of its own: each name once
 * (compared as decoded), every escape whole, UTF-8, no bare control or 8-bit character. A parameter
 * without a value counts as not sent. A name that a loose reader takes for one of those read here
 * (`Client_Id`, `client_id%20`) is refused.
 *
 * @see RFC 6749 section 3.2, 4.4.2 and appendix B
 */
export function readTokenForm(body: Uint8Array, contentType: string | undefined): Result<TokenForm, Denial> {
  if (contentType === undefined || !formType.test(contentType)) {
    const sent = { expected: 'application/x-www-form-urlencoded' }
    return { ok: false, problem: deny('media-type-unsupported', { sent }) }
  }
  if (body.length > largestTokenForm) return { ok: false, problem: deny('body-too-large') }
  const parts = new TextDecoder('latin1').decode(body).split('&')
  if (parts.length > maxParameters) return unreadable('the form has too many parameters')
  const seen = new Map<string, string>()
  for (const part of parts) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decoded(equals === -1 ? part : part.slice(0, equals))
    const value = decoded(equals === -1 ? '' : part.slice(equals + 1))
    if (name === undefined || value === undefined) return unreadable('a parameter is not form-encoded UTF-8')
    if (seen.has(name)) return unreadable('a parameter stands there twice')
    const meant = names.get(folded(name))
    if (meant !== undefined && meant !== name) return unreadable('a name can be taken for another one')
    seen.set(name, value)
  }
  const valueOf = (name: string): string | undefined => {
    const value = seen.get(name)
    return value === '' ? undefined : value
  }
  return {
    ok: true,
    value: {
      clientId: valueOf('client_id'),
      grantType: valueOf('grant_type'),
      clientAssertion: valueOf('client_assertion'),
    },
  }
}

function folded(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
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
