import { deny, type Denial } from '../core/decision.js'
import type { Result } from '../core/result.js'
import type { FhirElement, Wanted } from './fhir-element.js'
import { readFhirJson } from './fhir-json.js'
import { readFhirXml } from './fhir-xml.js'
import { fhirFormatOf } from './media-type.js'

/** A body as received, and what the client says it is. */
export interface FhirBody {
  readonly body: Uint8Array
  /** The Content-Type field value; undefined where none was sent. */
  readonly contentType: string | undefined
}

// XML is read some ten times slower than JSON, in one go: a larger body would hold up everybody
const maxXmlBytes = 1 << 20

/** The wanted part of a body in whichever format its type names, or the denial. */
export function readFhirBody({ body, contentType }: FhirBody, wanted: Wanted): Result<FhirElement, Denial> {
  const format = fhirFormatOf(contentType)
  if (!format.ok) return format
  if (format.value === 'xml' && body.length > maxXmlBytes) {
    const sent = { problem: `a body in XML holds at most ${maxXmlBytes} bytes` }
    return { ok: false, problem: deny('body-too-large', { sent }) }
  }
  const read = format.value === 'json' ? readFhirJson(body, wanted) : readFhirXml(body, wanted)
  if (read.ok) return read
  return {
    ok: false,
    problem: deny('body-unreadable', { detail: read.problem, sent: { problem: read.problem } }),
  }
}

/**
 * The one child of this name: undefined where there is none, a denial where it can be read in two ways.
 *
 * Two children, a `null`, an extension beside the primitive: readers differ about each.
 */
export function onlyChild(
  parent: FhirElement,
  name: string,
  at: string,
): Result<FhirElement | undefined, Denial> {
  if (parent.children.has(`_${name}`)) return ambiguous(at, `an extension stands beside \`${name}\``)
  const found = parent.children.get(name)
  if (found === undefined) return { ok: true, value: undefined }
  const [child] = found
  if (child === undefined || found.length > 1) return ambiguous(at, `\`${name}\` must stand there once`)
  if (child.kind === 'null') return ambiguous(at, `\`${name}\` is null`)
  return { ok: true, value: child }
}

/** The text of the one child of this name, which must be a string; otherwise as `onlyChild`. */
export function onlyText(parent: FhirElement, name: string, at: string): Result<string | undefined, Denial> {
  const child = onlyChild(parent, name, at)
  if (!child.ok) return child
  if (child.value === undefined) return { ok: true, value: undefined }
  return child.value.kind === 'string'
    ? { ok: true, value: child.value.value }
    : ambiguous(at, `\`${name}\` must be a string`)
}

export function ambiguous(at: string, problem: string): { ok: false; problem: Denial } {
  return { ok: false, problem: deny('establishment-ambiguous', { detail: problem, sent: { at, problem } }) }
}
