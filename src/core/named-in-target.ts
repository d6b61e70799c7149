import type { WriteRule } from './api.js'
import { deny, type Denial, type IdWritten, type Named } from './decision.js'
import { namedInQuery } from './query-establishment.js'
import { parametersOf, type RequestTarget } from './request-target.js'
import type { Result } from './result.js'

/**
 * What the target of a write names: the id in its path, and whatever its query selects.
 *
 * A query that the rule does not judge may hold the parameters that the rule allows, and no other:
 * `PUT /Organization?identifier=…` writes another Organization than its body names.
 */
export function namedInTarget(target: RequestTarget, rule: WriteRule): Result<Named, Denial> {
  const ids: IdWritten[] = []
  if (rule.storedType !== undefined) {
    const index = rule.path.findIndex((segment) => segment.startsWith('{'))
    // the template fits the end of the path, segment by segment
    const id = target.segments[target.segments.length - rule.path.length + index]
    if (id === undefined)
      return { ok: false, problem: deny('establishment-missing', { sent: { at: 'path' } }) }
    ids.push({ by: 'id', type: rule.storedType, id, at: 'path', prefixes: rule.prefixes })
  }
  const source = rule.establishment
  if (source.from !== 'query') {
    const stray = judgeParameters(target.query, rule.parameters)
    return stray === undefined
      ? { ok: true, value: { establishments: [], ids } }
      : { ok: false, problem: stray }
  }
  const named = namedInQuery(target.query, rule, source)
  if (!named.ok) return named
  return { ok: true, value: { ...named.value, ids: [...ids, ...named.value.ids] } }
}

function judgeParameters(query: string | undefined, allowed: readonly string[]): Denial | undefined {
  if (query === undefined || query === '') return undefined
  for (const { name } of parametersOf(query)) {
    if (allowed.includes(name)) continue
    const problem = 'this write takes no such parameter: a query can select what is written'
    return deny('establishment-ambiguous', { detail: problem, sent: { at: 'query', problem, found: name } })
  }
  return undefined
}
