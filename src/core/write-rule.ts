import type { BodySource, WriteRule } from './api.js'

/** Characters of unit codes beside letters and digits, unless configured (which ones occur is open: ROR.md section 6). */
export const usualUnitCharacters = " ._:@*()'!~-"

/** The reference that means the id in the path. */
export const pathReference = 'id'

/** The resource type that the template of a rule leads to: its last segment that is a literal, if that is a type. */
export function resourceTypeOf({ path }: Pick<WriteRule, 'path'>): string | undefined {
  const last = path.findLast((segment) => !segment.startsWith('{'))
  return last !== undefined && /^[A-Z][A-Za-z]{1,63}$/.test(last) ? last : undefined
}

/** Where the body names establishments; undefined where it names none. */
export function bodySourceOf({
  establishment,
  also,
}: Pick<WriteRule, 'establishment' | 'also'>): BodySource | undefined {
  if (establishment.from === 'query') return also
  const isPath = establishment.from === 'reference' && establishment.reference === pathReference
  return isPath ? also : establishment
}

/** Whether a write by this rule is judged by its body too. */
export function readsBody(rule: WriteRule): boolean {
  return rule.patch !== undefined || bodySourceOf(rule) !== undefined
}

const ownership: ReadonlyMap<string, readonly string[]> = new Map([
  ['HealthcareService', ['identifier', 'providedBy', 'location']],
  ['Location', ['identifier', 'managingOrganization', 'partOf']],
  ['Organization', ['identifier', 'partOf']],
  ['PractitionerRole', ['identifier', 'organization', 'healthcareService']],
  ['Task', ['identifier', 'focus']],
])

/**
 * The elements of a resource that say which establishment it belongs to, and those that could make
 * another one of it: its id, and what its references lead to inside it.
 */
export function ownershipOf(type: string): readonly string[] {
  return [...(ownership.get(type) ?? ['identifier']), 'id', 'contained']
}
