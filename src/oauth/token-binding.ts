import type { TokenBinding } from '../core/api.js'
import { deny, type Denial } from '../core/decision.js'
import { parameterFinder } from '../core/parameter-name.js'
import { readJwtClaims } from './jwt.js'
import { isObject } from './strict-json.js'

/** A request that may carry a token, and the certificate of its connection. */
export interface BindingQuestion {
  readonly binding: TokenBinding
  /** The Authorization field; undefined where none was sent. */
  readonly authorization: string | undefined
  /** As sent, undecoded; undefined where there is no `?`. */
  readonly query: string | undefined
  /** SHA-256 of the certificate's DER, in hexadecimal. */
  readonly certificateSha256: string
}

const credentialsForm = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?: +(.*))?$/
const bearerToken = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * Refuses an access token that is bound to another certificate than that of the connection, and with
 * `required` every request whose token is bound to none.
 *
 * The token is only read: that it is genuine, the upstream finds out. An opaque token says nothing of a
 * certificate. What readers could differ about is refused: a JWT that is none, a token in the query.
 *
 * @see RFC 8705 sections 3 and 3.1, RFC 6750 section 2
 */
export function judgeTokenBinding(question: BindingQuestion): Denial | undefined {
  const { binding, authorization, query, certificateSha256 } = question
  if (binding === 'off') return undefined
  const certificate = Buffer.from(certificateSha256, 'hex').toString('base64url')
  const mismatch = (problem: string): Denial =>
    deny('token-binding-mismatch', { detail: problem, sent: { problem, certificate } })
  const unbound = (): Denial | undefined =>
    binding === 'required' ? mismatch('no access token that names the certificate') : undefined

  if (query !== undefined && holdsToken(query)) return mismatch('an access token in the query')
  if (authorization === undefined) return unbound()
  const [, scheme = '', token = ''] = credentialsForm.exec(authorization) ?? []
  if (scheme === '') return mismatch('the Authorization field cannot be read')
  const isBearer = scheme.toLowerCase() === 'bearer'
  if (isBearer ? !bearerToken.test(token) : /bearer/i.test(scheme))
    return mismatch('the Authorization field holds no Bearer token')
  // a token of another scheme (DPoP) may say what it is bound to just as well
  const claims = readJwtClaims(token)
  if (claims === 'opaque') return unbound()
  if (claims === 'malformed') return mismatch('the access token cannot be read')
  if (!Object.hasOwn(claims, 'cnf')) return unbound()
  const confirmation = claims['cnf']
  if (!isObject(confirmation)) return mismatch('the member `cnf` of the access token is no object')
  if (!Object.hasOwn(confirmation, 'x5t#S256')) return unbound()
  if (confirmation['x5t#S256'] === certificate) return undefined
  return mismatch('the access token names another certificate')
}

/** Whether a body of this type may be a form, to whoever reads it loosely. */
export function maybeForm(contentType: string | undefined): boolean {
  return contentType === undefined || /form/i.test(contentType)
}

/** Refuses an access token in a form: it is read in the Authorization field alone. @see RFC 6750 section 2.2 */
export function judgeTokenInForm(body: Uint8Array): Denial | undefined {
  const { buffer, byteOffset, byteLength } = body
  if (!holdsToken(Buffer.from(buffer, byteOffset, byteLength).toString('latin1'))) return undefined
  const problem = 'an access token in the body'
  return deny('token-binding-mismatch', { detail: problem, sent: { problem } })
}

// however it is escaped (RFC 6750 section 2.3)
const holdsToken = parameterFinder('access_token')
