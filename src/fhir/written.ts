import type { EstablishmentSource, PatchAim, WriteRule } from '../core/api.js'
import type { Denial, EstablishmentWritten } from '../core/decision.js'
import { deny } from '../core/decision.js'
import type { Result } from '../core/result.js'
import { readFhirBody, type FhirBody } from './body.js'
import { judgePatch, patchWanted } from './patch.js'
import { establishmentsInResource, resourceWanted } from './resource.js'

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
