import type { EstablishmentSource, PatchAim, WriteRule } from '../core/api.js'
import type { RawWrite } from './gateway-schema.js'
import type { Reading } from './reading.js'
import { alternatives } from './spelling.js'
import type { TreePath } from './yaml-source.js'

/** A write as the decision reads it; undefined where something in it is wrong, which is told. */
export function readWrite(raw: RawWrite, at: TreePath, reading: Reading): WriteRule | undefined {
  const establishment = readSource(raw.establishment, [...at, 'establishment'], reading)
  const { path, parameters } = raw
  if (establishment === undefined) return undefined
  if (establishment.from === 'query' && parameters.includes(establishment.parameter)) {
    const index = parameters.indexOf(establishment.parameter)
    const message = 'the parameter that is judged must not stand among those that are not'
    reading.refuse([...at, 'parameters', index], 'wrong-value', message)
  }
  if (establishment.from === 'body' && raw.method === 'DELETE') {
    reading.refuse(
      [...at, 'establishment'],
      'write-unreadable',
      'a DELETE has no body to find the establishment in',
    )
  }
  if (establishment.from === 'body' && establishment.shape === 'bundle' && raw.method !== 'POST') {
    reading.refuse([...at, 'method'], 'write-unreadable', 'a bundle is sent by POST')
  }
  const patch = readPatch(raw, { path, establishment, at }, reading)
  const { method, prefixes, maxBodyBytes } = raw
  return { method, path, establishment, prefixes, parameters, patch, maxBodyBytes }
}

function readSource(
  raw: RawWrite['establishment'],
  at: TreePath,
  reading: Reading,
): EstablishmentSource | undefined {
  const { query, form, body, reference, resolve } = raw
  const kinds = { query, body, reference }
  const named = Object.entries(kinds).flatMap(([kind, value]) => (value === undefined ? [] : [kind]))
  const [kind, ...others] = named
  if (kind === undefined || others.length > 0) {
    const found = named.length === 0 ? 'none' : alternatives(named).replace(' or ', ' and ')
    const message = `expected one of \`query\`, \`body\` or \`reference\`, found ${found}`
    reading.refuse(at, 'wrong-source', message)
    return undefined
  }
  const stray = (name: 'form' | 'resolve', owner: string): void => {
    if (raw[name] === undefined) return
    reading.refuse([...at, name], 'wrong-source', `stands beside \`${owner}\` only`)
  }
  if (kind !== 'query') stray('form', 'query')
  if (kind !== 'reference') stray('resolve', 'reference')
  if (query !== undefined) {
    if (form !== undefined) return { from: 'query', parameter: query, form }
    const forms = alternatives(['idnatstruct/unit', 'idnatstruct', 'finess'])
    reading.refuse(at, 'missing-key', `missing key \`form\`: expected one of ${forms}`)
    return undefined
  }
  if (body !== undefined) return { from: 'body', shape: body }
  if (reference === undefined) return undefined
  if (resolve !== undefined) return { from: 'reference', reference, resolve }
  reading.refuse(at, 'missing-key', 'missing key `resolve`: expected `upstream`')
  return undefined
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
    return { resource, paths }
  }
  if (write.establishment.from === 'body') return undefined
  const resource = write.path.findLast((segment) => !segment.startsWith('{'))
  if (resource !== undefined && /^[A-Z][A-Za-z]+$/.test(resource)) return { resource, paths: [resource] }
  const message =
    'missing key `patch`: the path names no resource type; expected `{ resource, paths }` or `unread`'
  reading.refuse(write.at, 'missing-key', message)
  return undefined
}
