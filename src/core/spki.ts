declare const spkiSha256: unique symbol

/** SHA-256 of a SubjectPublicKeyInfo, as 64 lower-case hexadecimal digits. @see RFC 7469 section 2.4 */
export type SpkiSha256 = string & { readonly [spkiSha256]: true }

/** The pin as a value, from 64 hexadecimal digits or 44 base64 characters, `sha256:`/`sha256/`/`pin-sha256=` before it or not. */
export function parseSpkiSha256(text: string): SpkiSha256 | undefined {
  const bare = text
    .trim()
    .replace(/^(?:pin-sha256=|sha-?256[:/=])/i, '')
    .replace(/^"(.*)"$/, '$1')
  const hex = bare.replaceAll(':', '')
  if (/^[0-9a-f]{64}$/i.test(hex)) return hex.toLowerCase() as SpkiSha256 // checked on this line
  if (!/^[A-Za-z0-9+/]{43}=$/.test(bare) && !/^[A-Za-z0-9_-]{43}=?$/.test(bare)) return undefined
  const binary = atob(bare.replaceAll('-', '+').replaceAll('_', '/').replace(/=$/, '') + '=')
  let digits = ''
  for (const character of binary) digits += character.charCodeAt(0).toString(16).padStart(2, '0')
  // 43 characters can carry two stray bits: only the canonical spelling is a pin
  if (
    formatSpkiSha256(digits as SpkiSha256) !==
    `sha256:${bare.replaceAll('-', '+').replaceAll('_', '/').replace(/=$/, '')}=`
  )
    return undefined
  return digits as SpkiSha256 // 32 bytes, as 64 digits
}

/** `sha256:` and base64, the spelling whitelists use. */
export function formatSpkiSha256(pin: SpkiSha256): string {
  const bytes = pin.match(/../g) ?? []
  return `sha256:${btoa(String.fromCharCode(...bytes.map((byte) => Number.parseInt(byte, 16))))}`
}
