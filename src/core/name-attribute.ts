import { attributeOid, suggestAttributeName } from './attribute-types.js'
import type { AttributeTypeAndValue } from './distinguished-name.js'
import { problemAt, read, shown, type NameProblem, type Read } from './name-problem.js'
import { readValue, type Span } from './name-value.js'
import type { Result } from './result.js'

/** How the text stands round `=`: `CN=x` or `CN = x`. */
type Spacing = 'tight' | 'spaced'

/** One `TYPE=value` as read: its type, its value and its spacing. */
interface WrittenAttribute extends AttributeTypeAndValue {
  readonly spacing: Spacing
}

/** A set of attributes, and where in the text it begins. */
export interface WrittenRdn {
  readonly attributes: readonly WrittenAttribute[]
  readonly offset: number
}

// what an attribute type looks like: a name or an OID; then its equals sign
const typeAndEquals = /([A-Za-z][A-Za-z0-9-]*|(?:OID\.)?[0-9]+(?:\.[0-9]+)*)(\s*)=/iuy

/** The type that is written at `start`, as written, or nothing where no `TYPE=` begins there. */
export function typeAt(
  span: Span,
  start: number,
): { written: string; before: string; end: number } | undefined {
  typeAndEquals.lastIndex = start
  const match = typeAndEquals.exec(span.text)
  if (match === null || typeAndEquals.lastIndex > span.end) return undefined
  return { written: match[1] ?? '', before: match[2] ?? '', end: typeAndEquals.lastIndex }
}

/** The OID of a type as written at `offset`, or the problem that it is unknown. */
export function oidAt(written: string, offset: number): Result<string, NameProblem> {
  const oid = attributeOid(written)
  if (oid !== undefined) return { ok: true, value: oid }
  const near = suggestAttributeName(written)
  const hint = near === undefined ? 'write its OID instead, such as `2.5.4.97=`' : `did you mean \`${near}\`?`
  return problemAt(offset, `unknown attribute type ${shown(written)}; ${hint}`)
}

/**
 * The attributes up to a `,` or the end: one, or several joined with `+`.
 *
 * Spaces before a type are layout, no-break ones (mail puts them there) included: no type begins
 * with a space.
 */
export function readRdn(span: Span, start: number): Result<Read<WrittenRdn>, NameProblem> {
  const attributes: WrittenAttribute[] = []
  let at = start
  for (;;) {
    const attribute = readAttribute(span, at)
    if (!attribute.ok) return attribute
    attributes.push(attribute.value.value)
    at = attribute.value.end
    if (at >= span.end || span.text.charAt(at) !== '+') return read({ attributes, offset: start }, at)
    at += 1
  }
}

function readAttribute(span: Span, start: number): Result<Read<WrittenAttribute>, NameProblem> {
  const { text } = span
  let at = start
  while (at < span.end && /\p{Zs}/u.test(text.charAt(at))) at += 1
  const type = typeAt(span, at)
  if (type === undefined) return noAttribute(span, start, at)
  const oid = oidAt(type.written, at)
  if (!oid.ok) return oid
  let begin = type.end
  while (begin < span.end && text.charAt(begin) === ' ') begin += 1
  const spacedBefore = type.before !== ''
  if (spacedBefore !== begin > type.end) {
    return problemAt(type.end - 1, 'expected spaces on both sides of `=` or on neither')
  }
  const value = readValue(span, begin)
  if (!value.ok) return value
  const spacing = spacedBefore ? 'spaced' : 'tight'
  return read({ type: oid.value, value: value.value.value, spacing }, value.value.end)
}

function noAttribute(span: Span, start: number, at: number): { ok: false; problem: NameProblem } {
  const before = start === 0 ? '' : span.text.charAt(start - 1)
  const separator = before === ',' || before === '+' ? before : undefined
  if (at >= span.end) {
    return separator === undefined
      ? problemAt(at, 'expected a name, found nothing')
      : problemAt(start - 1, `the name ends with a separator \`${separator}\``)
  }
  const found = shown(span.text.slice(at, span.end))
  return separator === undefined
    ? problemAt(at, `expected \`TYPE=value\`, found ${found}`)
    : problemAt(
        at,
        `expected \`TYPE=value\` after \`${separator}\`, found ${found}; inside a value it is written \`\\${separator}\``,
      )
}
