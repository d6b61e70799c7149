import { deny, type Denial } from '../core/decision.js'
import type { Result } from '../core/result.js'
import { ambiguous, onlyText, readFhirBody, type FhirBody } from './body.js'
import { judgeResourceType } from './resource.js'

/** A resource that a write names by its technical id, and where it stood. */
export interface WrittenReference {
  /** `Organization` */
  readonly type: string
  readonly id: string
  /** `HealthcareService.providedBy[0]` */
  readonly at: string
}

const literal = /^([A-Z][A-Za-z]{0,63})\/([A-Za-z0-9\-.]{1,64})$/

/**
 * The resources that one element of a body refers to, every one, for a write whose establishment
 * must be looked up: `providedBy`, `partOf`, `managingOrganization`, `healthcareService`.
 *
 * Only `Type/id`: what is contained, absolute, versioned, conditional or an identifier leads to
 * another resource, or to none that a lookup of `Type/id` would find.
 *
 * @param aim - resource type of the body, and the name of the element at its top
 * @see FHIR R4 section 2.3.0 (references)
 */
export function referencesInBody(
  body: FhirBody,
  aim: { readonly resource: string; readonly reference: string },
): Result<readonly WrittenReference[], Denial> {
  const { resource, reference } = aim
  const read = readFhirBody(body, { resourceType: {}, [reference]: { reference: {} } })
  if (!read.ok) return read
  const mistyped = judgeResourceType(read.value, resource)
  if (mistyped !== undefined) return { ok: false, problem: mistyped }
  const place = `${resource}.${reference}`
  if (read.value.children.has(`_${reference}`)) return ambiguous(place, `\`_${reference}\` means nothing`)
  const written: WrittenReference[] = []
  for (const [index, element] of (read.value.children.get(reference) ?? []).entries()) {
    const at = `${place}[${index}]`
    if (element.kind !== 'complex') return ambiguous(at, 'a reference must be an object')
    const text = onlyText(element, 'reference', at)
    if (!text.ok) return text
    const [, type, id] = literal.exec(text.value ?? '') ?? []
    if (type === undefined || id === undefined) {
      const sent = {
        at,
        value: (text.value ?? '').slice(0, 100),
        expected: 'a reference of the form `Type/id`',
      }
      return { ok: false, problem: deny('establishment-unresolvable', { sent }) }
    }
    written.push({ type, id, at })
  }
  if (written.length > 0) return { ok: true, value: written }
  return {
    ok: false,
    problem: deny('establishment-missing', { sent: { at: place, expected: 'a reference' } }),
  }
}
