import type { GatewayConfig } from '../config/gateway-config.js'
import type { FailureCode } from '../core/failure.js'
import type { DenialReason } from '../core/reasons.js'
import { SlowUpstreamError } from '../http/upstream-pace.js'

/** A key of `limits`, or `partner`: one of a partner's own. */
export type LimitName = keyof GatewayConfig['limits'] | 'partner'

const ofReasons: ReadonlyMap<DenialReason | FailureCode, LimitName> = new Map([
  ['request-too-long', 'uriBytes'],
  ['header-too-large', 'headerFields'],
  ['body-too-large', 'bodyBytes'],
  ['request-timeout', 'bodyTimeoutMs'],
  ['rate-limited', 'partner'],
])

/** The limit that a request was refused by once its head had been read. */
export function limitOfReason(reason: DenialReason | FailureCode | undefined): LimitName | undefined {
  return reason === undefined ? undefined : ofReasons.get(reason)
}

/** The limit that a request to the upstream ran into. */
export function limitOfFailure({ code, cause }: { readonly code: FailureCode; readonly cause: Error }): {
  readonly limit?: LimitName
} {
  if (code === 'overloaded') return { limit: 'upstreamQueue' }
  if (cause instanceof SlowUpstreamError) return { limit: 'upstreamBytesPerSecond' }
  if (code === 'upstream-timeout') return { limit: 'upstreamTimeoutMs' }
  return {}
}

/** The limit that a request was given up by before it could be judged. */
export function limitOfMalformed({
  reason,
  isHeadWhole,
}: {
  readonly reason: DenialReason
  readonly isHeadWhole: boolean
}): LimitName | undefined {
  if (reason === 'request-timeout') return isHeadWhole ? 'requestTimeoutMs' : 'headersTimeoutMs'
  return reason === 'request-too-long' || reason === 'header-too-large' ? 'headerBytes' : undefined
}
