import { deny, type Denial } from '../core/decision.js'
import type { Result } from '../core/result.js'
import { ambiguous, onlyChild, onlyText, readFhirBody, type FhirBody } from './body.js'
import type { FhirElement, Wanted } from './fhir-element.js'
import { patchWanted } from './patch.js'
import { judgeResourceType } from './resource.js'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const conditionNames = ['ifNoneExist', 'ifMatch', 'ifNoneMatch', 'ifModifiedSince'] as const

/** One request of a transaction or batch, to be judged by the rule that its method and URL lead to. */
export interface BundleEntry {
  /** `Bundle.entry[3]` */
  readonly at: string
  readonly method: (typeof methods)[number]
  /** Relative to the API's path, as written: `Location?identifier=…`, `Organization/4569`. */
  readonly url: string
  readonly fullUrl: string | undefined
  /** What else decides which resource is written, as written: never to be ignored. */
  readonly conditions: Readonly<Partial<Record<(typeof conditionNames)[number], string>>>
  /** For `namedInResource` and `judgePatch`; undefined where the entry carries none. */
  readonly resource: FhirElement | undefined
}

const requestWanted: Wanted = {
  method: {},
  url: {},
  ifNoneExist: {},
  ifMatch: {},
  ifNoneMatch: {},
  ifModifiedSince: {},
}

function bundleWanted(resource: Wanted): Wanted {
  return {
    resourceType: {},
    type: {},
    entry: { fullUrl: {}, request: requestWanted, resource: { ...resource, ...patchWanted } },
  }
}

/** What bounds a Bundle, and what is read of the resources in it. */
export interface BundleReading {
  readonly maxEntries: number
  /** As `wantedBy` says of the rules that the entries may follow. */
  readonly resource: Wanted
}

/**
 * The entries of a transaction or batch Bundle, or why it is refused.
 *
 * Refused: another resource, another type of Bundle, no entry, more than `maxEntries`, an entry
 * without exactly one request, an absolute URL, a Bundle within a Bundle.
 *
 * @see FHIR R4 section 3.1.0.11
 */
export function bundleEntries(
  body: FhirBody,
  { maxEntries, resource }: BundleReading,
): Result<readonly BundleEntry[], Denial> {
  const read = readFhirBody(body, bundleWanted(resource))
  if (!read.ok) return read
  const bundle = read.value
  const mistyped = judgeResourceType(bundle, 'Bundle')
  if (mistyped !== undefined) return { ok: false, problem: mistyped }
  const type = onlyText(bundle, 'type', 'Bundle')
  if (!type.ok) return type
  if (type.value !== 'transaction' && type.value !== 'batch') {
    return ambiguous('Bundle.type', 'only a transaction or a batch is written')
  }
  const elements = bundle.children.get('entry') ?? []
  if (elements.length === 0) {
    return { ok: false, problem: deny('establishment-missing', { sent: { at: 'Bundle.entry' } }) }
  }
  if (elements.length > maxEntries) {
    const sent = { entries: String(elements.length), allowed: String(maxEntries) }
    return { ok: false, problem: deny('body-too-large', { sent }) }
  }
  const entries: BundleEntry[] = []
  for (const [index, element] of elements.entries()) {
    const entry = readEntry(element, `Bundle.entry[${index}]`)
    if (!entry.ok) return entry
    entries.push(entry.value)
  }
  return { ok: true, value: entries }
}

function readEntry(entry: FhirElement, at: string): Result<BundleEntry, Denial> {
  const request = onlyChild(entry, 'request', at)
  if (!request.ok) return request
  if (request.value?.kind !== 'complex') return ambiguous(at, 'an entry has one request')
  const text = (name: string): Result<string | undefined, Denial> =>
    request.value === undefined
      ? { ok: true, value: undefined }
      : onlyText(request.value, name, `${at}.request`)
  const sentMethod = text('method')
  if (!sentMethod.ok) return sentMethod
  const method = methods.find((each) => each === sentMethod.value)
  if (method === undefined) return ambiguous(at, `the method of an entry is one of ${methods.join(', ')}`)
  const url = text('url')
  if (!url.ok) return url
  if (url.value === undefined || !isRelative(url.value)) {
    return ambiguous(at, 'the URL of an entry begins with a resource type')
  }
  const conditions: Partial<Record<(typeof conditionNames)[number], string>> = {}
  for (const name of conditionNames) {
    const condition = text(name)
    if (!condition.ok) return condition
    if (condition.value !== undefined) conditions[name] = condition.value
  }
  const fullUrl = onlyText(entry, 'fullUrl', at)
  if (!fullUrl.ok) return fullUrl
  const resource = onlyChild(entry, 'resource', at)
  if (!resource.ok) return resource
  if (resource.value !== undefined) {
    const denial = judgeNesting(resource.value, at)
    if (denial !== undefined) return { ok: false, problem: denial }
  }
  return {
    ok: true,
    value: { at, method, url: url.value, fullUrl: fullUrl.value, conditions, resource: resource.value },
  }
}

function judgeNesting(resource: FhirElement, at: string): Denial | undefined {
  for (const each of [resource, ...(resource.children.get('contained') ?? [])]) {
    const type = onlyText(each, 'resourceType', at)
    if (!type.ok) return type.problem
    if (type.value === undefined) return ambiguous(at, 'a resource has a resourceType').problem
    if (type.value === 'Bundle') return ambiguous(at, 'a Bundle stands within a Bundle').problem
  }
  return undefined
}

// `//host`, `/path`, `http:`, `?query` alone, `#` would each lead past the API's path or be read in two ways
function isRelative(url: string): boolean {
  return /^[A-Z][A-Za-z]{0,63}(?:[/?][\x21\x22\x24-\x7e]*)?$/.test(url)
}
