import { deny, type Denial, type EstablishmentWritten, type IdWritten } from '../core/decision.js'
import type { Result } from '../core/result.js'
import type { StoredResource } from '../fhir/stored.js'
import type { Lookup } from './lookups.js'

/** A national number, and the resources that led to it. */
interface Owner {
  readonly idNatStruct: string
  readonly trail: readonly string[]
}

type Owners = Result<readonly Owner[], string>

/**
 * The establishments behind ids, every one, as the upstream tells them now.
 *
 * Every way must end at a number that counts: one that ends nowhere, leads back or is too long makes
 * the id `establishment-unresolvable`.
 *
 * @throws Failure where the upstream does not answer as it should
 */
export async function resolveIds(
  ids: readonly IdWritten[],
  lookup: Lookup,
): Promise<Result<readonly EstablishmentWritten[], Denial>> {
  const written: EstablishmentWritten[] = []
  for (const asked of ids) {
    const behind = asked.by === 'identifier' ? asked.id : `${asked.type}/${asked.id}`
    const owners = await ownersBehind(asked, lookup)
    if (!owners.ok) {
      const sent = { at: asked.at, value: behind, expected: 'an id that leads to an establishment' }
      return {
        ok: false,
        problem: deny('establishment-unresolvable', { detail: `${behind}: ${owners.problem}`, sent }),
      }
    }
    for (const { idNatStruct, trail } of owners.value) {
      written.push({ idNatStruct, at: `resolved from ${trail.join(' > ')}, ${asked.at}`, behind })
    }
  }
  return { ok: true, value: written }
}

async function ownersBehind(asked: IdWritten, lookup: Lookup): Promise<Owners> {
  if (asked.by === 'full-url') return { ok: false, problem: 'no entry has this fullUrl' }
  const start =
    asked.by === 'id'
      ? await startOf(asked, lookup)
      : await lookup.search({ type: asked.type, parameter: 'identifier', value: asked.id })
  return start.ok ? ownersOfAll(start.value, [], { lookup, prefixes: asked.prefixes }) : start
}

async function startOf(asked: IdWritten, lookup: Lookup): Promise<Result<readonly StoredResource[], string>> {
  const read = await lookup.read(asked)
  return read.ok ? { ok: true, value: [read.value] } : read
}

interface Way {
  readonly lookup: Lookup
  readonly prefixes: readonly string[]
}

async function ownersOfAll(
  resources: readonly StoredResource[],
  trail: readonly string[],
  way: Way,
): Promise<Owners> {
  const owners: Owner[] = []
  for (const resource of resources) {
    const found = await ownersOf(resource, trail, way)
    if (!found.ok) return found
    owners.push(...found.value)
  }
  return { ok: true, value: owners }
}

async function ownersOf(resource: StoredResource, before: readonly string[], way: Way): Promise<Owners> {
  const name = `${resource.type}/${resource.id}`
  const trail = [...before, name]
  const no = (problem: string): Owners => ({ ok: false, problem: `${trail.join(' > ')}: ${problem}` })
  if (before.includes(name)) return no('leads back to itself')
  if (before.length > way.lookup.maxSteps) return no(`more than ${way.lookup.maxSteps} steps`)
  if (resource.unreadable !== undefined) return no(resource.unreadable)
  if (resource.numbers.length > 0) {
    // an establishment of another kind is one of its own: the one above it is not asked
    const counting = resource.numbers.filter((number) => way.prefixes.includes(number.charAt(0)))
    if (counting.length === 0) return no(`no number with prefix ${way.prefixes.join(' or ')}`)
    return { ok: true, value: counting.map((idNatStruct) => ({ idNatStruct, trail })) }
  }
  const owners = await belongingsOf(resource, way.lookup)
  if (!owners.ok) return no(owners.problem)
  return owners.value.length === 0 ? no('names no establishment') : ownersOfAll(owners.value, trail, way)
}

async function belongingsOf(
  { type, id, belongsTo, isNamedByServices }: StoredResource,
  lookup: Lookup,
): Promise<Result<readonly StoredResource[], string>> {
  if (isNamedByServices) {
    return lookup.search({ type: 'HealthcareService', parameter: 'location', value: `${type}/${id}` })
  }
  const owners: StoredResource[] = []
  for (const each of belongsTo) {
    const owner = await lookup.read(each)
    if (!owner.ok) return owner
    owners.push(owner.value)
  }
  return { ok: true, value: owners }
}
