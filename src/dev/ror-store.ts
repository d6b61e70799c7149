import { isObject, type JsonObject, type Resource } from './exchange.js'
import { rorDataSet } from './ror-data-set.js'

/** The resources of one stand-in, in memory: what is written is readable afterwards. */
export interface RorStore {
  list(type: string): readonly Resource[]
  find(type: string, id: string): Resource | undefined
  /** Stores it as a new version of itself; `at` is epoch milliseconds. */
  put(resource: Resource, at: number): Resource
  newId(): string
}

/** What the national ROR serves. @see ROR.md section 2 */
export const servedTypes: readonly string[] = [
  'HealthcareService',
  'Location',
  'Organization',
  'Practitioner',
  'PractitionerRole',
  'Task',
  'Questionnaire',
]

/** A store filled with the data set. */
export function createRorStore(): RorStore {
  const resources = new Map<string, Resource>(
    rorDataSet().map((each) => [keyOf(each.resourceType, each.id), each]),
  )
  let lastId = 10_000
  return {
    list: (type) => [...resources.values()].filter(({ resourceType }) => resourceType === type),
    find: (type, id) => resources.get(keyOf(type, id)),
    put(resource, at) {
      const earlier = resources.get(keyOf(resource.resourceType, resource.id))
      const meta: JsonObject = {
        ...(isObject(resource['meta']) ? resource['meta'] : {}),
        versionId: String(earlier === undefined ? 1 : versionOf(earlier) + 1),
        lastUpdated: new Date(at).toISOString(),
      }
      const { resourceType, id, ...rest } = resource
      const stored: Resource = { resourceType, id, ...rest, meta }
      resources.set(keyOf(resourceType, id), stored)
      return stored
    },
    newId: () => String(++lastId),
  }
}

/** The number in `meta.versionId`; 1 where none stands. */
export function versionOf(resource: Resource): number {
  const meta = resource['meta']
  return isObject(meta) ? Number(meta['versionId'] ?? 1) : 1
}

function keyOf(type: string, id: string): string {
  return `${type}/${id}`
}
