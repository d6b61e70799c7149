/** What the first bytes of a connection say: not enough yet, or the server name, if one is asked for. */
export type HeardName =
  { readonly isWhole: false } | { readonly isWhole: true; readonly name: string | undefined }

const handshakeRecord = 22
const clientHello = 1
const serverNameExtension = 0
const hostNameType = 0
// far above any real ClientHello; what is longer has no name that counts
const mostBytes = 65_536

const nothing: HeardName = { isWhole: true, name: undefined }

/**
 * The server name in the ClientHello that these bytes begin with, in lower case.
 *
 * Total, and only a choice of what is shown: whatever is no ClientHello has no name here, and it is
 * for OpenSSL to refuse.
 *
 * @see RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3
 */
export function hearServerName(bytes: Buffer): HeardName {
  if (bytes.length > mostBytes) return nothing
  const pieces: Buffer[] = []
  let size = 0
  // a ClientHello may be cut into several records
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== handshakeRecord) return nothing
    if (at + 5 > bytes.length) break
    const end = at + 5 + bytes.readUInt16BE(at + 3)
    const piece = bytes.subarray(at + 5, end)
    pieces.push(piece)
    size += piece.length
    at = end
  }
  if (size < 4) return { isWhole: false }
  const message = Buffer.concat(pieces, size)
  if (message[0] !== clientHello) return nothing
  const end = 4 + message.readUIntBE(1, 3)
  if (end > mostBytes) return nothing
  return size < end ? { isWhole: false } : { isWhole: true, name: nameIn(message.subarray(4, end)) }
}

function nameIn(hello: Buffer): string | undefined {
  try {
    const sessionId = 2 + 32
    const suites = sessionId + 1 + hello.readUInt8(sessionId)
    const compressions = suites + 2 + hello.readUInt16BE(suites)
    let at = compressions + 1 + hello.readUInt8(compressions)
    const end = Math.min(hello.length, at + 2 + hello.readUInt16BE(at))
    at += 2
    while (at + 4 <= end) {
      const length = hello.readUInt16BE(at + 2)
      if (hello.readUInt16BE(at) === serverNameExtension)
        return hostNameIn(hello.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
  } catch {
    // a length that leads beyond the end
  }
  return undefined
}

// a list of one: no other type of name was ever defined
function hostNameIn(list: Buffer): string | undefined {
  if (list.readUInt8(2) !== hostNameType) return undefined
  const name = list.subarray(5, 5 + list.readUInt16BE(3)).toString('latin1')
  return name === '' ? undefined : name.toLowerCase()
}
