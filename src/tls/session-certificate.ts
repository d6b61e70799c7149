/**
 * DER of the peer's certificate in a session as OpenSSL writes it; undefined where there is none, or where
 * this is not what it looks like.
 *
 * The field `peer`, `[3] EXPLICIT`, of `SSL_SESSION_ASN1`: the very certificate that OpenSSL tells as the peer's.
 *
 * @param session - as `TLSSocket.getSession` gives it
 * @returns a view of the session
 * @see i2d_SSL_SESSION(3)
 */
export function certificateInSession(session: Buffer): Buffer | undefined {
  const whole = elementAt(session, 0)
  if (whole?.tag !== sequence || whole.end !== session.length) return undefined
  for (let at = whole.start; at < whole.end;) {
    const field = elementAt(session, at)
    if (field === undefined) return undefined
    if (field.tag === peerField) {
      const certificate = elementAt(session, field.start)
      const isOne = certificate?.tag === sequence && certificate.end === field.end
      return isOne ? session.subarray(field.start, field.end) : undefined
    }
    at = field.end
  }
  return undefined
}

const sequence = 0x30
const peerField = 0xa3

interface Element {
  readonly tag: number
  /** Of its content. */
  readonly start: number
  readonly end: number
}

/** The element that begins there, if all of it is there. @see ITU-T X.690 section 8.1 */
function elementAt(bytes: Buffer, at: number): Element | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) return undefined
  const more = first < 0x80 ? 0 : first - 0x80
  if (first === 0x80 || more > 3 || at + 2 + more > bytes.length) return undefined
  const start = at + 2 + more
  const end = start + (more === 0 ? first : bytes.readUIntBE(at + 2, more))
  return end > bytes.length ? undefined : { tag, start, end }
}
