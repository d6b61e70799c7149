import { randomUUID } from 'node:crypto'
import {
  isObject,
  objectsOf,
  textAt,
  type JsonObject,
  type ReceivedRequest,
  type Resource,
} from './exchange.js'
import type { RorStore } from './ror-store.js'

/** Results a page: the ROR's own bound. */
const largestPage = 200
const rememberedSearches = 100

/** Where references stand that `_include` and `_revinclude` follow. */
const includes: Readonly<Record<string, (resource: Resource) => readonly JsonObject[]>> = {
  'HealthcareService:location': (resource) => objectsOf(resource['location']),
  'HealthcareService:organization': (resource) => objectsOf(resource['providedBy']),
  'Organization:partof': (resource) => objectsOf(resource['partOf']),
  'PractitionerRole:practitioner': (resource) => objectsOf(resource['practitioner']),
  'PractitionerRole:service': (resource) => objectsOf(resource['healthcareService']),
}

/** Searches, and the pages of searches that `Bundle.link` names. */
export interface FhirSearch {
  /** The first page. */
  search(type: string, request: ReceivedRequest): JsonObject
  /** The page that `_getpages` and `_getpagesoffset` name; undefined where nobody remembers the search. */
  page(request: ReceivedRequest): JsonObject | undefined
}

/**
 * Search over the store.
 *
 * Understood: `_id`, `identifier` (lists, `system|value`), `name` (`:contains`, `:exact`), `_tag`,
 * `organization.identifier[:above]`, `_count`, `_include`, `_revinclude`. Everything else is taken
 * and selects nothing out. Pages are linked as HAPI FHIR links them.
 */
export function createFhirSearch(store: RorStore): FhirSearch {
  const remembered = new Map<
    string,
    { readonly found: readonly Resource[]; readonly asked: URLSearchParams }
  >()

  function bundle(
    request: ReceivedRequest,
    search: { readonly id: string; readonly found: readonly Resource[]; readonly asked: URLSearchParams },
    offset: number,
  ): JsonObject {
    const base = `${request.origin}/ws-diffusion-fhir`
    const count = pageSize(request.parameters)
    const page = search.found.slice(offset, offset + count)
    const self = `${request.origin}${request.path}${request.query === '' ? '' : `?${request.query}`}`
    const link: JsonObject[] = [{ relation: 'self', url: self }]
    const linkTo = (relation: string, to: number): void => {
      const query = `_getpages=${search.id}&_getpagesoffset=${to}&_count=${count}&_bundletype=searchset`
      link.push({ relation, url: `${base}?${query}` })
    }
    if (offset + count < search.found.length) linkTo('next', offset + count)
    if (offset > 0) linkTo('previous', Math.max(0, offset - count))
    const entry = (mode: string) => (resource: Resource) => ({
      fullUrl: `${base}/${resource.resourceType}/${resource.id}`,
      resource,
      search: { mode },
    })
    const included = includedWith(store, page, search.asked)
    return {
      resourceType: 'Bundle',
      id: search.id,
      type: 'searchset',
      total: search.found.length,
      link,
      entry: [...page.map(entry('match')), ...included.map(entry('include'))],
    }
  }

  return {
    search(type, request) {
      const id = randomUUID()
      const found = matching(store, type, request.parameters)
      const oldest = remembered.keys().next()
      if (remembered.size >= rememberedSearches && oldest.done !== true) remembered.delete(oldest.value)
      remembered.set(id, { found, asked: request.parameters })
      return bundle(request, { id, found, asked: request.parameters }, 0)
    },
    page(request) {
      const id = request.parameters.get('_getpages') ?? ''
      const search = remembered.get(id)
      const offset = Number(request.parameters.get('_getpagesoffset') ?? 0)
      if (search === undefined || !Number.isInteger(offset) || offset < 0) return undefined
      return bundle(request, { id, ...search }, offset)
    },
  }
}

/** Everything of this type that the parameters select; a comma list is an OR. */
export function matching(store: RorStore, type: string, parameters: URLSearchParams): readonly Resource[] {
  let found = store.list(type)
  for (const [name, value] of parameters) {
    const wanted = value.split(',')
    if (name === '_id') found = found.filter(({ id }) => wanted.includes(id))
    else if (name === 'identifier') found = found.filter((each) => hasIdentifier(each, wanted))
    else if (name === '_tag') found = found.filter((each) => hasTag(each, wanted))
    else if (name === 'name' || name.startsWith('name:')) {
      found = found.filter((each) => hasName(each, name.slice(5), value))
    } else if (name.startsWith('organization.identifier')) {
      found = found.filter((each) => isProvidedBy(store, each, wanted))
    }
  }
  return found
}

function includedWith(
  store: RorStore,
  page: readonly Resource[],
  asked: URLSearchParams,
): readonly Resource[] {
  const reached = new Map<string, Resource>()
  const known = new Set(page.map(referenceTo))
  const add = (resource: Resource | undefined): void => {
    if (resource === undefined || known.has(referenceTo(resource))) return
    known.add(referenceTo(resource))
    reached.set(referenceTo(resource), resource)
  }
  for (const [name, value] of asked) {
    const follow = includes[value]
    if (follow === undefined) continue
    if (name.startsWith('_include')) {
      for (const from of [...page, ...reached.values()]) {
        if (!value.startsWith(`${from.resourceType}:`)) continue
        for (const reference of follow(from)) add(findReferenced(store, reference))
      }
    } else if (name.startsWith('_revinclude')) {
      const targets = new Set([...page, ...reached.values()].map(referenceTo))
      for (const from of store.list(value.split(':', 1).join(''))) {
        if (follow(from).some((each) => targets.has(textAt(each, 'reference') ?? ''))) add(from)
      }
    }
  }
  return [...reached.values()]
}

function hasIdentifier(resource: Resource, wanted: readonly string[]): boolean {
  return objectsOf(resource['identifier']).some((each) =>
    wanted.some((token) => {
      const [system, value] = token.includes('|') ? token.split('|') : [undefined, token]
      return textAt(each, 'value') === value && (system === undefined || textAt(each, 'system') === system)
    }),
  )
}

function hasTag(resource: Resource, wanted: readonly string[]): boolean {
  const meta = resource['meta']
  const codes = isObject(meta) ? objectsOf(meta['tag']).map((tag) => textAt(tag, 'code')) : []
  return wanted.some((token) => codes.includes(token.slice(token.lastIndexOf('|') + 1)))
}

function hasName(resource: Resource, modifier: string, wanted: string): boolean {
  const name = textAt(resource, 'name')
  if (name === undefined) return false
  if (modifier === 'exact') return name === wanted
  const [folded, sought] = [name.toLowerCase(), wanted.toLowerCase()]
  return modifier === 'contains' ? folded.includes(sought) : folded.startsWith(sought)
}

function isProvidedBy(store: RorStore, resource: Resource, wanted: readonly string[]): boolean {
  let [reference] = objectsOf(resource['providedBy'])
  // a chain of partOf is two long in the data set; a written cycle must not hang the stand-in
  for (let depth = 0; depth < 8 && reference !== undefined; depth += 1) {
    const organization = findReferenced(store, reference)
    if (organization === undefined) return false
    if (hasIdentifier(organization, wanted)) return true
    ;[reference] = objectsOf(organization['partOf'])
  }
  return false
}

function findReferenced(store: RorStore, reference: JsonObject): Resource | undefined {
  const [type, id] = (textAt(reference, 'reference') ?? '').split('/')
  return type === undefined || id === undefined ? undefined : store.find(type, id)
}

function referenceTo(resource: Resource): string {
  return `${resource.resourceType}/${resource.id}`
}

function pageSize(parameters: URLSearchParams): number {
  const count = Number(parameters.get('_count') ?? largestPage)
  return Number.isInteger(count) && count > 0 ? Math.min(count, largestPage) : largestPage
}
