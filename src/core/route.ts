import type { Api, WriteRule } from './api.js'
import type { RequestTarget } from './request-target.js'

/** What a request asks of an API, before anybody is asked who sends it. */
export type Operation =
  | { readonly kind: 'read' }
  | { readonly kind: 'token' }
  | { readonly kind: 'write'; readonly rule: WriteRule }
  | { readonly kind: 'undescribed-write' }
  | { readonly kind: 'unsupported-method'; readonly allowed: readonly string[] }

/** A request led to its API. */
export interface Route {
  readonly api: Api
  readonly operation: Operation
}

/** The authority of a Host field without its port, in lower case; undefined where it is none. @see RFC 9110 section 7.2 */
export function hostName(host: string): string | undefined {
  if (hostNames.has(host)) return hostNames.get(host)
  const name = readHostName(host)
  if (hostNames.size >= mostHostNames) hostNames.clear()
  if (host.length < 300) hostNames.set(host, name)
  return name
}

// the same few, for every request
const hostNames = new Map<string, string | undefined>()
const mostHostNames = 1_000

function readHostName(host: string): string | undefined {
  const found =
    /^([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/.exec(host)
  return found?.[1]?.toLowerCase()
}

/** The API that stands at this host and path (the longest path wins), or undefined. */
export function findApi(apis: readonly Api[], host: string, target: RequestTarget): Api | undefined {
  let found: Api | undefined
  for (const api of apis) {
    if (!api.hosts.includes(host) || !isBelow(api, target.path)) continue
    if (found === undefined || api.path.length > found.path.length) found = api
  }
  return found
}

/** What the method and path ask of this API. Total: whatever is not known to be a read is a write. */
export function operationOf(api: Api, method: string, target: RequestTarget): Operation {
  if (api.kind === 'oauth-token') {
    return method === 'POST' ? { kind: 'token' } : { kind: 'unsupported-method', allowed: ['POST'] }
  }
  if (method === 'GET' || method === 'HEAD') return { kind: 'read' }
  if (api.kind === 'csd') {
    return method === 'POST'
      ? { kind: 'read' }
      : { kind: 'unsupported-method', allowed: ['GET', 'HEAD', 'POST'] }
  }
  if (method === 'OPTIONS')
    return { kind: 'unsupported-method', allowed: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] }
  const below = segmentsBelow(api, target)
  if (api.searchByPost && method === 'POST' && isSearch(below)) return { kind: 'read' }
  for (const rule of api.writes) {
    if (rule.method === method && matchesTemplate(rule.path, below)) return { kind: 'write', rule }
  }
  return { kind: 'undescribed-write' }
}

function isBelow(api: Api, path: string): boolean {
  if (path === api.path) return true
  if (api.kind === 'oauth-token') return false
  return api.path === '/' || path.startsWith(`${api.path}/`)
}

function segmentsBelow(api: Api, target: RequestTarget): readonly string[] {
  const depth = api.path === '/' ? 0 : api.path.split('/').length - 1
  const below = target.segments.slice(depth)
  // the base of an API is one place, with and without its last slash: servers tell no difference there
  return below.length === 1 && below[0] === '' ? [] : below
}

function isSearch(below: readonly string[]): boolean {
  return below.length === 2 && below[1] === '_search' && /^[A-Z][A-Za-z]+$/.test(below[0] ?? '')
}

// `{…}` stands for one FHIR id, so that no escape and no operation (`$…`, `_history`) fits it
function matchesTemplate(template: readonly string[], segments: readonly string[]): boolean {
  if (template.length !== segments.length) return false
  return template.every((part, index) => {
    const segment = segments[index]
    if (segment === undefined) return false
    return part.startsWith('{') ? /^[A-Za-z0-9\-.]{1,64}$/.test(segment) : part === segment
  })
}
