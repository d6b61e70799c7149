import type { EstablishmentSource, WriteRule } from './api.js'
import { deny, type Denial, type EstablishmentWritten, type Named } from './decision.js'
import { toIdNatStruct } from './establishment.js'
import { parametersOf, percentDecoded } from './request-target.js'
import type { Result } from './result.js'
import { resourceTypeOf } from './write-rule.js'

type QuerySource = Extract<EstablishmentSource, { from: 'query' }>
type Found = Result<EstablishmentWritten, Denial>

// what a search value may mean besides itself: an or-list, system|value, composites, escapes, a second decoding
const meaningfulInSearch = /[,|$\\%+&=;#?]/

const control = /[\u0000-\u001f\u007f-\u009f]/
// region / number (ROR.md section 3); an IdNatStruct is longer
const functionalId = /^[0-9]{2,3}\/[A-Za-z0-9._-]{1,32}$/

/**
 * The one establishment that the query of a write names.
 *
 * The value is percent-decoded once, for the judgement only: the query is forwarded as received.
 * Everything ROR.md section 3 lists as a way past the check is refused: a repeated parameter, a
 * comma list, `system|value`, a modifier, an escaped name, a doubled escape, `+`, another
 * parameter beside it, a functional id (`52/192675`), no identifier at all.
 */
export function establishmentInQuery(query: string | undefined, rule: WriteRule, source: QuerySource): Found {
  const value = plainValue(query, rule, source)
  return value.ok ? readForm(value.value, rule, source) : value
}

/** What the query of a write names: one establishment, or, where the rule has it looked up, one functional id. */
export function namedInQuery(
  query: string | undefined,
  rule: WriteRule,
  source: QuerySource,
): Result<Named, Denial> {
  const value = plainValue(query, rule, source)
  if (!value.ok) return value
  const one = readForm(value.value, rule, source)
  if (one.ok) return { ok: true, value: { establishments: [one.value], ids: [] } }
  const type = resourceTypeOf(rule)
  if (source.resolve === undefined || type === undefined || !functionalId.test(value.value)) return one
  const at = `query parameter ${source.parameter}`
  const id = { by: 'identifier', type, id: value.value, at, prefixes: rule.prefixes } as const
  return { ok: true, value: { establishments: [], ids: [id] } }
}

function plainValue(query: string | undefined, rule: WriteRule, source: QuerySource): Result<string, Denial> {
  const { parameter } = source
  const at = `query parameter ${parameter}`
  if (query === undefined || query === '') return no('establishment-missing', { at })
  const parameters = parametersOf(query)
  if (!parameters.some(({ name }) => baseName(name) === parameter.toLowerCase())) {
    return no('establishment-missing', { at })
  }

  let value: string | undefined
  for (const each of parameters) {
    if (each.name !== parameter) {
      if (rule.parameters.includes(each.name)) continue
      const problem = `only the parameter \`${parameter}\` may stand in the query of this write`
      return ambiguous(at, problem, { found: each.name })
    }
    if (value !== undefined) return ambiguous(at, `the parameter \`${parameter}\` stands there twice`)
    if (each.value === undefined) return ambiguous(at, `the parameter \`${parameter}\` has no value`)
    value = each.value
  }
  if (value === undefined || value === '') return no('establishment-missing', { at })
  if (value.includes('+'))
    return ambiguous(at, '`+` is a space to some servers and a plus to others; send `%20`')
  if (value.includes(';')) return ambiguous(at, '`;` separates parameters for some servers')
  const decoded = percentDecoded(value)
  if (decoded === undefined) return ambiguous(at, 'the value holds a broken percent-escape')
  if (control.test(decoded)) return ambiguous(at, 'the value holds a control character')
  if (meaningfulInSearch.test(decoded)) {
    return ambiguous(at, 'one plain value is expected: no list, no `system|value`, no doubled escape')
  }
  return { ok: true, value: decoded }
}

function readForm(value: string, rule: WriteRule, source: QuerySource): Found {
  const at = `query parameter ${source.parameter}`
  const unresolvable = (): Found =>
    no('establishment-unresolvable', { at, value, expected: expectation(source, rule.prefixes) })
  if (source.form === 'finess') {
    const id = toIdNatStruct(value)
    return id.ok && value.length === 9 && id.value === `1${value}` ? found(id.value, at) : unresolvable()
  }
  const [number, unit, ...more] = value.split('/')
  const wantsUnit = source.form === 'idnatstruct/unit'
  if (number === undefined || more.length > 0 || (unit !== undefined) !== wantsUnit) return unresolvable()
  if (unit !== undefined && !isUnitCode(unit, rule.unitCharacters)) return unresolvable()
  if (!rule.prefixes.includes(number.charAt(0))) return unresolvable()
  const id = toIdNatStruct(number)
  // a bare FINESS would be read as one too: here the number must be written with its prefix
  return id.ok && id.value === number ? found(number, at) : unresolvable()
}

// a letter or digit first, no space last, 64 characters at most
function isUnitCode(unit: string, others: string): boolean {
  if (!/^[A-Za-z0-9]/.test(unit) || unit.length > 64 || unit.endsWith(' ')) return false
  for (const character of unit) {
    if (!/[A-Za-z0-9]/.test(character) && !others.includes(character)) return false
  }
  return true
}

function expectation(source: QuerySource, prefixes: readonly string[]): string {
  if (source.form === 'finess') return 'a FINESS number of 9 characters'
  const number = `IdNatStruct (prefix ${prefixes.join(' or ')}, then the number; 1 + FINESS for a FINESS)`
  return source.form === 'idnatstruct' ? number : `${number}, \`/\`, unit code`
}

// `identifier%3Aof-type`, `Identifier`, `identifier:not` all try to be `identifier`
function baseName(name: string): string {
  const decoded = percentDecoded(name.replaceAll('+', ' ')) ?? name
  return (percentDecoded(decoded) ?? decoded).trim().split(':', 1).join('').toLowerCase()
}

function found(idNatStruct: string, at: string): Found {
  return { ok: true, value: { idNatStruct, at } }
}

function ambiguous(
  at: string,
  problem: string,
  more: Readonly<Record<string, string>> = {},
): { readonly ok: false; readonly problem: Denial } {
  const sent = { at, problem, ...more }
  return { ok: false, problem: deny('establishment-ambiguous', { detail: problem, sent }) }
}

function no(
  reason: 'establishment-missing' | 'establishment-unresolvable',
  sent: Record<string, string>,
): { readonly ok: false; readonly problem: Denial } {
  return { ok: false, problem: deny(reason, { sent }) }
}
