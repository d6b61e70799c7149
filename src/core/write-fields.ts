import type { WriteRule } from './api.js'
import { deny, type Denial } from './decision.js'

// what makes a server write something else than the target and the body say, or more of it
const selecting: ReadonlySet<string> = new Set([
  'if-none-exist',
  'x-cascade',
  'x-upsert-existence-check',
  // as HAPI FHIR spells it
  'x-upsert-extistence-check',
  'x-request-partition-ids',
  'x-rewrite-history',
])

/**
 * Refuses a field that selects what is written, but `If-None-Exist` where the rule takes it.
 *
 * @param names - the field names sent, in any case
 * @see FHIR R4 section 3.1.0.8.1 (conditional create)
 */
export function judgeWriteFields(names: readonly string[], rule: WriteRule): Denial | undefined {
  for (const name of names) {
    const folded = name.toLowerCase().replaceAll('_', '-')
    if (!selecting.has(folded) || (folded === 'if-none-exist' && rule.conditionalCreate)) continue
    const problem = 'this field can change what is written, and is not taken here'
    return deny('establishment-ambiguous', { detail: problem, sent: { at: `field ${folded}`, problem } })
  }
  return undefined
}
