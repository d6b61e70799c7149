import { hopByHop, isFieldValue, isToken, NameTable, nominatedNames } from './field-names.js'
import type { Field } from './forwarder.js'

/** What the fields of an answer are made of. */
export interface DownstreamFieldsSource {
  /** As received from the upstream. */
  readonly rawHeaders: readonly string[]
  readonly status: number
  /** Origin the answer came from. */
  readonly upstream: string
  /** Origin that clients know. */
  readonly publicOrigin: string
  /** Put in place of the upstream's of the same name. */
  readonly responseFields: readonly Field[]
}

// what would lead clients round the gateway, and what the gateway alone says: see `docs/reasons.md`
const withheld: ReadonlySet<string> = new Set(['alt-svc', 'refresh', 'ror-gateway-reason'])
const length = /^[0-9]{1,15}$/

/**
 * The fields of an answer as names and values in turn, or undefined where what the upstream sent may
 * not be passed on.
 *
 * Kept: every field with a token for a name and a field value, in order, repeats included. Dropped:
 * hop-by-hop and nominated fields (with `Trailer`, which would end the process beside a
 * `Content-Length`), the length of a 204, what names another way in, a reason of ours. `Location` and
 * `Content-Location` that name the upstream name the gateway instead.
 *
 * @see RFC 9110 sections 7.6.1, 8.6 and 10.2.2
 */
export function downstreamFields(source: DownstreamFieldsSource): string[] | undefined {
  const { rawHeaders, status, responseFields } = source
  const nominated = nominatedNames(rawHeaders)
  const fields: string[] = []
  let lengths = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const value = rawHeaders[index + 1] ?? ''
    const { isName, lower, mayPass } = known.of(name)
    if (!isName || !isFieldValue(value)) return undefined
    // bytes in a coding that nobody undoes would come down as if they were the body
    if (lower === 'transfer-encoding' && value.toLowerCase() !== 'chunked') return undefined
    if (!mayPass || isOneOf(responseFields, lower)) continue
    if (lower === 'content-length') {
      lengths += 1
      if (lengths > 1 || !length.test(value)) return undefined
      if (status === 204) continue
    } else if (nominated.size > 0 && nominated.has(lower)) {
      continue
    }
    const isLocation = lower === 'location' || lower === 'content-location'
    fields.push(name, isLocation ? publicLocation(value, source) : value)
  }
  for (const [name, value] of responseFields) fields.push(name, value)
  return fields
}

const known = new NameTable((name) => {
  const lower = name.toLowerCase()
  return { isName: isToken(name), lower, mayPass: !hopByHop.has(lower) && !withheld.has(lower) }
})

function isOneOf(fields: readonly Field[], lower: string): boolean {
  for (const [name] of fields) if (name.length === lower.length && name.toLowerCase() === lower) return true
  return false
}

/** The reference with the gateway's origin where it names the upstream's; untouched otherwise. */
function publicLocation(value: string, { upstream, publicOrigin }: DownstreamFieldsSource): string {
  const found = /^((?:https?:)?)\/\/([^/?#\\]*)/i.exec(value)
  if (found === null) return value
  const [named, scheme = '', authority = ''] = found
  const origin = `${scheme === '' ? upstream.slice(0, upstream.indexOf(':') + 1) : scheme}//${authority}`
  if (authority.includes('@') || !URL.canParse(origin)) return value
  return new URL(origin).origin === new URL(upstream).origin
    ? publicOrigin + value.slice(named.length)
    : value
}
