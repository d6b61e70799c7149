import { decodeBase64Url } from './base64.js'
import { readJsonObject } from './strict-json.js'

/** The claims of a JWT, unverified: who made it is not known here. */
export type JwtClaims = Readonly<Record<string, unknown>>

/**
 * What a token is: claims that can be read, `opaque` where it has not the form of a signed JWT,
 * `malformed` where it has that form, and readers could differ about what it says.
 *
 * INVARIANT: only read. The signature is not checked, so nothing may be granted for what it says.
 *
 * @see RFC 7519 section 7.2, RFC 7515 section 3.1
 */
export function readJwtClaims(token: string): JwtClaims | 'opaque' | 'malformed' {
  const parts = token.split('.')
  // some readers drop what is empty at the end (Java's `split`): behind three parts, it would be a JWT to them
  if (parts.length > 3 && parts.at(-1) === '') return 'malformed'
  // five parts are encrypted (RFC 7516): nobody reads their claims but the upstream
  if (parts.length !== 3) return 'opaque'
  const [header, claims, signature] = parts.map(decodeBase64Url)
  if (header === undefined || claims === undefined || signature === undefined) return 'malformed'
  if (readJsonObject(header) === undefined) return 'malformed'
  return readJsonObject(claims) ?? 'malformed'
}
