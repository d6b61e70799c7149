import { parameterFinder } from './parameter-name.js'
import type { Result } from './result.js'

/**
 * A request target as judged, in origin-form. @see RFC 9112 section 3.2.1
 *
 * INVARIANT: `raw` is what goes upstream, byte for byte; `path` and `query` are slices of it, and
 * nothing in `path` can be read in two ways.
 */
export interface RequestTarget {
  readonly raw: string
  /** What stands before `?`, as sent. */
  readonly path: string
  /** The path split at `/`, without the empty text before the first one. */
  readonly segments: readonly string[]
  /** What stands behind `?`, as sent; undefined where there is no `?`. */
  readonly query: string | undefined
}

const printableAscii = /^[\x21-\x7e]+$/
// pchar of RFC 3986 without `;`, whose parameters some servers cut off a segment and others keep
const noPathCharacter = /[^A-Za-z0-9\-._~!$&'()*+,=:@/%]/

/** What is said of a request for which `overridesMethod` holds. */
export const methodOverridden = 'the parameter `_method` would change the method that was judged'

/**
 * The target, or what makes it readable in two ways.
 *
 * Refused: absolute-, authority- and asterisk-form, fragments, control and 8-bit characters, empty
 * and dot segments, `;` parameters, backslashes, escapes in the path that hide a letter, a digit,
 * a separator or a second escape, and `_method`.
 */
export function judgeTarget(raw: string): Result<RequestTarget, string> {
  if (!raw.startsWith('/')) return ambiguous('the target is not in origin-form: it must begin with `/`')
  if (!printableAscii.test(raw)) return ambiguous('the target holds a space, a control or an 8-bit character')
  if (raw.includes('#')) return ambiguous('the target holds a fragment')
  const mark = raw.indexOf('?')
  const path = mark === -1 ? raw : raw.slice(0, mark)
  const query = mark === -1 ? undefined : raw.slice(mark + 1)

  const stray = noPathCharacter.exec(path)
  if (stray !== null) return ambiguous(`the path holds \`${stray[0]}\`, which must not stand there`)
  const segments = path.slice(1).split('/')
  for (const [index, segment] of segments.entries()) {
    if (segment === '' && index < segments.length - 1)
      return ambiguous('the path holds an empty segment (`//`)')
    if (segment === '.' || segment === '..') return ambiguous('the path holds a dot segment')
    if (!segment.includes('%')) continue
    const trouble = troubleInEscapes(segment)
    if (trouble !== undefined) return ambiguous(trouble)
  }
  if (query !== undefined && overridesMethod(query)) return ambiguous(methodOverridden)
  return { ok: true, value: { raw, path, segments, query } }
}

/** The parameters of a query as sent, undecoded; `value` is undefined where there is no `=`. */
export function parametersOf(query: string): { readonly name: string; readonly value: string | undefined }[] {
  return query.split('&').map((part) => {
    const equals = part.indexOf('=')
    return equals === -1
      ? { name: part, value: undefined }
      : { name: part.slice(0, equals), value: part.slice(equals + 1) }
  })
}

/** Percent-decoded once, as UTF-8; undefined where an escape is broken or the bytes are not UTF-8. */
export function percentDecoded(text: string): string | undefined {
  if (!text.includes('%')) return text
  // asked first: what is thrown costs a hundred times as much, and strangers choose how often
  return text.replace(escapedCharacter, '').includes('%') ? undefined : decodeURIComponent(text)
}

// one character of UTF-8, each of its bytes escaped: no overlong form, no surrogate (RFC 3629 section 4)
const next = '%[89ab][0-9a-f]'
const escapedCharacter = new RegExp(
  [
    '%[0-7][0-9a-f]',
    `%(?:c[2-9a-f]|d[0-9a-f])${next}`,
    `%e0%[ab][0-9a-f]${next}`,
    `%(?:e[1-9a-cef])(?:${next}){2}`,
    `%ed%[89][0-9a-f]${next}`,
    `%f0%[9ab][0-9a-f](?:${next}){2}`,
    `%f[1-3](?:${next}){3}`,
    `%f4%8[0-9a-f](?:${next}){2}`,
  ].join('|'),
  'gi',
)

/** Whether parameters, of a query or a form, would change the method that was judged. */
export const overridesMethod = parameterFinder('_method')

function troubleInEscapes(segment: string): string | undefined {
  const decoded = percentDecoded(segment)
  if (decoded === undefined) return 'the path holds a broken percent-escape'
  for (const [escape] of segment.matchAll(/%[0-9A-Fa-f]{2}/g)) {
    const byte = Number.parseInt(escape.slice(1), 16)
    if (byte < 0x20 || byte === 0x7f) return 'the path holds an escaped control character'
    if (/[A-Za-z0-9\-._~/\\%;]/.test(String.fromCharCode(byte))) {
      return `the path holds \`${escape}\`, which some servers decode and others do not`
    }
  }
  return undefined
}

function ambiguous(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem }
}
