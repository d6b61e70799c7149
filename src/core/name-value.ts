import { codePoint, controlIn, problemAt, read, shown, type NameProblem, type Read } from './name-problem.js'
import type { Result } from './result.js'

type ValueRead = Result<Read<string>, NameProblem>

/** A stretch of a text: what is read ends at `end` at the latest. */
export interface Span {
  readonly text: string
  readonly end: number
}

const specials = new Set(' "#+,;<=>\\')
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The attribute value at `start` in the forms with RFC 4514 escapes: plain, quoted (RFC 2253
 * section 4, and OpenSSL) or `#` and hexadecimal DER.
 *
 * Stops before an unescaped `,` or `+`, or at the end; spaces before a `+` are layout. Escapes are
 * a backslash before a special character, or pairs of hexadecimal digits that are UTF-8 together.
 */
export function readValue(span: Span, start: number): ValueRead {
  const first = span.text.charAt(start)
  if (start >= span.end || first === ',' || first === '+') {
    return problemAt(start, 'the attribute has no value')
  }
  if (first === '"') return readQuoted(span, start)
  if (first === '#') return readHexadecimal(span, start)
  return readPlain(span, start)
}

function readPlain(span: Span, start: number): ValueRead {
  const { text } = span
  let value = ''
  let at = start
  while (at < span.end) {
    const character = text.charAt(at)
    if (character === ',' || character === '+') break
    if (character === '\\') {
      const escaped = readEscapes(span, at)
      if (!escaped.ok) return escaped
      value += escaped.value.value
      at = escaped.value.end
      continue
    }
    if ('";<>'.includes(character)) {
      return problemAt(at, `\`${character}\` inside a value is written \`\\${character}\``)
    }
    value += character
    at += 1
  }
  return withoutLayout(span, start, { value, end: at })
}

// RFC 4514 section 2.4: a space at either end of a value is escaped, so one that is not is no part of it
function withoutLayout(span: Span, start: number, { value, end }: Read<string>): ValueRead {
  const { text } = span
  const first = /^\s/u.exec(text.slice(start, start + 1))
  if (first !== null) return edgeSpace(start, first[0])
  let last = end
  if (text.charAt(end) === '+') while (text.charAt(last - 1) === ' ' && !isEscaped(text, last - 1)) last -= 1
  if (last <= start) return problemAt(start, 'the attribute has no value')
  const edge = text.charAt(last - 1)
  if (/\s/u.test(edge) && !isEscaped(text, last - 1)) return edgeSpace(last - 1, edge)
  return read(value.slice(0, value.length - (end - last)), end)
}

function edgeSpace(offset: number, character: string): { ok: false; problem: NameProblem } {
  const [what, escape] =
    character === ' ' ? ['a space', '\\20'] : [codePoint(character), escapedBytes(character)]
  return problemAt(
    offset,
    `${what} at the edge of a value: remove it, or write \`${escape}\` if it belongs there`,
  )
}

function readQuoted(span: Span, start: number): ValueRead {
  const { text } = span
  let value = ''
  let at = start + 1
  while (at < span.end && text.charAt(at) !== '"') {
    if (text.charAt(at) !== '\\') {
      value += text.charAt(at)
      at += 1
      continue
    }
    const escaped = readEscapes(span, at)
    if (!escaped.ok) return escaped
    value += escaped.value.value
    at = escaped.value.end
  }
  if (at >= span.end) return problemAt(start, 'the quote that opens here is never closed')
  if (value === '') return problemAt(start, 'the attribute has no value')
  at += 1
  const behind = at
  while (at < span.end && text.charAt(at) === ' ') at += 1
  if (at < span.end && text.charAt(at) !== ',' && text.charAt(at) !== '+') {
    return problemAt(
      at,
      `expected \`,\`, \`+\` or the end after the closing quote, found ${shown(text.slice(at, span.end))}`,
    )
  }
  if (text.charAt(at) === ',' && at > behind) return edgeSpace(behind, ' ')
  return read(value, at)
}

// one special character, or all the pairs that stand together: `\C3\8E` is one letter
function readEscapes(span: Span, start: number): ValueRead {
  const { text } = span
  const next = start + 1 < span.end ? text.charAt(start + 1) : ''
  if (specials.has(next)) return read(next, start + 2)
  const bytes: number[] = []
  let at = start
  while (at + 2 < span.end && text.charAt(at) === '\\') {
    const pair = text.slice(at + 1, at + 3)
    if (!/^[0-9A-Fa-f]{2}$/.test(pair)) break
    bytes.push(Number.parseInt(pair, 16))
    at += 3
  }
  if (bytes.length === 0)
    return problemAt(start, `\`\\${next}\` is no escape; a backslash is written \`\\\\\``)
  const decoded = decodeUtf8(Uint8Array.from(bytes))
  if (decoded === undefined) return problemAt(start, 'the escaped bytes are not UTF-8')
  if (controlIn(decoded) !== null) return problemAt(start, 'an escaped control character')
  return read(decoded, at)
}

function readHexadecimal(span: Span, start: number): ValueRead {
  const { text } = span
  let end = start + 1
  while (end < span.end && /[0-9A-Fa-f]/.test(text.charAt(end))) end += 1
  const digits = text.slice(start + 1, end)
  let at = end
  while (at < span.end && text.charAt(at) === ' ') at += 1
  const stops = at >= span.end || text.charAt(at) === '+' || (text.charAt(at) === ',' && at === end)
  if (digits.length === 0 || digits.length % 2 === 1 || !stops) {
    return problemAt(
      start,
      'expected pairs of hexadecimal digits after `#`; a value that begins with `#` is written `\\#`',
    )
  }
  const bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
  const value = decodeDerText(bytes)
  if (value === undefined) {
    return problemAt(start, 'expected the DER of a UTF8String, PrintableString or IA5String after `#`')
  }
  if (value === '') return problemAt(start, 'the attribute has no value')
  if (controlIn(value) !== null) return problemAt(start, 'an encoded control character')
  return read(value, at)
}

// the string types whose text is sure; the others stay what only a certificate reader decodes
function decodeDerText(der: Uint8Array): string | undefined {
  const [tag, short = 0] = der
  let length = short
  let content = 2
  if (short >= 0x80) {
    content += short & 0x7f
    if (content > 4) return undefined
    length = der.slice(2, content).reduce((total, byte) => total * 256 + byte, 0)
    // the short form where it suffices, the fewest octets otherwise (X.690 section 10.1)
    if (length < 0x80 || der[2] === 0) return undefined
  }
  if (der.length !== content + length) return undefined
  const text = decodeUtf8(der.subarray(content))
  if (text === undefined) return undefined
  if (tag === 0x0c) return text
  if (tag === 0x13) return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text) ? text : undefined
  if (tag === 0x16) return /^\p{ASCII}*$/u.test(text) ? text : undefined
  return undefined
}

/** The text of UTF-8 bytes, or nothing where they are not exactly that. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** `\C3\8E`: each byte of the UTF-8 form as a pair of hexadecimal digits. */
export function escapedBytes(text: string): string {
  let escaped = ''
  for (const byte of new TextEncoder().encode(text)) {
    escaped += `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}

/** Whether an odd number of backslashes stands before the character there. */
export function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charAt(first - 1) === '\\') first -= 1
  return (at - first) % 2 === 1
}
