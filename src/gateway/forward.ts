import type { Admission } from '../core/admission.js'
import { Failure, type FailureCode } from '../core/failure.js'
import { injectedRorHeaders } from '../core/ror-headers.js'
import { upstreamFields } from '../http/fields.js'
import type { ForwardOutcome, ForwardRequest } from '../http/forwarder.js'
import { identityFields } from './identity-fields.js'
import type { Arrival } from './arrival.js'
import { limitOfFailure } from './limit-hit.js'
import type { Exchange } from './request.js'
import { isRepeatable, mayGoElsewhere } from './upstream-retry.js'
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
  { environment, target, identity, chain }: Arrival,
  { admission, body }: { admission: Admission; body: 'none' | 'stream' | Uint8Array },
): Promise<void> {
  const { request, response, peer, event } = exchange
  const host = request.headers.host ?? ''
  const { api } = admission
  const outcome = await forwardToServers(exchange, environment.name, {
    api,
    request: {
      request,
      response,
      tls: environment.upstreamTls.get(api.name),
      method: request.method ?? '',
      target: target.raw,
      fields: upstreamFields({
        rawHeaders: request.rawHeaders,
        identity: [
          ...identityFields(environment, { identity, entry: admission.entry, chain }),
          ...injectedRorHeaders(admission.entry.partner, admission),
        ],
        identityNames: environment.config.identityHeaders.map(({ name }) => name),
        forwarded: { clientAddress: peer.address, host },
        requestId: event.requestId,
      }),
      body,
      publicOrigin: `https://${host}`,
      responseFields: [['X-Request-Id', event.requestId]],
      timeouts: timeoutsOf(api.upstream),
    },
  })
  event.forwarded(outcome)
  if (outcome.kind !== 'failed') return
  const limit = limitOfFailure(outcome.code)
  const failure = new Failure(outcome.code, outcome.cause.message, { cause: outcome.cause, ...limit })
  event.failed(failure)
  if (!outcome.responseStarted) throw failure
}

/** To one server after the other, as long as it may. @throws Failure where no server takes requests */
async function forwardToServers(
  { gateway, event }: Exchange,
  environment: string,
  { api, request }: { readonly api: Admission['api']; readonly request: Omit<ForwardRequest, 'upstream'> },
): Promise<ForwardOutcome> {
  const forwarder = gateway.forwarderOf(environment)
  const place = { environment, api }
  const tried = new Set<string>()
  let last: ForwardOutcome | undefined
  for (;;) {
    const attempt = gateway.upstreams.begin(place, { tried, isRepeatable: isRepeatable(request) })
    if (attempt === undefined && last !== undefined) return last
    if (attempt === undefined) throw new Failure('internal', 'a request was sent to no server')
    const { server } = attempt
    tried.add(server)
    event.upstream = server
    let code: 'answered' | FailureCode = 'internal'
    try {
      last = await forwarder.forward({ ...request, upstream: server })
      code = last.kind === 'failed' ? last.code : last.kind
    } finally {
      attempt.ended(code)
    }
    if (last.kind !== 'failed') return last
    const goesElsewhere = !last.responseStarted && tried.size < mostServers && mayGoElsewhere(request, last)
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
