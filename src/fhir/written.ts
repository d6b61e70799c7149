import type { EstablishmentSource, PatchAim, WriteRule } from '../core/api.js'
import type { Denial, EstablishmentWritten, Named } from '../core/decision.js'
import { deny, nothingNamed } from '../core/decision.js'
import type { Result } from '../core/result.js'
import { bodySourceOf, resourceTypeOf } from '../core/write-rule.js'
import { readFhirBody, type FhirBody } from './body.js'
import type { FhirElement, Wanted } from './fhir-element.js'
import { judgePatch, patchWanted } from './patch.js'
import { referencesInResource, referenceWanted } from './reference.js'
import { establishmentsInResource, judgeResourceId, resourceWanted } from './resource.js'

/** A write whose establishments stand in its body. */
export interface WrittenQuestion extends FhirBody {
  readonly source: EstablishmentSource
  readonly rule: Pick<WriteRule, 'prefixes'>
}

/**
 * The establishments that the body of a write names, every one, or the denial that looking for them came to.
 *
 * For one Organization or Task. The entries of a Bundle are judged one by one (`bundleEntries`), and
 * a reference is resolved first: both are refused here.
 */
export function establishmentsInBody(
  question: WrittenQuestion,
): Result<readonly EstablishmentWritten[], Denial> {
  const { source, rule } = question
  if (source.from !== 'body' || source.shape === 'bundle') {
    return { ok: false, problem: deny('establishment-unresolvable', { detail: `source ${source.from}` }) }
  }
  const resource = readFhirBody(question, resourceWanted)
  return resource.ok ? establishmentsInResource(resource.value, source.shape, rule) : resource
}

/** Where a resource is written: what its rule says, and what the URL or the Bundle around it adds. */
export interface WrittenPlace {
  readonly rule: WriteRule
  /** The id in the path, where the rule has one. */
  readonly id: string | undefined
  /** Whether it is an entry of a Bundle, whose entries may refer to each other. */
  readonly isInBundle: boolean
}

/** What a judgement by these rules reads of a resource. */
export function wantedBy(rules: readonly WriteRule[]): Wanted {
  const references = rules.flatMap((rule): [string, Wanted][] => {
    const source = bodySourceOf(rule)
    return source?.from === 'reference' ? [[source.reference, referenceWanted]] : []
  })
  return { ...Object.fromEntries(references), ...resourceWanted }
}

/** What the resource sent by a write names: establishments, or references to be looked up. */
export function namedInResource(resource: FhirElement, place: WrittenPlace): Result<Named, Denial> {
  const { rule, id, isInBundle } = place
  const source = bodySourceOf(rule)
  if (source === undefined) return { ok: true, value: nothingNamed }
  const misplaced = id === undefined ? undefined : judgeResourceId(resource, id)
  if (misplaced !== undefined) return { ok: false, problem: misplaced }
  if (source.from === 'body') {
    if (source.shape === 'bundle') return { ok: false, problem: deny('establishment-unresolvable') }
    const found = establishmentsInResource(resource, source.shape, rule)
    return found.ok ? { ok: true, value: { establishments: found.value, ids: [] } } : found
  }
  const aim = { resource: resourceTypeOf(rule) ?? '', reference: source.reference, isInBundle }
  const references = referencesInResource(resource, aim)
  if (!references.ok) return references
  const ids = references.value.map(({ type, id, at }) => {
    return { by: type === '' ? 'full-url' : 'id', type, id, at, prefixes: rule.prefixes } as const
  })
  return { ok: true, value: { establishments: [], ids } }
}

/** What the body of a write that is one resource names. @see namedInResource */
export function namedInBody(body: FhirBody, place: WrittenPlace): Result<Named, Denial> {
  const resource = readFhirBody(body, wantedBy([place.rule]))
  return resource.ok ? namedInResource(resource.value, place) : resource
}

/**
 * Refuses the body of a PATCH that is not a FHIRPath Patch, or aims elsewhere than the rule says.
 *
 * JSON Patch and XML Patch are refused by their types. @see judgePatch
 */
export function judgePatchBody(
  body: Uint8Array,
  contentType: string | undefined,
  aim: PatchAim,
): Denial | undefined {
  const parameters = readFhirBody({ body, contentType }, patchWanted)
  return parameters.ok ? judgePatch(parameters.value, aim) : parameters.problem
}
