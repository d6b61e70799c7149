import type { Admission } from '../core/admission.js'
import { Failure, type FailureCode } from '../core/failure.js'
import { injectedRorHeaders } from '../core/ror-headers.js'
import { upstreamFields } from '../http/fields.js'
import type { ForwardOutcome, ForwardRequest } from '../http/forwarder.js'
import { isRepeatable } from '../http/repeatable.js'
import { readTooSlowly } from '../tls/answer-pace.js'
import type { Arrival } from './arrival.js'
import { clientFieldsOf } from './client-fields.js'
import { limitOfFailure } from './limit-hit.js'
import type { Exchange } from './request.js'
import { mayGoElsewhere } from './upstream-retry.js'
import { timeoutsOf } from './upstreams.js'

// beyond that many servers the fault is not theirs
const mostServers = 3
const none: ReadonlySet<string> = new Set()

/** What goes, and as what. */
interface Passage {
  readonly admission: Admission
  readonly body: ForwardRequest['body']
}

/**
 * Takes an admitted request upstream, byte for byte as it was judged.
 *
 * Where a server takes no connection, another one of the API is asked; see `mayGoElsewhere`.
 *
 * @throws Failure when the upstream fails before anything of an answer was sent, or no server takes requests
 */
export async function forwardAdmitted(
  exchange: Exchange,
  arrival: Arrival,
  passage: Passage,
): Promise<undefined> {
  const { gateway, event } = exchange
  const { name: environment } = arrival.environment
  const { api } = passage.admission
  const place = { environment, api }
  const what = { method: exchange.request.method ?? '', body: passage.body }
  const toServer = requestMaker(exchange, arrival, passage)
  let tried = none
  let last: ForwardOutcome | undefined
  for (;;) {
    const attempt = gateway.upstreams.begin(place, { tried, isRepeatable: isRepeatable(what) })
    if (attempt === undefined) break
    const { server } = attempt
    event.upstream = server
    let code: 'answered' | FailureCode = 'internal'
    try {
      last = await gateway.forwarderOf(environment).forward(toServer(server))
      code = last.kind === 'failed' ? last.code : last.kind
    } finally {
      attempt.ended(code)
    }
    if (last.kind !== 'failed') break
    tried = new Set([...tried, server])
    gateway.log.warn('the upstream failed', {
      requestId: event.requestId,
      environment,
      api: api.name,
      upstream: server,
      code: last.code,
      error: last.cause,
    })
    if (last.responseStarted || tried.size >= mostServers || !mayGoElsewhere(what, last)) break
    gateway.upstreams.goesElsewhere(place, last.code)
  }
  if (last === undefined) throw new Failure('internal', 'a request was sent to no server')
  noteOutcome(exchange, last)
  return undefined
}

/** The request as it goes to a server: but for that, the same each time. */
function requestMaker(
  { request, response, peer, event }: Exchange,
  arrival: Arrival,
  { admission, body }: Passage,
): (server: string) => ForwardRequest {
  const { environment, target } = arrival
  const host = request.headers.host ?? ''
  const { api, entry } = admission
  const injected = injectedRorHeaders(entry.partner, admission)
  const client = clientFieldsOf(arrival, { peer, entry, host, injected })
  const fields = upstreamFields(request.rawHeaders, { client, requestId: event.requestId })
  return (server) => ({
    request,
    response,
    upstream: server,
    tls: environment.upstreamTls.get(api.name),
    method: request.method ?? '',
    target: target.raw,
    fields,
    clientFields: client.fields,
    body,
    publicOrigin: `https://${host}`,
    responseFields: [['X-Request-Id', event.requestId]],
    timeouts: timeoutsOf(api.upstream),
  })
}

/** @throws Failure where nothing of an answer was sent */
function noteOutcome({ request, event }: Exchange, outcome: ForwardOutcome): void {
  event.forwarded(outcome)
  if (outcome.kind === 'client-left' && readTooSlowly(request.socket))
    event.failed(new Failure('client-left', 'the client took its answer too slowly'))
  if (outcome.kind !== 'failed') return
  const limit = limitOfFailure(outcome)
  const failure = new Failure(outcome.code, outcome.cause.message, { cause: outcome.cause, ...limit })
  event.failed(failure)
  if (!outcome.responseStarted) throw failure
}
