/** A JWT of these claims whose signature nobody made. */
export function jwtOf(claims: unknown, header: unknown = { alg: 'RS256', typ: 'at+jwt' }): string {
  return [part(header), part(claims), 'c2lnbmF0dXJl'].join('.')
}

/** A text, or a value as JSON, in base64url. */
export function part(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return Buffer.from(text).toString('base64url')
}
