import type { Admission } from '../core/admission.js'
import { Failure, type FailureCode } from '../core/failure.js'
import { injectedRorHeaders } from '../core/ror-headers.js'
import { upstreamFields } from '../http/fields.js'
import type { ForwardOutcome, ForwardRequest } from '../http/forwarder.js'
import { readTooSlowly } from '../tls/answer-pace.js'
import type { Arrival } from './arrival.js'
import { clientFieldsOf } from './client-fields.js'
import { limitOfFailure } from './limit-hit.js'
import type { Exchange } from './request.js'
import { isRepeatable, mayGoElsewhere, type RepeatableRequest } from './upstream-retry.js'
import { timeoutsOf } from './upstreams.js'

// beyond that many servers the fault is not theirs
const mostServers = 3

/**
 * Takes an admitted request upstream, byte for byte as it was judged.
 *
 * Where a server takes no connection, another one of the API is asked; see `mayGoElsewhere`.
 *
 * @throws Failure when the upstream fails before anything of an answer was sent
 */
export async function forwardAdmitted(
  exchange: Exchange,
  arrival: Arrival,
  { admission, body }: { admission: Admission; body: 'none' | 'stream' | Uint8Array },
): Promise<void> {
  const { request, response, peer, event } = exchange
  const { environment, target } = arrival
  const host = request.headers.host ?? ''
  const { api, entry } = admission
  const injected = injectedRorHeaders(entry.partner, admission)
  const client = clientFieldsOf(arrival, { peer, entry, host, injected })
  const fields = upstreamFields(request.rawHeaders, { client, requestId: event.requestId })
  const outcome = await forwardToServers(exchange, environment.name, {
    api,
    what: { method: request.method ?? '', body },
    requestTo: (server) => ({
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
    }),
  })
  event.forwarded(outcome)
  if (outcome.kind === 'client-left' && readTooSlowly(request.socket))
    event.failed(new Failure('client-left', 'the client took its answer too slowly'))
  if (outcome.kind !== 'failed') return
  const limit = limitOfFailure(outcome.code)
  const failure = new Failure(outcome.code, outcome.cause.message, { cause: outcome.cause, ...limit })
  event.failed(failure)
  if (!outcome.responseStarted) throw failure
}

interface Passage {
  readonly api: Admission['api']
  readonly what: RepeatableRequest
  readonly requestTo: (server: string) => ForwardRequest
}

/** To one server after the other, as long as it may. @throws Failure where no server takes requests */
async function forwardToServers(
  { gateway, event }: Exchange,
  environment: string,
  { api, what, requestTo }: Passage,
): Promise<ForwardOutcome> {
  const forwarder = gateway.forwarderOf(environment)
  const place = { environment, api }
  const tried = new Set<string>()
  let last: ForwardOutcome | undefined
  for (;;) {
    const attempt = gateway.upstreams.begin(place, { tried, isRepeatable: isRepeatable(what) })
    if (attempt === undefined && last !== undefined) return last
    if (attempt === undefined) throw new Failure('internal', 'a request was sent to no server')
    const { server } = attempt
    tried.add(server)
    event.upstream = server
    let code: 'answered' | FailureCode = 'internal'
    try {
      last = await forwarder.forward(requestTo(server))
      code = last.kind === 'failed' ? last.code : last.kind
    } finally {
      attempt.ended(code)
    }
    if (last.kind !== 'failed') return last
    const goesElsewhere = !last.responseStarted && tried.size < mostServers && mayGoElsewhere(what, last)
    gateway.log.warn('the upstream failed', {
      requestId: event.requestId,
      environment,
      api: api.name,
      upstream: server,
      code: last.code,
      error: last.cause,
    })
    if (!goesElsewhere) return last
    gateway.upstreams.goesElsewhere(place, last.code)
  }
}
