/** The bytes of base64url without padding, or undefined: one spelling for each run of bytes. @see RFC 7515 section 2 */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  return /^[A-Za-z0-9_-]*$/.test(text) ? decodeExactly(text, 'base64url') : undefined
}

/** The bytes of base64 with its padding, or undefined. @see RFC 4648 section 4 */
export function decodeBase64(text: string): Uint8Array | undefined {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? decodeExactly(text, 'base64') : undefined
}

// Node repairs what it reads: what it would write is the one spelling taken
function decodeExactly(text: string, encoding: 'base64' | 'base64url'): Uint8Array | undefined {
  const bytes = Buffer.from(text, encoding)
  return bytes.toString(encoding) === text ? bytes : undefined
}
