import type { AttributeTypeAndValue, DistinguishedName } from './distinguished-name.js'
import { oidAt, typeAt } from './name-attribute.js'
import { codePoint, controlIn, problemAt, read, shown, type NameProblem, type Read } from './name-problem.js'
import { decodeUtf8, type Span } from './name-value.js'
import type { Result } from './result.js'

/**
 * A name in OpenSSL's old form: `/C=FR/O=x/CN=y`, in encoded order.
 *
 * OpenSSL 1 escaped nothing but bytes that do not print (`\xC3\x8E`), OpenSSL 3 also `\/` and `\+`.
 * So a `/` begins an attribute only where a `TYPE=` follows, and belongs to the value otherwise;
 * the same holds for `+`. Every other backslash, an unknown type behind a `/`, and spaces at the
 * edges of a value are errors: they could be read in two ways.
 */
export function parseSlashName(span: Span, start: number): Result<DistinguishedName, NameProblem> {
  const rdns: AttributeTypeAndValue[][] = []
  let at = start
  while (at < span.end) {
    const separator = span.text.charAt(at)
    const type = typeAt(span, at + 1)
    if (type?.before !== '') {
      const rest = span.text.slice(at + 1, span.end)
      return rest === ''
        ? problemAt(at, 'the name ends with a separator `/`')
        : problemAt(at + 1, `expected \`TYPE=value\` after \`/\`, found ${shown(rest)}`)
    }
    const oid = oidAt(type.written, at + 1)
    if (!oid.ok) return oid
    const value = readSlashValue(span, type.end)
    if (!value.ok) return value
    const attribute = { type: oid.value, value: value.value.value }
    const last = rdns.at(-1)
    if (separator === '+' && last !== undefined) last.push(attribute)
    else rdns.push([attribute])
    at = value.value.end
  }
  return { ok: true, value: rdns }
}

function readSlashValue(span: Span, start: number): Result<Read<string>, NameProblem> {
  const { text } = span
  let value = ''
  let at = start
  while (at < span.end) {
    const character = text.charAt(at)
    if (character === '\\') {
      const escaped = readSlashEscape(span, at)
      if (!escaped.ok) return escaped
      value += escaped.value.value
      at = escaped.value.end
      continue
    }
    if (character === '/' || character === '+') {
      const separates = isSeparator(span, at)
      if (!separates.ok) return separates
      if (separates.value) break
    }
    value += character
    at += 1
  }
  if (at === start) return problemAt(start, 'the attribute has no value')
  const edge = [start, at - 1].find((offset) => /\s/u.test(text.charAt(offset)))
  if (edge !== undefined) {
    const character = text.charAt(edge)
    const what = character === ' ' ? 'a space' : codePoint(character)
    return problemAt(
      edge,
      `${what} at the edge of a value: remove it, or write \`${slashEscapedBytes(character)}\` if it belongs there`,
    )
  }
  if (text.charAt(at - 1) === '/' && text.charAt(at - 2) !== '\\' && at < span.end) {
    return problemAt(at - 1, 'a doubled `/`: remove one, or write `\\/` if it belongs to the value')
  }
  return read(value, at)
}

// whether the `/` or `+` there begins another attribute; an error where it looks so but names no type
function isSeparator(span: Span, at: number): Result<boolean, NameProblem> {
  const separator = span.text.charAt(at)
  if (at + 1 >= span.end) {
    return separator === '/' ? { ok: true, value: true } : { ok: true, value: false }
  }
  const type = typeAt(span, at + 1)
  if (type?.before !== '') return { ok: true, value: false }
  const oid = oidAt(type.written, at + 1)
  if (oid.ok) return { ok: true, value: true }
  const { message, offset } = oid.problem
  return problemAt(
    offset,
    `${message} (a \`${separator}\` that belongs to the value is written \`\\${separator}\`)`,
  )
}

function readSlashEscape(span: Span, start: number): Result<Read<string>, NameProblem> {
  const { text } = span
  const next = start + 1 < span.end ? text.charAt(start + 1) : ''
  if (next === '/' || next === '+') return read(next, start + 2)
  const run = /^(?:\\x[0-9A-Fa-f]{2})+/.exec(text.slice(start, span.end))?.[0]
  if (run === undefined) {
    return problemAt(
      start,
      'a backslash in this form is written `\\x5C`: OpenSSL prints it in a way that cannot be read surely',
    )
  }
  const bytes = run.match(/[0-9A-Fa-f]{2}/g) ?? []
  const decoded = decodeUtf8(Uint8Array.from(bytes, (pair) => Number.parseInt(pair, 16)))
  if (decoded === undefined) return problemAt(start, 'the escaped bytes are not UTF-8')
  if (controlIn(decoded) !== null) return problemAt(start, 'an escaped control character')
  return read(decoded, start + run.length)
}

/** `\xC3\x8E`: the bytes as OpenSSL escapes them in this form. */
export function slashEscapedBytes(text: string): string {
  let escaped = ''
  for (const byte of new TextEncoder().encode(text)) {
    escaped += `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}
