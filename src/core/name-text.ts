import { attributeName } from './attribute-types.js'
import type {
  AttributeTypeAndValue,
  DistinguishedName,
  RelativeDistinguishedName,
} from './distinguished-name.js'
import { readRdn, type WrittenRdn } from './name-attribute.js'
import { directionOf, directionOfLines, type CommaStyle } from './name-direction.js'
import { codePoint, problemAt, type NameProblem } from './name-problem.js'
import { parseSlashName, slashEscapedBytes } from './name-slash.js'
import { escapedBytes, isEscaped, type Span } from './name-value.js'
import type { Result } from './result.js'

const longestName = 8192

/**
 * The name that a text writes, in encoded order.
 *
 * Four spellings are read, and the direction is settled once, from the form alone:
 *
 * - `CN=y,O=x,C=FR` (RFC 4514; also with `, `): the last attribute is encoded first;
 * - `C = FR, O = x, CN = y` (OpenSSL; since 3.2 `C=FR, O=x, CN=y`): in encoded order;
 * - `/C=FR/O=x/CN=y` (OpenSSL's old form): in encoded order;
 * - one `TYPE=value` a line (Node): in encoded order;
 * - one `TYPE = value` a line that begins with CN and ends with C (the viewer of Windows): the last first.
 *
 * A form that runs the wrong way for its kind (`C=FR,O=x,CN=y`) could mean two names and is an
 * error that says how to write each; the form with `/` never is. `subject=` and `Subject:` before
 * the name, and white space around it, are skipped. Types are names in any case or OIDs. Nothing of
 * a value is folded or trimmed: a space at its edge that is not escaped, an unknown type, an empty
 * value, a control character, a lone surrogate, a byte order mark is an error with its offset.
 *
 * @see RFC 4514, RFC 2253 section 4 (quotes, spaces), `directionOf`
 */
export function parseName(text: string): Result<DistinguishedName, NameProblem> {
  if (text.length > longestName) {
    return problemAt(longestName, `a name of ${text.length} characters; at most ${longestName} are read`)
  }
  const unreadable = /\p{Surrogate}|\uFEFF|(?![\t\r\n])\p{Cc}/u.exec(text)
  if (unreadable !== null) {
    return problemAt(unreadable.index, `the character ${codePoint(unreadable[0])} must not stand in a name`)
  }
  const start = /^\s*(?:subject\s*[=:]\s*)?/iu.exec(text)?.[0].length ?? 0
  const span = trimmedEnd({ text, end: text.length }, start)
  if (start >= span.end) return problemAt(span.end, 'expected a name, found nothing')

  const body = text.slice(start, span.end)
  const stray = /\t|\r(?!\n)/.exec(body)
  if (stray !== null)
    return problemAt(start + stray.index, `the character ${codePoint(stray[0])} must not stand in a name`)
  if (body.includes('\n')) return parseLines(span, start)
  if (body.startsWith('/')) return parseSlashName(span, start)
  return parseCommas(span, start)
}

function parseCommas(span: Span, start: number): Result<DistinguishedName, NameProblem> {
  const rdns: WrittenRdn[] = []
  const spacedCommas = new Set<boolean>()
  let at = start
  for (;;) {
    const rdn = readRdn(span, at)
    if (!rdn.ok) return rdn
    rdns.push(rdn.value.value)
    at = rdn.value.end
    if (at >= span.end) break
    at += 1
    spacedCommas.add(span.text.charAt(at) === ' ')
  }
  const equals = spacingOf(rdns)
  if (!equals.ok) return equals
  const commas = spacedCommas.size === 2 ? 'mixed' : spacedCommas.has(true) ? 'spaced' : 'tight'
  const written = rdns.map(withoutSpacing)
  const direction = directionOf(written, { equals: equals.value, commas })
  if (direction === undefined) return unsettled(written, start)
  return { ok: true, value: direction === 'first-is-first' ? written : written.reverse() }
}

function parseLines(span: Span, start: number): Result<DistinguishedName, NameProblem> {
  const rdns: WrittenRdn[] = []
  let at = start
  while (at <= span.end) {
    const newline = span.text.indexOf('\n', at)
    const end = newline === -1 || newline > span.end ? span.end : newline
    while (at < end && span.text.charAt(at) === ' ') at += 1
    const line = trimmedEnd({ text: span.text, end }, at)
    if (at >= line.end) return problemAt(at, 'an empty line inside the name')
    const rdn = readRdn(line, at)
    if (!rdn.ok) return rdn
    if (rdn.value.end < line.end) {
      return problemAt(
        rdn.value.end,
        'expected one attribute a line, found `,`; write a `,` of a value as `\\,`, or the name on one line',
      )
    }
    rdns.push(rdn.value.value)
    at = end + 1
  }
  const equals = spacingOf(rdns)
  if (!equals.ok) return equals
  const written = rdns.map(withoutSpacing)
  const direction = directionOfLines(written, equals.value)
  if (direction === undefined) return unsettled(written, start)
  return { ok: true, value: direction === 'first-is-first' ? written : written.reverse() }
}

// the same spacing round every `=`: a text that mixes them was put together by hand from two forms
function spacingOf(rdns: readonly WrittenRdn[]): Result<CommaStyle['equals'], NameProblem> {
  let spacing: CommaStyle['equals'] | undefined
  for (const { attributes, offset } of rdns) {
    for (const attribute of attributes) {
      spacing ??= attribute.spacing
      if (attribute.spacing !== spacing) {
        return problemAt(offset, 'spaces round `=` here but not everywhere, so the direction cannot be told')
      }
    }
  }
  return { ok: true, value: spacing ?? 'tight' }
}

function unsettled(written: DistinguishedName, offset: number): { ok: false; problem: NameProblem } {
  const asRead = (name: DistinguishedName) => `\`${formatNameSlash(name)}\``
  const [first, last] = [asRead(written), asRead(written.toReversed())]
  return problemAt(
    offset,
    `the direction of this name cannot be told; write ${first} if the certificate holds it in this order, ${last} if in the opposite one (RFC 4514)`,
  )
}

function withoutSpacing({ attributes }: WrittenRdn): RelativeDistinguishedName {
  return attributes.map(({ type, value }) => ({ type, value }))
}

function trimmedEnd({ text, end }: Span, start: number): Span {
  let last = end
  while (last > start && /\s/u.test(text.charAt(last - 1)) && !isEscaped(text, last - 1)) last -= 1
  return { text, end: last }
}

/**
 * The canonical spelling, for people and for whitelists: RFC 4514, the last RDN first.
 *
 * Types by OpenSSL's names, as a dotted OID where they have none, then with the plain text (RFC 4514
 * would have the DER in hexadecimal, but a name does not keep its string types). The attributes of a
 * set are sorted. Characters that cannot be seen are escaped as bytes; nothing is folded.
 *
 * `parseName` reads it back, except where the order of the certificate is an unusual one (CN before
 * O): `formatNameSlash` is read back always.
 *
 * @see RFC 4514 section 2
 */
export function formatName(name: DistinguishedName): string {
  const rdns = name.map((rdn) => rdn.map(formatAttribute).sort().join('+'))
  return rdns.reverse().join(',')
}

/** One attribute a line in encoded order, as Node's `X509Certificate.subject` has it; not always read back. */
export function formatNameLines(name: DistinguishedName): string {
  return name.map((rdn) => rdn.map(formatAttribute).join(' + ')).join('\n')
}

/** `C = FR, O = "a, b", CN = y`: what `openssl x509 -subject` prints up to OpenSSL 3.1. */
export function formatNameOpenssl(name: DistinguishedName): string {
  const one = ({ type, value }: AttributeTypeAndValue) => {
    const escaped = value.replaceAll(/["\\]|\P{ASCII}+|\p{Cc}/gu, (part) =>
      part === '"' || part === '\\' ? `\\${part}` : escapedBytes(part),
    )
    const quoted = /[,+"<>;]|^[ #]| $/.test(value)
    return `${attributeName(type)} = ${quoted ? `"${escaped}"` : escaped}`
  }
  return name.map((rdn) => rdn.map(one).join(' + ')).join(', ')
}

/** `/C=FR/O=x/CN=y` in encoded order: the spelling on one line whose direction is never in doubt. */
export function formatNameSlash(name: DistinguishedName): string {
  const one = ({ type, value }: AttributeTypeAndValue) => {
    const escaped = value.replaceAll(escapedInSlash, (part) =>
      part === '/' || part === '+' ? `\\${part}` : slashEscapedBytes(part),
    )
    return `${attributeName(type)}=${escaped}`
  }
  return name.map((rdn) => `/${rdn.map(one).join('+')}`).join('')
}

function formatAttribute({ type, value }: AttributeTypeAndValue): string {
  const escaped = value.replaceAll(/[,+"\\<>;]|^[ #]| $/g, '\\$&').replaceAll(unseen, escapedBytes)
  return `${attributeName(type)}=${escaped}`
}

// what a reader cannot see, or cannot tell from a space
const unseen = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu
const escapedInSlash = /[/+\\]|[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}|^ | $/gu
