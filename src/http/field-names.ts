/** Names in lower case whose meaning ends at this hop, both ways. @see RFC 9110 section 7.6.1 */
export const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const plainText = /^[\t\x20-\x7e]*$/
const fieldText = /^[\t\x20-\x7e\x80-\xff]*$/
const needsFolding = /[^a-z0-9-]/

/** Whether the text is a token, as field names and methods are. @see RFC 9110 section 5.6.2 */
export function isToken(text: string): boolean {
  return token.test(text)
}

/** Whether a value holds visible ASCII, spaces and tabs alone. */
export function isPlainValue(value: string): boolean {
  return plainText.test(value)
}

/** Whether a value may stand on a field line at all, 8-bit characters included. @see RFC 9110 section 5.5 */
export function isFieldValue(value: string): boolean {
  return fieldText.test(value)
}

/**
 * The name as a loose reader takes it: lower case, every character that is no letter or digit a dash.
 *
 * CGI, WSGI, PHP and servlet bridges read `Client_Cert`, `Client.Cert` and `Client-Cert` as one name;
 * whatever is guarded is guarded in all of them.
 */
export function foldedName(name: string): string {
  const lower = name.toLowerCase()
  return needsFolding.test(lower) ? lower.replace(/[^a-z0-9]/g, '-') : lower
}

/**
 * What is known of field names, found once for each: they are few, and come with every message.
 *
 * Bounded: what strangers make up does not make it grow.
 */
export class NameTable<Known> {
  readonly #known = new Map<string, Known>()
  readonly #find: (name: string) => Known

  /** @param find - pure: from the name alone */
  constructor(find: (name: string) => Known) {
    this.#find = find
  }

  of(name: string): Known {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    if (name.length > longestKept) return this.#find(name)
    // a copy: what was cut out of a head would keep all of it
    const kept = Buffer.from(name, 'latin1').toString('latin1')
    const found = this.#find(kept)
    if (this.#known.size >= mostKept) this.#known.clear()
    this.#known.set(kept, found)
    return found
  }
}

const mostKept = 2_000
const longestKept = 64

/** The names that `Connection` fields nominate, in lower case. @see RFC 9110 section 7.6.1 */
export function nominatedNames(rawHeaders: readonly string[]): ReadonlySet<string> {
  let found: Set<string> | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    for (const part of (rawHeaders[index + 1] ?? '').split(',')) {
      const nominated = part.trim().toLowerCase()
      if (nominated !== '') (found ??= new Set()).add(nominated)
    }
  }
  return found ?? none
}

const none: ReadonlySet<string> = new Set()
