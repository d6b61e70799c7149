import type { ServerResponse } from 'node:http'
import type { LivePlace } from '../core/live-list.js'
import type { BodyAccount } from '../http/body.js'
import type { Forwarder } from '../http/forwarder.js'
import type { Log } from '../observe/log.js'
import type { IdentityCache } from './identity.js'
import type { Lookups } from './lookups.js'
import type { PartnerLimiter } from './partner-limiter.js'
import type { OcspStatus } from './ocsp-status.js'
import type { Policy } from './policy.js'
import type { RequestEvent } from './request-event.js'
import type { Upstreams } from './upstreams.js'

/** Where a connection came in: which environment its server name leads to. */
export interface Entrance {
  environmentOf(serverName: string | undefined): string
}

/** What a request needs of the gateway that serves it. */
export interface Gateway {
  /** What is in force now; a request asks once. */
  policy(): Policy
  /** Epoch milliseconds. */
  now(): number
  readonly identities: IdentityCache
  readonly bodyAccount: BodyAccount
  readonly ocsp: OcspStatus
  readonly limiter: PartnerLimiter
  readonly lookups: Lookups
  /** The servers of every API, and how they are. */
  readonly upstreams: Upstreams
  readonly log: Log
  /** Of this environment alone: no other one's requests travel on its connections. */
  forwarderOf(environment: string): Forwarder
  /** False while the audit trail cannot be written and the policy is to refuse writes then. */
  mayWrite(): boolean
  /** @returns what `finished` wants */
  began(response: ServerResponse): LivePlace<ServerResponse>
  finished(event: RequestEvent, place: LivePlace<ServerResponse>): void
}
