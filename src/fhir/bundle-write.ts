import type { Api, WriteRule } from '../core/api.js'
import { deny, type Denial, type EstablishmentWritten, type IdWritten, type Named } from '../core/decision.js'
import { namedInTarget } from '../core/named-in-target.js'
import { judgeTarget, type RequestTarget } from '../core/request-target.js'
import type { Result } from '../core/result.js'
import { findApi, operationOf } from '../core/route.js'
import { readsBody } from '../core/write-rule.js'
import { ambiguous, type FhirBody } from './body.js'
import { bundleEntries, type BundleEntry } from './bundle.js'
import { judgePatch } from './patch.js'
import { namedInResource, wantedBy } from './written.js'

/** One write of a Bundle, with the rule of the API that describes it. */
export interface BundleWrite {
  readonly entry: BundleEntry
  readonly target: RequestTarget
  readonly rule: WriteRule
}

/** Where a Bundle was sent. */
export interface BundlePlace {
  readonly api: Api
  /** Every API of the environment: an entry must not lead to another one. */
  readonly apis: readonly Api[]
  readonly host: string
  readonly maxEntries: number
}

/**
 * The writes of a transaction or batch, each as the rule of its method and URL describes it; reads are
 * left out, since whoever is granted the API may read it.
 *
 * Refused: an entry that no rule describes, a URL that could be read in two ways or leads to another
 * API, a conditional create (what other entries refer to would be whatever it finds), a PATCH that
 * aims elsewhere.
 *
 * @see FHIR R4 section 3.1.0.11
 */
export function writesOfBundle(body: FhirBody, place: BundlePlace): Result<readonly BundleWrite[], Denial> {
  const { api, maxEntries } = place
  const entries = bundleEntries(body, { maxEntries, resource: wantedBy(api.writes) })
  if (!entries.ok) return entries
  const writes: BundleWrite[] = []
  for (const entry of entries.value) {
    const write = writeOf(entry, place)
    if (!write.ok) return { ok: false, problem: inEntry(write.problem, entry) }
    if (write.value !== undefined) writes.push(write.value)
  }
  return { ok: true, value: writes }
}

function writeOf(
  entry: BundleEntry,
  { api, apis, host }: BundlePlace,
): Result<BundleWrite | undefined, Denial> {
  const judged = judgeTarget(`${api.path === '/' ? '' : api.path}/${entry.url}`)
  if (!judged.ok) return ambiguous('request.url', judged.problem)
  const target = judged.value
  if (findApi(apis, host, target) !== api) return ambiguous('request.url', 'the URL leads to another API')
  const operation = operationOf(api, entry.method, target)
  if (operation.kind === 'read') {
    return entry.resource === undefined || entry.method === 'POST'
      ? { ok: true, value: undefined }
      : ambiguous('resource', 'a read carries no resource')
  }
  if (operation.kind !== 'write') {
    return { ok: false, problem: deny('write-not-described', { sent: { method: entry.method } }) }
  }
  const { rule } = operation
  if (entry.conditions.ifNoneExist !== undefined) {
    return ambiguous('request.ifNoneExist', 'a conditional create is not taken in a Bundle')
  }
  if (rule.method === 'DELETE' && entry.resource !== undefined)
    return ambiguous('resource', 'a DELETE carries no resource')
  if (readsBody(rule) && entry.resource === undefined) {
    return {
      ok: false,
      problem: deny('body-unreadable', { sent: { problem: 'this entry needs a resource' } }),
    }
  }
  if (rule.patch !== undefined && entry.resource !== undefined) {
    const denial = judgePatch(entry.resource, rule.patch)
    if (denial !== undefined) return { ok: false, problem: denial }
  }
  return { ok: true, value: { entry, target, rule } }
}

/**
 * Everything that the writes of a Bundle name.
 *
 * A reference to another entry (`urn:uuid:…`) names what that entry names, which is judged with it:
 * it must be one POST or PUT, and must not lead back to itself.
 */
export function namedInWrites(writes: readonly BundleWrite[]): Result<Named, Denial> {
  const establishments: EstablishmentWritten[] = []
  const ids: IdWritten[] = []
  const links = new Map<BundleWrite, readonly IdWritten[]>()
  for (const write of writes) {
    const named = namedByEntry(write)
    if (!named.ok) return { ok: false, problem: inEntry(named.problem, write.entry) }
    const at = (place: string): string => `${write.entry.at} ${place}`
    establishments.push(...named.value.establishments.map((each) => ({ ...each, at: at(each.at) })))
    const placed = named.value.ids.map((each) => ({ ...each, at: at(each.at) }))
    ids.push(...placed.filter(({ by }) => by !== 'full-url'))
    links.set(
      write,
      placed.filter(({ by }) => by === 'full-url'),
    )
  }
  const astray = judgeLinks(links)
  return astray === undefined ? { ok: true, value: { establishments, ids } } : { ok: false, problem: astray }
}

function namedByEntry({ entry, target, rule }: BundleWrite): Result<Named, Denial> {
  const byTarget = namedInTarget(target, rule)
  if (!byTarget.ok || entry.resource === undefined) return byTarget
  const id = byTarget.value.ids.find(({ by }) => by === 'id')?.id
  const byBody = namedInResource(entry.resource, { rule, id, isInBundle: true })
  if (!byBody.ok) return byBody
  return {
    ok: true,
    value: {
      establishments: [...byTarget.value.establishments, ...byBody.value.establishments],
      ids: [...byTarget.value.ids, ...byBody.value.ids],
    },
  }
}

// whatever is referred to is judged by itself; what is left is that every way ends at one that names an establishment
function judgeLinks(links: ReadonlyMap<BundleWrite, readonly IdWritten[]>): Denial | undefined {
  const byFullUrl = new Map<string, BundleWrite | undefined>()
  for (const write of links.keys()) {
    const { fullUrl, method } = write.entry
    if (fullUrl === undefined) continue
    const isAlone = !byFullUrl.has(fullUrl) && (method === 'POST' || method === 'PUT')
    byFullUrl.set(fullUrl, isAlone ? write : undefined)
  }
  const settled = new Set<BundleWrite>()
  for (const start of links.keys()) {
    if (settled.has(start)) continue
    // each link is followed once: an entry may have thousands
    const way = [{ write: start, links: (links.get(start) ?? []).values() }]
    const onWay = new Set([start])
    for (let step = way.at(-1); step !== undefined; step = way.at(-1)) {
      const open = step.links.next()
      if (open.done === true) {
        settled.add(step.write)
        onWay.delete(step.write)
        way.pop()
        continue
      }
      const { id, at } = open.value
      const next = byFullUrl.get(id)
      if (next !== undefined && settled.has(next)) continue
      if (next === undefined || onWay.has(next)) {
        const sent = { at, value: id, expected: 'the fullUrl of one other POST or PUT entry' }
        return deny('establishment-unresolvable', { sent })
      }
      onWay.add(next)
      way.push({ write: next, links: (links.get(next) ?? []).values() })
    }
  }
  return undefined
}

function inEntry(denial: Denial, { at }: BundleEntry): Denial {
  const within = denial.sent?.['at']
  // some places say the entry already
  const place = within === undefined || within.startsWith(at) ? (within ?? at) : `${at} ${within}`
  return { ...denial, sent: { ...denial.sent, at: place } }
}
