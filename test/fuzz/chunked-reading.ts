/** A request as it may be sent in chunks, and how far its bytes go. */
export interface ChunkedReading {
  readonly body: string
  readonly end: number
}

/**
 * The first chunked body of the bytes (latin1), read by the grammar alone: undefined while it is not
 * whole, `invalid` where it can never be.
 *
 * Independent of what it judges: neither Node's parser nor anything of the gateway is used.
 *
 * @see RFC 9112 section 7.1
 */
export function readChunkedBody(bytes: string, start: number): ChunkedReading | 'invalid' | undefined {
  let at = start
  let body = ''
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const line = lineEnd === -1 ? bytes.slice(at) : bytes.slice(at, lineEnd)
    if (lineEnd === -1) return undefined
    const size = sizeLine.exec(line)?.[1]
    if (size === undefined) return 'invalid'
    const length = Number.parseInt(size, 16)
    if (!Number.isSafeInteger(length)) return 'invalid'
    at = lineEnd + 2
    if (length === 0) return readTrailers(bytes, at, body)
    const end = at + length
    if (bytes.length < end + 2) return bytes.length > end && bytes[end] !== '\r' ? 'invalid' : undefined
    if (bytes.slice(end, end + 2) !== '\r\n') return 'invalid'
    body += bytes.slice(at, end)
    at = end + 2
  }
}

function readTrailers(bytes: string, start: number, body: string): ChunkedReading | 'invalid' | undefined {
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const line = bytes.slice(at, lineEnd)
    at = lineEnd + 2
    if (line === '') return { body, end: at }
    if (!trailerLine.test(line)) return 'invalid'
  }
}

const token = String.raw`[!#$%&'*+\-.^_\`|~0-9A-Za-z]+`
// what stands in an extension is dropped, and Node takes more than the grammar does (`1;;a=b`)
const extension = String.raw`[\t ]*;[\t\x20-\x7e\x80-\xff]*`
const sizeLine = new RegExp(String.raw`^([0-9A-Fa-f]+)(?:${extension})?$`)
const trailerLine = new RegExp(String.raw`^${token}:[\t\x20-\x7e\x80-\xff]*$`)
