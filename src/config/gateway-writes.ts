import type { BodySource, EstablishmentSource, PatchAim, WriteRule } from '../core/api.js'
import {
  bodySourceOf,
  ownershipOf,
  pathReference,
  resourceTypeOf,
  usualUnitCharacters,
} from '../core/write-rule.js'
import type { RawWrite } from './gateway-schema.js'
import type { Reading } from './reading.js'
import { alternatives } from './spelling.js'
import type { TreePath } from './yaml-source.js'

/** A write as the decision reads it; undefined where something in it is wrong, which is told. */
export function readWrite(raw: RawWrite, at: TreePath, reading: Reading): WriteRule | undefined {
  const read = readSources(raw.establishment, [...at, 'establishment'], reading)
  if (read === undefined) return undefined
  const { establishment, also } = read
  const { method, path, prefixes, parameters, maxBodyBytes, maxEntries, conditionalCreate } = raw
  if (establishment.from === 'query' && parameters.includes(establishment.parameter)) {
    const index = parameters.indexOf(establishment.parameter)
    const message = 'the parameter that is judged must not stand among those that are not'
    reading.refuse([...at, 'parameters', index], 'wrong-value', message)
  }
  if (conditionalCreate && method !== 'POST') {
    reading.refuse([...at, 'conditionalCreate'], 'write-unreadable', 'stands beside `method: POST` only')
  }
  const storedType = readStoredType(raw, at, reading)
  judgeSources({ raw, establishment, body: bodySourceOf(read), at }, reading)
  const unitCharacters = raw.unitCharacters ?? usualUnitCharacters
  const patch = readPatch(raw, { path, establishment, at }, reading)
  const bounds = { maxBodyBytes, maxEntries, conditionalCreate, unitCharacters }
  return { method, path, establishment, also, storedType, prefixes, parameters, patch, ...bounds }
}

type Sources = Pick<WriteRule, 'establishment' | 'also'>

function readSources(raw: RawWrite['establishment'], at: TreePath, reading: Reading): Sources | undefined {
  const { query, form, body, reference, resolve } = raw
  const kinds = { query, body, reference }
  const named = Object.entries(kinds).flatMap(([kind, value]) => (value === undefined ? [] : [kind]))
  if (named.length === 0 || (body !== undefined && reference !== undefined)) {
    const found = named.length === 0 ? 'none' : alternatives(named).replace(' or ', ' and ')
    const message = `expected one of \`query\`, \`body\` or \`reference\`, or \`query\` and one of the others, found ${found}`
    reading.refuse(at, 'wrong-source', message)
    return undefined
  }
  if (query === undefined && form !== undefined) {
    reading.refuse([...at, 'form'], 'wrong-source', 'stands beside `query` only')
  }
  if (reference !== undefined && resolve === undefined) {
    reading.refuse(at, 'missing-key', 'missing key `resolve`: expected `upstream`')
    return undefined
  }
  const inBody = readBodySource(raw)
  if (query === undefined)
    return inBody === undefined ? undefined : { establishment: inBody, also: undefined }
  if (form === undefined) {
    const forms = alternatives(['idnatstruct/unit', 'idnatstruct', 'finess'])
    reading.refuse(at, 'missing-key', `missing key \`form\`: expected one of ${forms}`)
    return undefined
  }
  const establishment = { from: 'query', parameter: query, form, ...(resolve && { resolve }) } as const
  return { establishment, also: inBody }
}

function readBodySource({ body, reference }: RawWrite['establishment']): BodySource | undefined {
  if (body !== undefined) return { from: 'body', shape: body }
  return reference === undefined ? undefined : { from: 'reference', reference, resolve: 'upstream' }
}

// an id in the path says what is written, and nothing in the request says whose that is
function readStoredType(raw: RawWrite, at: TreePath, reading: Reading): string | undefined {
  const { path, establishment } = raw
  const index = path.findIndex((segment) => segment.startsWith('{'))
  if (index === -1) return undefined
  const type = resourceTypeOf({ path: path.slice(0, index) })
  const ids = path.filter((segment) => segment.startsWith('{'))
  if (ids.length > 1 || type === undefined || type !== path[index - 1]) {
    const message = 'one `{id}` is taken, behind a resource type: what stands there must be looked up'
    reading.refuse([...at, 'path'], 'write-unreadable', message)
    return undefined
  }
  if (establishment.resolve === undefined) {
    const message = `missing key \`resolve\`: expected \`upstream\`, since nothing in the request says whose the ${type} behind the id in \`path\` is`
    reading.refuse([...at, 'establishment'], 'missing-key', message)
  }
  return type
}

interface NamingWrite {
  readonly raw: RawWrite
  readonly establishment: EstablishmentSource
  readonly body: BodySource | undefined
  readonly at: TreePath
}

// whether the sources of a rule are ones that its method sends, and leave nothing that is written unjudged
function judgeSources({ raw, establishment, body, at }: NamingWrite, reading: Reading): void {
  const { method, path, establishment: written } = raw
  const place = [...at, 'establishment']
  const refuse = (message: string): void => {
    reading.refuse(place, 'write-unreadable', message)
  }
  const hasId = path.some((segment) => segment.startsWith('{'))
  const isBundle = body?.from === 'body' && body.shape === 'bundle'
  if (isBundle && method !== 'POST') {
    reading.refuse([...at, 'method'], 'write-unreadable', 'a bundle is sent by POST')
    return
  }
  if (isBundle && (hasId || establishment.from === 'query')) {
    refuse('a bundle names its establishments in its entries: expected it alone, and no `{id}` in `path`')
  }
  if (written.reference === pathReference && !hasId) {
    reading.refuse([...place, 'reference'], 'write-unreadable', '`id` is the one in `path`, which has none')
  }
  if (body !== undefined && method === 'DELETE') refuse('a DELETE has no body to find the establishment in')
  if (body !== undefined && method === 'PATCH') {
    refuse('a PATCH says what changes, not whose it is: expected `query`, or `reference: id`')
  }
  const type = resourceTypeOf({ path })
  if (body?.from === 'reference' && type === undefined) {
    reading.refuse(
      [...at, 'path'],
      'write-unreadable',
      'expected a resource type in it, which holds the reference',
    )
  }
  const sendsResource = type !== undefined && type === path.at(hasId ? -2 : -1)
  if (body === undefined && (method === 'PUT' || method === 'POST') && sendsResource) {
    refuse(
      `a ${method} sends a whole ${type}, which may name another establishment: add \`body\` or \`reference\``,
    )
  }
  if (establishment.from === 'query' && written.resolve !== undefined && type === undefined) {
    reading.refuse([...at, 'path'], 'write-unreadable', 'expected a resource type in it, which is looked up')
  }
  if (establishment.from === 'body' && written.resolve !== undefined && !hasId) {
    reading.refuse(
      [...place, 'resolve'],
      'wrong-source',
      'nothing is looked up: the body names the establishment',
    )
  }
}

interface PatchedWrite {
  readonly path: readonly string[]
  readonly establishment: EstablishmentSource
  readonly at: TreePath
}

// where the URL alone says what is written, the body must not aim elsewhere: judged unless `unread` is written
function readPatch(raw: RawWrite, write: PatchedWrite, reading: Reading): PatchAim | undefined {
  const { patch, method } = raw
  const at = [...write.at, 'patch']
  if (method !== 'PATCH') {
    if (patch !== undefined) reading.refuse(at, 'wrong-patch', 'stands beside `method: PATCH` only')
    return undefined
  }
  if (patch === 'unread') return undefined
  if (patch !== undefined) {
    const { resource, paths = [resource] } = patch
    for (const [index, path] of paths.entries()) {
      if (path === resource || path.startsWith(`${resource}.`)) continue
      reading.refuse(
        [...at, 'paths', index],
        'wrong-patch',
        `expected a path that begins with \`${resource}\``,
      )
    }
    return { resource, paths, ...(patch.paths === undefined && { except: ownershipOf(resource) }) }
  }
  if (write.establishment.from === 'body') return undefined
  const resource = resourceTypeOf(write)
  if (resource !== undefined) return { resource, paths: [resource], except: ownershipOf(resource) }
  const message =
    'missing key `patch`: the path names no resource type; expected `{ resource, paths }` or `unread`'
  reading.refuse(write.at, 'missing-key', message)
  return undefined
}
