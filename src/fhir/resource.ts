import type { WriteRule } from '../core/api.js'
import { deny, type Denial, type EstablishmentWritten } from '../core/decision.js'
import type { Result } from '../core/result.js'
import { ambiguous, onlyChild, onlyText } from './body.js'
import type { FhirElement, Wanted } from './fhir-element.js'
import { expectedNumber, idNatStructSystem, numberingOf, readNumber } from './national-number.js'

type Found = Result<readonly EstablishmentWritten[], Denial>

/** What a judgement reads of an Organization or a Task. */
export const resourceWanted: Wanted = {
  resourceType: {},
  id: {},
  identifier: { system: {}, value: {} },
  focus: { reference: {}, type: {}, identifier: { system: {}, value: {} } },
  contained: { resourceType: {} },
}

/**
 * The establishments that an Organization or a Task names, every one of them, with its place.
 *
 * Empty never: none is `establishment-missing`. A number that is none is `establishment-unresolvable`,
 * whatever can be read in two ways (another resource type, a contained resource that could be taken
 * for the subject, a doubled element) is `establishment-ambiguous`.
 */
export function establishmentsInResource(
  resource: FhirElement,
  shape: 'organization-identifier' | 'task-focus',
  rule: Pick<WriteRule, 'prefixes'>,
): Found {
  const expected = shape === 'task-focus' ? 'Task' : 'Organization'
  const mistyped = judgeResourceType(resource, expected)
  if (mistyped !== undefined) return { ok: false, problem: mistyped }
  const contained = judgeContained(resource, expected)
  if (contained !== undefined) return { ok: false, problem: contained }
  return shape === 'task-focus' ? inTask(resource, rule) : inOrganization(resource, rule)
}

/** Refuses a resource of another type than the one expected, or of none. */
export function judgeResourceType(resource: FhirElement, expected: string): Denial | undefined {
  const found = onlyText(resource, 'resourceType', 'resourceType')
  if (!found.ok) return found.problem
  if (found.value === undefined) {
    return deny('body-unreadable', { sent: { problem: 'the body has no resourceType', expected } })
  }
  if (found.value === expected) return undefined
  return deny('establishment-ambiguous', {
    detail: `resourceType ${found.value.slice(0, 100)}`,
    sent: { at: 'resourceType', expected, aimsAt: found.value.slice(0, 100) },
  })
}

/** Refuses a body that names another id than the path, or names one in two ways. */
export function judgeResourceId(resource: FhirElement, id: string): Denial | undefined {
  const found = onlyText(resource, 'id', 'id')
  if (!found.ok) return found.problem
  if (found.value === undefined || found.value === id) return undefined
  return ambiguous('id', 'the body has another id than the path').problem
}

function judgeContained(resource: FhirElement, subject: string): Denial | undefined {
  for (const [index, contained] of (resource.children.get('contained') ?? []).entries()) {
    const at = `${subject}.contained[${index}]`
    const type = onlyText(contained, 'resourceType', at)
    if (!type.ok) return type.problem
    if (type.value === undefined) return ambiguous(at, 'a contained resource has no resourceType').problem
    if (type.value === subject || type.value === 'Organization' || type.value === 'Bundle') {
      return ambiguous(at, `a contained ${type.value} could be taken for what is written`).problem
    }
  }
  return undefined
}

function inOrganization(organization: FhirElement, rule: Pick<WriteRule, 'prefixes'>): Found {
  if (organization.children.has('_identifier'))
    return ambiguous('Organization', '`_identifier` means nothing')
  const written: EstablishmentWritten[] = []
  for (const [index, identifier] of (organization.children.get('identifier') ?? []).entries()) {
    const at = `Organization.identifier[${index}]`
    if (identifier.kind !== 'complex') return ambiguous(at, 'an identifier must be an object')
    const system = onlyText(identifier, 'system', at)
    if (!system.ok) return system
    if (system.value === undefined) continue
    const numbering = numberingOf(system.value)
    if (numbering === 'almost') return ambiguous(at, 'the system is almost one of the national ones')
    if (numbering === 'other') continue
    const number = onlyText(identifier, 'value', at)
    if (!number.ok) return number
    const establishment = readNumber(number.value ?? '', numbering, rule.prefixes)
    if (establishment === undefined) {
      return unresolvable(at, number.value ?? '', expectedNumber(numbering, rule.prefixes))
    }
    written.push({ idNatStruct: establishment, at })
  }
  if (written.length > 0) return { ok: true, value: written }
  return missing('Organization.identifier', 'an identifier whose system is a national one')
}

function inTask(task: FhirElement, rule: Pick<WriteRule, 'prefixes'>): Found {
  const at = 'Task.focus'
  const focus = onlyChild(task, 'focus', 'Task')
  if (!focus.ok) return focus
  if (focus.value === undefined) return missing(at, 'a focus with an identifier')
  if (focus.value.kind !== 'complex') return ambiguous(at, 'a focus must be an object')
  for (const name of ['reference', '_reference']) {
    if (focus.value.children.has(name))
      return ambiguous(at, 'a reference beside the identifier could be another')
  }
  const type = onlyText(focus.value, 'type', at)
  if (!type.ok) return type
  const identifier = onlyChild(focus.value, 'identifier', at)
  if (!identifier.ok) return identifier
  const place = `${at}.identifier`
  if (identifier.value === undefined) return missing(place, 'an identifier with a value')
  if (identifier.value.kind !== 'complex') return ambiguous(place, 'an identifier must be an object')
  if (type.value !== 'Organization') return unresolvable(at, type.value ?? '', '`type` Organization')
  const system = onlyText(identifier.value, 'system', place)
  if (!system.ok) return system
  if (system.value !== undefined && system.value !== idNatStructSystem) {
    return ambiguous(place, `the system must be ${idNatStructSystem}, or absent`)
  }
  const number = onlyText(identifier.value, 'value', place)
  if (!number.ok) return number
  if (number.value === undefined) return missing(place, 'an identifier with a value')
  const establishment = readNumber(number.value, 'idnatstruct', rule.prefixes)
  if (establishment === undefined) {
    return unresolvable(place, number.value, expectedNumber('idnatstruct', rule.prefixes))
  }
  return { ok: true, value: [{ idNatStruct: establishment, at: place }] }
}

function unresolvable(at: string, value: string, expected: string): { ok: false; problem: Denial } {
  const sent = { at, value: value.slice(0, 100), expected }
  return { ok: false, problem: deny('establishment-unresolvable', { sent }) }
}

function missing(at: string, expected: string): { ok: false; problem: Denial } {
  return { ok: false, problem: deny('establishment-missing', { sent: { at, expected } }) }
}
