import { deny, type Denial } from '../core/decision.js'
import type { Result } from '../core/result.js'

/** A media type as sent: type and parameter names in lower case, parameter values unquoted. */
export interface MediaType {
  /** `application/fhir+json` */
  readonly essence: string
  readonly parameters: ReadonlyMap<string, string>
}

export type FhirFormat = 'json' | 'xml'

const formats: ReadonlyMap<string, FhirFormat> = new Map([
  ['application/fhir+json', 'json'],
  ['application/json', 'json'],
  ['text/json', 'json'],
  ['application/json+fhir', 'json'],
  ['application/fhir+xml', 'xml'],
  ['application/xml', 'xml'],
  ['text/xml', 'xml'],
  ['application/xml+fhir', 'xml'],
])

/** The FHIR format that a media type without parameters, in lower case, names. */
export function fhirFormatOfName(essence: string): FhirFormat | undefined {
  return formats.get(essence)
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const typeAndSubtype = new RegExp(`^(${token}/${token})`)
const parameter = new RegExp(
  `[ \\t]*;[ \\t]*(?:(${token})=(?:(${token})|"((?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\t \\x21-\\x7e])*)"))?`,
  'y',
)

/**
 * A Content-Type field value, or what is wrong with it. Nothing is repaired: a list, a parameter
 * twice, a stray character are each a problem.
 *
 * @see RFC 9110 section 8.3.1, 5.6.6
 */
export function parseMediaType(field: string): Result<MediaType, string> {
  const essence = typeAndSubtype.exec(field)?.[1]
  if (essence === undefined) return { ok: false, problem: 'expected `type/subtype`' }
  const parameters = new Map<string, string>()
  parameter.lastIndex = essence.length
  let end = essence.length
  for (let found = parameter.exec(field); found !== null; found = parameter.exec(field)) {
    end = parameter.lastIndex
    const name = found[1]?.toLowerCase()
    if (name === undefined) continue
    if (parameters.has(name)) return { ok: false, problem: `the parameter \`${name}\` stands there twice` }
    parameters.set(name, found[2] ?? (found[3] ?? '').replace(/\\(.)/g, '$1'))
  }
  if (!/^[ \t]*$/.test(field.slice(end))) {
    return { ok: false, problem: `expected \`;\` and a parameter at character ${end + 1}` }
  }
  return { ok: true, value: { essence: essence.toLowerCase(), parameters } }
}

/**
 * In which format a body of this Content-Type is to be read, or the denial.
 *
 * A closed list of types, and UTF-8 alone: what reads the body behind us decides by the type and
 * its `charset`, so that what is not known to be read the same way there is not taken.
 */
export function fhirFormatOf(contentType: string | undefined): Result<FhirFormat, Denial> {
  if (contentType === undefined) return unsupported('a Content-Type is needed')
  const parsed = parseMediaType(contentType)
  if (!parsed.ok) return unsupported(parsed.problem)
  const { essence, parameters } = parsed.value
  const format = formats.get(essence)
  if (format === undefined) return unsupported('the type is not a FHIR one', essence)
  for (const [name, value] of parameters) {
    if (name === 'charset') {
      if (value.toLowerCase() !== 'utf-8') return unsupported('the charset must be utf-8', essence)
    } else if (name !== 'fhirversion') {
      return unsupported(`the parameter \`${name}\` is not known here`, essence)
    }
  }
  return { ok: true, value: format }
}

/** Refuses a judged body that is encoded: what is judged must be what the upstream reads. */
export function judgeContentEncoding(contentEncoding: string | undefined): Denial | undefined {
  if (contentEncoding === undefined) return undefined
  const encoding = contentEncoding.trim().toLowerCase()
  if (encoding === 'identity') return undefined
  return deny('media-type-unsupported', {
    sent: { contentEncoding: contentEncoding.slice(0, 100), expected: 'no Content-Encoding, or identity' },
  })
}

function unsupported(problem: string, contentType?: string): { ok: false; problem: Denial } {
  const expected = 'application/fhir+json or application/fhir+xml, in UTF-8'
  const sent = contentType === undefined ? { problem, expected } : { contentType, problem, expected }
  return { ok: false, problem: deny('media-type-unsupported', { sent }) }
}
