import { deny, type Denial } from '../core/decision.js'
import type { Result } from '../core/result.js'
import { ambiguous, onlyText } from './body.js'
import type { FhirElement, Wanted } from './fhir-element.js'
import { judgeResourceType } from './resource.js'

/** A resource that a write names by its technical id, and where it stood. */
export interface WrittenReference {
  /** `Organization`; empty where `id` is the `urn:uuid:` of another entry of the Bundle. */
  readonly type: string
  readonly id: string
  /** `HealthcareService.providedBy[0]` */
  readonly at: string
}

const literal = /^([A-Z][A-Za-z]{0,63})\/([A-Za-z0-9\-.]{1,64})$/

const placeholder = /^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What is read of an element that refers to another resource. */
export const referenceWanted: Wanted = { reference: {} }

/**
 * The resources that one element of a body refers to, every one, for a write whose establishment
 * must be looked up: `providedBy`, `partOf`, `managingOrganization`, `healthcareService`.
 *
 * Only `Type/id`, and in a Bundle the `urn:uuid:` of another entry: what is contained, absolute,
 * versioned, conditional or an identifier leads to another resource, or to none that a lookup of
 * `Type/id` would find.
 *
 * @param aim - resource type of the body, and the name of the element at its top
 * @see FHIR R4 section 2.3.0 (references), 3.1.0.11.2 (placeholders)
 */
export function referencesInResource(
  read: FhirElement,
  aim: { readonly resource: string; readonly reference: string; readonly isInBundle?: boolean },
): Result<readonly WrittenReference[], Denial> {
  const { resource, reference } = aim
  const mistyped = judgeResourceType(read, resource)
  if (mistyped !== undefined) return { ok: false, problem: mistyped }
  const place = `${resource}.${reference}`
  if (read.children.has(`_${reference}`)) return ambiguous(place, `\`_${reference}\` means nothing`)
  const written: WrittenReference[] = []
  for (const [index, element] of (read.children.get(reference) ?? []).entries()) {
    const at = `${place}[${index}]`
    if (element.kind !== 'complex') return ambiguous(at, 'a reference must be an object')
    const text = onlyText(element, 'reference', at)
    if (!text.ok) return text
    const sought = text.value ?? ''
    if (aim.isInBundle === true && placeholder.test(sought)) {
      written.push({ type: '', id: sought, at })
      continue
    }
    const [, type, id] = literal.exec(sought) ?? []
    if (type === undefined || id === undefined) {
      const sent = { at, value: sought.slice(0, 100), expected: 'a reference of the form `Type/id`' }
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
