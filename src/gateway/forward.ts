import type { Admission } from '../core/admission.js'
import { Failure } from '../core/failure.js'
import { injectedRorHeaders } from '../core/ror-headers.js'
import { upstreamFields } from '../http/fields.js'
import { identityFields } from './identity-fields.js'
import type { Arrival } from './arrival.js'
import type { Exchange } from './request.js'

/**
 * Takes an admitted request upstream, byte for byte as it was judged.
 *
 * @throws Failure when the upstream fails before anything of an answer was sent
 */
export async function forwardAdmitted(
  exchange: Exchange,
  { environment, target, identity, chain }: Arrival,
  { admission, body }: { admission: Admission; body: 'none' | 'stream' | Uint8Array },
): Promise<void> {
  const { gateway, request, response, peer, event } = exchange
  const host = request.headers.host ?? ''
  const outcome = await gateway.forwarderOf(environment.name).forward({
    request,
    response,
    upstream: admission.api.upstream,
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
  })
  event.forwarded(outcome)
  if (outcome.kind !== 'failed') return
  event.failed(new Failure(outcome.code, outcome.cause.message))
  gateway.log.warn('the upstream failed', {
    requestId: event.requestId,
    environment: environment.name,
    api: admission.api.name,
    upstream: admission.api.upstream,
    code: outcome.code,
    error: outcome.cause,
  })
  if (!outcome.responseStarted)
    throw new Failure(outcome.code, outcome.cause.message, { cause: outcome.cause })
}
