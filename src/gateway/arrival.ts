import { deny, type Denial } from '../core/decision.js'
import { Failure } from '../core/failure.js'
import { judgeTarget, type RequestTarget } from '../core/request-target.js'
import { findApi, hostName, operationOf, type Route } from '../core/route.js'
import type { GatewayConfig } from '../config/gateway-config.js'
import { judgeFraming } from '../http/framing.js'
import type { Certificate } from '../x509/certificate.js'
import type { Identity } from './identity.js'
import type { EnvironmentPolicy, Policy } from './policy.js'
import type { Exchange } from './request.js'
import { judgeTrust } from './trust.js'

/** A well-formed request whose client is known and trusted in its environment. */
export interface Arrival {
  readonly environment: EnvironmentPolicy
  /** Of the same snapshot. */
  readonly config: GatewayConfig
  readonly target: RequestTarget
  /** Undefined where no API stands at this host and path. */
  readonly route: Route | undefined
  readonly identity: Identity
  /** The chain that was verified, leaf first. */
  readonly chain: readonly Certificate[]
}

/**
 * What can be judged without the whitelist, in this order: framing, target, environment, certificate.
 *
 * Notes in the event all that is known, whatever the judgement: whose language a refusal speaks, and
 * which certificate it concerns.
 */
export function arrive(exchange: Exchange, policy: Policy): Arrival | Denial {
  const { gateway, entrance, request, peer, event } = exchange
  const name = entrance.environmentOf(peer.serverName)
  const environment = policy.environments.get(name)
  if (environment === undefined) throw new Failure('internal', `no environment \`${name}\` in force`)
  event.environment = name
  event.policyRevision = policy.revision

  const judged = judgeTarget(request.url ?? '')
  const host = hostName(request.headers.host ?? '')
  const route =
    judged.ok && host !== undefined
      ? routeOf(environment, { host, target: judged.value, request })
      : undefined
  event.api = route?.api.name
  event.apiKind = route?.api.kind
  event.path = judged.ok ? judged.value.path : ''
  const identified = gateway.identities.identify(peer)
  if (identified.ok) event.certificate = identified.value.certificate

  const misframed = judgeFraming(request)
  if (misframed !== undefined) return misframed
  if (!judged.ok)
    return deny('request-ambiguous', { detail: judged.problem, sent: { problem: judged.problem } })
  const { uriBytes, headerFields } = policy.config.limits
  if (judged.value.raw.length > uriBytes)
    return deny('request-too-long', { sent: { limit: `${uriBytes} bytes` } })
  const fields = request.rawHeaders.length / 2
  if (fields > headerFields)
    return deny('header-too-large', {
      detail: `${fields} fields, at most ${headerFields}`,
      sent: { limit: `${headerFields} fields` },
    })
  if (host === undefined)
    return deny('request-ambiguous', { sent: { problem: 'the Host is not a host name' } })
  for (const each of peer.serverName === undefined ? [host] : [host, peer.serverName]) {
    const elsewhere = judgeEnvironment(each, name, policy)
    if (elsewhere !== undefined) return elsewhere
  }

  if (!identified.ok) return identified.problem
  const identity = identified.value
  const trust = judgeTrust({ identity, peer, environment, policy }, gateway.now())
  if (!trust.ok) return trust.problem
  return { environment, config: policy.config, target: judged.value, route, identity, chain: trust.value }
}

function routeOf(
  environment: EnvironmentPolicy,
  {
    host,
    target,
    request,
  }: { host: string; target: RequestTarget; request: { method?: string | undefined } },
): Route | undefined {
  const api = findApi(environment.apis, host, target)
  return api === undefined ? undefined : { api, operation: operationOf(api, request.method ?? '', target) }
}

/** SNI and Host must lead to the environment that this connection is judged in. @see RFC 9110 section 15.5.20 */
function judgeEnvironment(host: string, name: string, policy: Policy): Denial | undefined {
  const environments = policy.environmentsOfHost.get(host)
  if (environments === undefined || environments.includes(name)) return undefined
  return deny('environment-mismatch', {
    detail: `${host} belongs to ${environments.join(', ')}, the connection to ${name}`,
    sent: { host, environment: name },
  })
}
