import { deny, type Denial } from '../core/decision.js'
import { decodeBase64 } from './base64.js'
import { readJwtClaims } from './jwt.js'
import type { TokenForm } from './token-form.js'

const givenId = 'the client id given to the partner'

/** A token request of a partner that may ask for one client only. */
export interface ClientIdQuestion {
  /** The partner's. */
  readonly clientId: string
  readonly form: TokenForm
  /** The Authorization field; undefined where none was sent. */
  readonly authorization: string | undefined
  /** Undefined where the target has no `?`. */
  readonly query: string | undefined
}

/**
 * Refuses a token request that names another client than the partner's, or none.
 *
 * A client may be named in the form, as user of Basic credentials, and in an assertion: each that is
 * there must be the partner's, so that it does not matter which one the server reads. Keycloak reads
 * the query, too: none is taken.
 *
 * @see RFC 6749 sections 2.3.1 and 3.2.1, RFC 7523 section 3, RFC 8705 section 2
 */
export function judgeClientId({
  clientId,
  form,
  authorization,
  query,
}: ClientIdQuestion): Denial | undefined {
  if (query !== undefined) return mismatch('query', 'no query')
  const named: (readonly [at: string, client: unknown])[] = []
  if (form.clientId !== undefined) named.push(['client_id', form.clientId])
  if (authorization !== undefined) named.push(['Authorization', basicUser(authorization)])
  if (form.clientAssertion !== undefined) {
    const claims = readJwtClaims(form.clientAssertion)
    const isRead = typeof claims === 'object'
    named.push(['client_assertion sub', isRead ? claims['sub'] : undefined])
    named.push(['client_assertion iss', isRead ? claims['iss'] : undefined])
  }
  if (named.length === 0) return mismatch('client_id', givenId, 'no client id was sent')
  for (const [at, client] of named) {
    if (client !== clientId) return mismatch(at, givenId)
  }
  return undefined
}

// the user of Basic credentials, where servers that decode it and servers that do not read the same
function basicUser(authorization: string): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization)?.[1]
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded)
  if (bytes === undefined) return undefined
  const credentials = Buffer.from(bytes).toString('latin1')
  const colon = credentials.indexOf(':')
  const user = colon === -1 ? '' : credentials.slice(0, colon)
  return /^[\x20-\x7e]+$/.test(user) && !/[%+]/.test(user) ? user : undefined
}

// what was sent is not repeated: it may stand beside a secret
function mismatch(at: string, expected: string, problem?: string): Denial {
  const sent = problem === undefined ? { at, expected } : { at, problem, expected }
  return deny('client-id-mismatch', { detail: problem ?? `at ${at}`, sent })
}
