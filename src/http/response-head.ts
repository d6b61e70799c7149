/** What the status line says. */
interface StatusLine {
  readonly status: number
  /** Of the version: HTTP/1.0 or HTTP/1.1. */
  readonly minor: 0 | 1
  /** Where the field lines begin. */
  readonly end: number
}

/** Field lines, and what they say of framing. */
interface FieldLines {
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[]
  /** Number of `Content-Length` fields: 0 or 1. */
  readonly lengths: number
  readonly length: number
  /** Number of `Transfer-Encoding` fields, which say `chunked`: 0 or 1. */
  readonly codings: number
  /** Whether `Connection` says `close`. */
  readonly isClose: boolean
  /** What `Keep-Alive` says. @see RFC 2068 section 19.7.1.1 */
  readonly keepAliveSeconds: number | undefined
}

const status = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/
const fieldSection = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*(?:\r\n|$))*$/
const decimal = /^[0-9]{1,15}$/

const maxFields = 500

/** The status line of a head without its last CR LF, or what is wrong with it. @see RFC 9112 section 4 */
export function statusLine(head: string): StatusLine | string {
  const end = head.indexOf('\r\n')
  const found = status.exec(end === -1 ? head : head.slice(0, end))
  if (found === null) return 'no status line of HTTP/1'
  return {
    status: Number(found[2]),
    minor: found[1] === '1' ? 1 : 0,
    end: end === -1 ? head.length : end + 2,
  }
}

/**
 * The field lines of a head without its last CR LF, from an index on, or what is wrong with them.
 *
 * Refused: names that are no token (a space before the colon, an empty one), continued lines, controls
 * and lone CR or LF in values, two lengths or a list of them, codings other than `chunked` alone.
 *
 * @see RFC 9112 sections 5 and 6
 */
export function fieldLines(head: string, from: number): FieldLines | string {
  if (!fieldSection.test(from === 0 ? head : head.slice(from))) return 'a line that is no field line'
  const rawHeaders: string[] = []
  let lengths = 0
  let length = 0
  let codings = 0
  let isClose = false
  let keepAliveSeconds: number | undefined
  for (let at = from; at < head.length;) {
    const colon = head.indexOf(':', at)
    const lineEnd = head.indexOf('\r\n', colon)
    const end = lineEnd === -1 ? head.length : lineEnd
    const name = head.slice(at, colon)
    const value = withoutSpace(head, colon + 1, end)
    rawHeaders.push(name, value)
    at = end + 2
    const kind = framingName(name)
    if (kind === 'connection') isClose ||= saysClose(value)
    else if (kind === 'keep-alive') keepAliveSeconds = secondsOf(value)
    else if (kind === 'content-length') {
      lengths += 1
      if (lengths > 1 || !decimal.test(value)) return 'a Content-Length that is not one decimal number'
      length = Number(value)
    } else if (kind === 'transfer-encoding') {
      codings += 1
      if (codings > 1 || value.toLowerCase() !== 'chunked') return 'a transfer coding other than `chunked`'
    }
  }
  if (rawHeaders.length > maxFields * 2) return `more than ${maxFields} fields`
  return { rawHeaders, lengths, length, codings, isClose, keepAliveSeconds }
}

// most names are told apart by their length alone
function framingName(name: string): string | undefined {
  return name.length === 10 || name.length === 14 || name.length === 17 ? name.toLowerCase() : undefined
}

function saysClose(value: string): boolean {
  const lower = value.toLowerCase()
  return (
    lower === 'close' || (lower.includes(',') && lower.split(',').some((part) => part.trim() === 'close'))
  )
}

function secondsOf(value: string): number | undefined {
  const found = /(?:^|[,\s])timeout=([0-9]{1,9})(?:$|[,\s])/i.exec(value)
  return found === null ? undefined : Number(found[1])
}

/** The value without the optional white space round it. @see RFC 9112 section 5.1 */
function withoutSpace(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isSpace(text.charCodeAt(start))) start += 1
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9
}
