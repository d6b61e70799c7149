import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Readiness } from '../admin/status.js'
import type { GatewayConfig } from '../config/gateway-config.js'
import { Failure } from '../core/failure.js'
import { LiveList, type LivePlace } from '../core/live-list.js'
import { BodyAccount } from '../http/body.js'
import type { Forwarder } from '../http/forwarder.js'
import type { Audit } from '../observe/audit.js'
import type { Log } from '../observe/log.js'
import type { Gateway } from './gateway.js'
import { IdentityCache } from './identity.js'
import { Lookups } from './lookups.js'
import type { Observers } from './observers.js'
import { PartnerLimiter } from './partner-limiter.js'
import { OcspReport } from './ocsp-report.js'
import { OcspStatus } from './ocsp-status.js'
import type { Policy } from './policy.js'
import type { ReloadReport } from './policy-source.js'
import type { RequestEvent } from './request-event.js'
import { Renewals } from './renewal.js'
import { SeenPartners } from './seen-partners.js'
import { Upstreams } from './upstreams.js'

const keptIdentities = 20_000

interface StateOptions {
  readonly source: { current(): Policy }
  readonly observers: Observers
  readonly forwarders: ReadonlyMap<string, Forwarder>
  readonly now: () => number
  /** Milliseconds on a clock that never goes back. */
  readonly elapsed: () => number
  readonly config: GatewayConfig
  /** Undefined: one of this process alone. */
  readonly ticketSecret?: Uint8Array | undefined
  /** A write went through that may change whose something is. */
  readonly onMoved?: ((environment: string) => void) | undefined
}

/** What the requests of a running gateway share. */
export class GatewayState implements Gateway {
  readonly identities = new IdentityCache(keptIdentities)
  readonly bodyAccount: BodyAccount
  readonly limiter: PartnerLimiter
  readonly lookups: Lookups
  readonly upstreams: Upstreams
  readonly log: Log
  readonly audit: Pick<Audit, 'healthy' | 'lost'>
  readonly seen = new SeenPartners()
  readonly renewals = new Renewals()
  readonly ocsp: OcspStatus
  readonly startedAt: number
  /** What ticket keys come from where no file names a secret that processes share. */
  readonly ticketSecret: Uint8Array
  private readonly options: StateOptions
  private readonly underWay = new LiveList<ServerResponse>()
  private draining = false
  private whenIdle: (() => void) | undefined
  private lastReport: (ReloadReport & { readonly at: number }) | undefined

  constructor(options: StateOptions) {
    this.options = options
    this.log = options.observers.log
    this.audit = options.observers.audit
    this.bodyAccount = new BodyAccount(options.config.limits.bodyBytesInFlight)
    const { now, elapsed, observers } = options
    this.upstreams = new Upstreams({ now, elapsed, log: observers.log, meters: observers.metrics.upstreams })
    this.lookups = new Lookups(options.config, { now, upstreams: this.upstreams, onMoved: options.onMoved })
    this.startedAt = options.now()
    // who is given a secret is one of several
    this.limiter = new PartnerLimiter(options.ticketSecret !== undefined)
    this.ticketSecret = options.ticketSecret ?? randomBytes(48)
    this.ocsp = new OcspStatus({
      now: options.now,
      report: new OcspReport({ log: this.log, metrics: options.observers.metrics, now: options.now }),
    })
  }

  policy(): Policy {
    return this.options.source.current()
  }

  now(): number {
    return this.options.now()
  }

  forwarderOf(environment: string): Forwarder {
    const forwarder = this.options.forwarders.get(environment)
    if (forwarder === undefined)
      throw new Failure('internal', `no forwarder for the environment \`${environment}\``)
    return forwarder
  }

  mayWrite(): boolean {
    return this.audit.healthy || this.options.config.audit.onFailure === 'continue'
  }

  began(response: ServerResponse): LivePlace<ServerResponse> {
    if (this.draining) response.shouldKeepAlive = false
    return this.underWay.add(response)
  }

  finished(event: RequestEvent, place: LivePlace<ServerResponse>): void {
    this.underWay.remove(place)
    if (this.underWay.size === 0) this.whenIdle?.()
    this.seen.note(event, this.now())
    this.noteRenewal(event)
    this.options.observers.finished(event)
  }

  reloaded(report: ReloadReport): void {
    this.lastReport = { ...report, at: this.now() }
  }

  private noteRenewal(event: RequestEvent): void {
    const { environment, policyRevision, certificate, entry } = event
    const whitelist = this.policy().environments.get(environment)?.whitelist
    if (certificate === undefined || whitelist === undefined) return
    const isNotListed = event.reason() === 'certificate-not-listed'
    const presented = { environment, policyRevision, whitelist, certificate, entry, isNotListed }
    const renewal = this.renewals.note(presented, this.now())
    if (renewal === undefined) return
    event.renewal = renewal
    this.log.info(
      renewal.kind === 'new-key' ? 'a listed name came with a new key' : 'a listed key came with a new name',
      {
        environment,
        partner: renewal.partner,
        result: renewal.outcome,
        certificateSha256: certificate.sha256,
        subject: renewal.subject,
        notAfter: new Date(renewal.notAfter).toISOString(),
        detail: `${renewal.place} the whitelist line for it: ${renewal.line}`,
      },
    )
  }

  lastReload(): (ReloadReport & { readonly at: number }) | undefined {
    return this.lastReport
  }

  requestsUnderWay(): number {
    return this.underWay.size
  }

  /** Whether the gateway should get traffic now. */
  readiness(): Readiness {
    if (this.draining) return { ready: false, reason: 'draining' }
    if (!this.mayWrite()) return { ready: false, reason: 'the audit trail cannot be written' }
    return { ready: true }
  }

  /** From now on every answer closes its connection; resolves when no request is under way. */
  drain(): Promise<void> {
    this.draining = true
    for (const response of this.underWay) response.shouldKeepAlive = false
    if (this.underWay.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.whenIdle = resolve
    })
  }
}
