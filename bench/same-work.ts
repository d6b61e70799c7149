import { capacityPatch, organizationPost, smallGet } from './load/requests.js'
import { foreign, own } from './partners.js'
import type { Subject, Work } from './subjects/subject.js'
import { destination } from './workloads/steady.js'
import type { Place } from './workloads/workload.js'

/** What came of the requests that tell whether a subject does the work. */
export interface SameWork {
  /** Work that it did: what must be refused was, and reached nothing. */
  readonly done: readonly Work[]
}

/**
 * Finds out what work a subject really does.
 *
 * @throws Error where a permitted request is refused, or what it does is not what it says
 */
export async function proveWork(subject: Subject, place: Omit<Place, 'milliseconds'>): Promise<SameWork> {
  const { stage } = place
  const passes = (request: Uint8Array, client = stage.listed): Promise<boolean> => {
    const to = { ...destination(place), client: { chainPem: client.chainPem, keyPem: client.keyPem } }
    return reaches(place, { to, request })
  }
  for (const request of [smallGet, capacityPatch(own), organizationPost(4_096, own)]) {
    if (!(await passes(request))) throw new Error(`${subject.name} refuses what is permitted`)
  }
  const done: Work[] = []
  if (!(await passes(smallGet, stage.unlisted))) done.push('whitelist')
  if (!(await passes(capacityPatch(foreign)))) done.push('query-rule')
  if (!(await passes(organizationPost(4_096, foreign)))) done.push('body-rule')
  if (done.join() !== subject.does.join()) {
    throw new Error(`${subject.name} should do ${subject.does.join()}, and does ${done.join()}`)
  }
  return { done }
}

type Asked = Pick<Place, 'generator' | 'upstream'>

/**
 * Whether a request reaches the upstream; one that does not must be answered with a refusal.
 *
 * @throws Error where it was neither: a connection that broke proves nothing
 */
async function reaches(
  { generator, upstream }: Asked,
  { to, request }: { to: ReturnType<typeof destination>; request: Uint8Array },
): Promise<boolean> {
  const before = await upstream.requests()
  const { statuses, failed, failures } = await generator.do({
    do: 'handshakes',
    to,
    milliseconds: 0,
    request,
    atOnce: 1,
    resumed: false,
  })
  const came = (await upstream.requests()) - before
  if (came === 1 && failed === 0 && statuses[200] === 1) return true
  const isRefused = failed === 0 && Object.keys(statuses).every((status) => Number(status) >= 400)
  if (came === 0 && isRefused) return false
  const what = JSON.stringify({ statuses, failures })
  throw new Error(`neither passed nor refused: ${what}, and the upstream had ${came} requests`)
}
