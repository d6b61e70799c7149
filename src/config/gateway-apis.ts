import type { Api } from '../core/api.js'
import type { Place } from '../core/diagnostic.js'
import type { RawApi, RawEnvironment } from './gateway-schema.js'
import { readWrite } from './gateway-writes.js'
import type { Reading } from './reading.js'
import { readUpstream } from './upstream-schema.js'
import type { TreePath } from './yaml-source.js'

/** An API with the place of its name, for what two APIs cannot share. */
interface PlacedApi {
  readonly api: Api
  readonly at: TreePath
  readonly place: Place
}

/**
 * The APIs of one environment; what is wrong in them, or between them, is told to `reading`.
 *
 * @param addressHosts - names by which an API without `hosts` answers too
 */
export function readApis(
  environment: RawEnvironment,
  { at, addressHosts }: { readonly at: TreePath; readonly addressHosts: readonly string[] },
  reading: Reading,
): readonly Api[] {
  const named = new Set(
    environment.apis.flatMap(({ hosts }) => hosts ?? []).map((host) => host.toLowerCase()),
  )
  const everywhere = [...new Set([...named, ...addressHosts])]
  const read = environment.apis.map((raw, index): PlacedApi => {
    const path = [...at, 'apis', index]
    const api = readApi(raw, { at: path, everywhere }, reading)
    return { api, at: path, place: reading.tree.placeOf([...path, 'name']) }
  })
  for (const [index, later] of read.entries()) {
    for (const earlier of read.slice(0, index)) refuseClash(later, earlier, reading)
  }
  return read.map(({ api }) => api)
}

function readApi(
  raw: RawApi,
  { at, everywhere }: { readonly at: TreePath; readonly everywhere: readonly string[] },
  reading: Reading,
): Api {
  const { name, kind, match, searchByPost, tokenBinding } = raw
  const hosts =
    raw.hosts === undefined ? everywhere : [...new Set(raw.hosts.map((host) => host.toLowerCase()))]
  if (hosts.length === 0) {
    reading.refuse(at, 'missing-key', `missing key \`hosts\`: no API of this environment names a host`)
  }
  if (raw.writes.length > 0 && kind !== 'fhir') {
    const why = kind === 'csd' ? 'POST is a read there' : 'POST asks for a token there'
    reading.refuse([...at, 'writes'], 'writes-without-fhir', `stands beside \`kind: fhir\` only; ${why}`)
  }
  if (searchByPost && kind !== 'fhir') {
    reading.refuse([...at, 'searchByPost'], 'search-without-fhir', 'stands beside `kind: fhir` only')
  }
  if (tokenBinding !== 'off' && kind === 'oauth-token') {
    const message = 'no token is sent to where tokens are asked for'
    reading.refuse([...at, 'tokenBinding'], 'binding-without-token', message)
  }
  const upstream = readUpstream(raw.upstream, [...at, 'upstream'], reading)
  const firsts = new Map<string, Place>()
  const writes = raw.writes.flatMap((write, index) => {
    const path = [...at, 'writes', index]
    // `{id}` and `{name}` are the same template
    const template = `${write.method} /${write.path.map((part) => (part.startsWith('{') ? '{…}' : part)).join('/')}`
    const first = firsts.get(template)
    if (first !== undefined) {
      const message = `two rules describe \`${template}\``
      reading.refusePair(path, { code: 'duplicate-write', message }, first)
    }
    firsts.set(template, reading.tree.placeOf(path))
    return readWrite(write, path, reading) ?? []
  })
  return { name, kind, hosts, path: raw.path, match, upstream, writes, searchByPost, tokenBinding }
}

function refuseClash(later: PlacedApi, earlier: PlacedApi, reading: Reading): void {
  const { api, at } = later
  const first = earlier.place
  if (api.name === earlier.api.name) {
    const message = `two APIs are named \`${api.name}\``
    reading.refusePair([...at, 'name'], { code: 'duplicate-api', message }, first)
  }
  if (api.path !== earlier.api.path) return
  const host = api.hosts.find((one) => earlier.api.hosts.includes(one))
  if (host === undefined) return
  const message = `two APIs answer on \`${host}${api.path}\`: \`${earlier.api.name}\` and \`${api.name}\``
  reading.refusePair([...at, 'path'], { code: 'overlapping-apis', message }, first)
}
