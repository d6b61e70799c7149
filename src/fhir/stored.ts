import type { Result } from '../core/result.js'
import { readFhirBody, type FhirBody } from './body.js'
import type { FhirElement, Wanted } from './fhir-element.js'
import { numberingOf, readNumber } from './national-number.js'

/** A resource by its logical id. */
export interface ResourceId {
  readonly type: string
  readonly id: string
}

/** Which establishment a stored resource says it belongs to, or where that is to be read next. */
export interface StoredResource extends ResourceId {
  /** IdNatStructs that an Organization carries. */
  readonly numbers: readonly string[]
  /** The resources it belongs to, where it carries none: every one counts. */
  readonly belongsTo: readonly ResourceId[]
  /** Whether what it belongs to stands in the resources that refer to it: a Location without an owner. */
  readonly isNamedByServices: boolean
  /** Why whose it is cannot be read, where it cannot: a reference elsewhere, half a number. */
  readonly unreadable: string | undefined
}

/** What a search found. */
export interface Matches {
  readonly resources: readonly StoredResource[]
  /** Whether there is another page of them. */
  readonly hasMore: boolean
}

/** What is searched for: resources of a type by one parameter. */
export interface Search {
  readonly type: string
  readonly parameter: 'identifier' | 'location'
  readonly value: string
}

type Read<Value> = Result<Value, string>

const reference: Wanted = { reference: {} }
const storedWanted: Wanted = {
  resourceType: {},
  id: {},
  identifier: { system: {}, value: {} },
  partOf: reference,
  providedBy: reference,
  managingOrganization: reference,
  healthcareService: reference,
  organization: reference,
  location: reference,
}
const pageWanted: Wanted = {
  resourceType: {},
  type: {},
  link: { relation: {} },
  entry: { resource: storedWanted },
}

// where each type says whose it is (ROR.md section 3); a type that is not here says nothing
const owners: ReadonlyMap<string, readonly string[]> = new Map([
  ['Organization', ['partOf']],
  ['HealthcareService', ['providedBy']],
  ['PractitionerRole', ['healthcareService', 'organization']],
  ['Location', ['managingOrganization']],
])
const allPrefixes = ['0', '1', '2', '3', '4']

/**
 * A stored resource, as the upstream tells it, or why the answer cannot be relied on.
 *
 * What was asked for must be what was answered: type and id.
 */
export function readStored(body: FhirBody, asked: ResourceId): Read<StoredResource> {
  const read = readFhirBody(body, storedWanted)
  if (!read.ok) return broken(read.problem.detail ?? read.problem.reason)
  const stored = readResource(read.value)
  if (!stored.ok) return stored
  const { type, id } = stored.value
  return type === asked.type && id === asked.id ? stored : broken(`another resource came: ${type}/${id}`)
}

/**
 * The resources on the first page of what a search found, or why the answer cannot be relied on.
 *
 * What was searched for must stand in each of them: a server that does not know the parameter finds
 * everything.
 */
export function readMatches(body: FhirBody, search: Search): Read<Matches> {
  const read = readFhirBody(body, pageWanted)
  if (!read.ok) return broken(read.problem.detail ?? read.problem.reason)
  const { children } = read.value
  if (textOf(read.value, 'resourceType') !== 'Bundle' || textOf(read.value, 'type') !== 'searchset')
    return broken('the answer of a search is no searchset')
  const hasMore = (children.get('link') ?? []).some((link) => textOf(link, 'relation') === 'next')
  const found: StoredResource[] = []
  for (const entry of children.get('entry') ?? []) {
    const [element] = entry.children.get('resource') ?? []
    if (element === undefined || textOf(element, 'resourceType') === 'OperationOutcome') continue
    const stored = readResource(element)
    if (!stored.ok) return stored
    if (stored.value.type !== search.type || !holds(element, search))
      return broken(
        `the search found ${stored.value.type}/${stored.value.id}, which is none of what was searched`,
      )
    found.push(stored.value)
  }
  return { ok: true, value: { resources: found, hasMore } }
}

function readResource(element: FhirElement): Read<StoredResource> {
  const type = textOf(element, 'resourceType') ?? ''
  const id = textOf(element, 'id') ?? ''
  if (!isId({ type, id })) return broken('a resource without type or id came')
  const numbers = type === 'Organization' ? numbersOf(element) : []
  if (numbers === undefined) return { ok: true, value: nobodys({ type, id }, 'a national number is none') }
  const belongsTo: ResourceId[] = []
  for (const name of numbers.length > 0 ? [] : (owners.get(type) ?? [])) {
    for (const each of element.children.get(name) ?? []) {
      const owner = idOf(textOf(each, 'reference') ?? '')
      if (owner === undefined)
        return { ok: true, value: nobodys({ type, id }, `\`${name}\` is no reference of the form Type/id`) }
      belongsTo.push(owner)
    }
  }
  const isNamedByServices = type === 'Location' && belongsTo.length === 0
  return { ok: true, value: { type, id, numbers, belongsTo, isNamedByServices, unreadable: undefined } }
}

function nobodys(resource: ResourceId, unreadable: string): StoredResource {
  return { ...resource, numbers: [], belongsTo: [], isNamedByServices: false, unreadable }
}

// undefined where a number cannot be read: what it means may be another establishment
function numbersOf(organization: FhirElement): readonly string[] | undefined {
  const numbers = new Set<string>()
  for (const identifier of organization.children.get('identifier') ?? []) {
    const numbering = numberingOf(textOf(identifier, 'system') ?? '')
    if (numbering === 'other') continue
    const value = textOf(identifier, 'value') ?? ''
    const number = numbering === 'almost' ? undefined : readNumber(value, numbering, allPrefixes)
    if (number === undefined) return undefined
    numbers.add(number)
  }
  return [...numbers]
}

function holds(element: FhirElement, { parameter, value }: Search): boolean {
  const name = parameter === 'identifier' ? 'value' : 'reference'
  return (element.children.get(parameter) ?? []).some((each) => {
    const text = textOf(each, name) ?? ''
    return parameter === 'identifier' ? text === value : text.replace(/\/_history\/[^/]+$/, '') === value
  })
}

// a version says which state was meant once; whose it is now is asked
function idOf(text: string): ResourceId | undefined {
  const found = /^([A-Z][A-Za-z]{0,63})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/.exec(
    text,
  )
  const [, type, id] = found ?? []
  return type === undefined || id === undefined ? undefined : { type, id }
}

function isId({ type, id }: ResourceId): boolean {
  return idOf(`${type}/${id}`) !== undefined
}

function textOf(element: FhirElement, name: string): string | undefined {
  const found = element.children.get(name) ?? []
  const [only] = found
  return found.length === 1 && only?.kind === 'string' ? only.value : undefined
}

function broken(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem }
}
