import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Admission, Permission } from '../core/admission.js'
import type { ApiKind } from '../core/api.js'
import { deny, type Denial, type EstablishmentWritten } from '../core/decision.js'
import type { Failure } from '../core/failure.js'
import { renderingOf, type DenialReason } from '../core/reasons.js'
import { auditDetailOf } from '../core/refusal-text.js'
import type { WhitelistEntry } from '../core/whitelist.js'
import type { ForwardOutcome } from '../http/forwarder.js'
import { traceIdOf } from '../http/trace-context.js'
import type { AuditEvent } from '../observe/audit-event.js'
import type { Peer } from '../tls/peer.js'
import type { Certificate } from '../x509/certificate.js'
import { auditClient } from './audit-client.js'
import { limitOfMalformed } from './limit-hit.js'
import type { Renewal } from './renewal.js'

/**
 * Everything that one request will have been, in one audit event.
 *
 * INVARIANT: no body, no query, no token and no key has a field here.
 */
export class RequestEvent {
  readonly requestId: string = randomUUID()
  private readonly startedAt = performance.now()
  private readonly time: number
  private readonly request: IncomingMessage
  private readonly peer: Peer
  environment = ''
  api: string | undefined
  apiKind: ApiKind | undefined
  path = ''
  policyRevision = ''
  certificate: Certificate | undefined
  entry: WhitelistEntry | undefined
  establishments: readonly EstablishmentWritten[] = []
  /** Where this request is the first to show one. */
  renewal: Renewal | undefined
  /** As the client was sent it; 0: it was sent none. */
  status = 0
  bytesIn = 0
  bytesOut = 0
  /** Origin of the server that it was sent to last. */
  upstream: string | undefined
  upstreamStatus: number | undefined
  upstreamMs: number | undefined
  private decision: AuditEvent['decision'] = 'fail'
  private enforced = true
  private denial: Denial | undefined
  private outcome: AuditEvent['outcome']
  private failure: Failure | undefined
  private broken: Denial | undefined
  private brokenBytesOut = 0

  constructor(request: IncomingMessage, peer: Peer, now: number) {
    this.request = request
    this.peer = peer
    this.time = now
  }

  /** Notes a judgement and hands it back. */
  decided<Judgement extends Admission | Permission | Denial>(judgement: Judgement): Judgement {
    if (judgement.effect === 'deny') {
      this.decision = 'deny'
      this.enforced = true
      this.denial = judgement
      return judgement
    }
    if ('entry' in judgement) this.entry = judgement.entry
    if (judgement.overlooked !== undefined) {
      this.enforced = false
      this.denial ??= judgement.overlooked
    }
    // what report-only lets pass is told as the denial it would have been
    this.decision = this.enforced ? 'permit' : 'deny'
    return judgement
  }

  /** Whether the gateway's own refusal was handed over. */
  hasRefused(): boolean {
    return this.decision === 'deny' && this.enforced && this.status !== 0
  }

  /** Notes that the body broke and the request was answered so, whatever else becomes of it. */
  brokeOff(reason: DenialReason, parserCode: string, bytesOut: number): void {
    this.broken = deny(reason, { detail: parserCode })
    this.brokenBytesOut = bytesOut
  }

  /** Whether it was answered for its broken body: there is nothing left to judge. */
  isBroken(): boolean {
    return this.broken !== undefined
  }

  /** Once all is over: what was sent is what is told. */
  concluded(): void {
    if (this.broken === undefined) return
    this.failure = undefined
    this.decided(this.broken)
    this.outcome = 'answered'
    this.status = renderingOf(this.broken.reason).status
    this.bytesOut = this.brokenBytesOut
  }

  /** Notes that what was permitted so far is not all that must be. */
  undecided(): void {
    this.decision = 'fail'
  }

  /** Notes a failure and hands it back. */
  failed(failure: Failure): Failure {
    this.failure = failure
    if (this.decision !== 'permit' && this.enforced) this.decision = 'fail'
    this.outcome = failure.code
    return failure
  }

  /** Notes that the gateway answers by itself what it was asked. */
  answeredItself(): void {
    this.decision = 'permit'
    this.outcome = 'answered'
  }

  /** Notes what forwarding came to. */
  forwarded(outcome: ForwardOutcome): void {
    this.outcome = outcome.kind === 'failed' ? outcome.code : outcome.kind
    this.bytesIn = outcome.bytesUp
    this.bytesOut = outcome.bytesDown
    this.upstreamMs = outcome.upstreamMs
    if (outcome.kind === 'answered') this.status = outcome.status
    // broken off, but the client has seen it
    else if (outcome.responseStarted) this.status = outcome.upstreamStatus ?? 0
    this.upstreamStatus = outcome.upstreamStatus
  }

  /** Milliseconds since the request's fields were read. */
  elapsed(): number {
    return performance.now() - this.startedAt
  }

  /** The reason that counts in metrics: of a refusal, or of what report-only let pass. */
  reason(): AuditEvent['reason'] {
    return this.denial?.reason ?? this.failure?.code
  }

  /** The limit that a failure, or a body that broke, ran into. */
  limit(): string | undefined {
    const { broken } = this
    return broken === undefined
      ? this.failure?.limit
      : limitOfMalformed({ reason: broken.reason, isHeadWhole: true })
  }

  /** The refusal, or what report-only let pass. */
  refusal(): Denial | undefined {
    return this.denial
  }

  effect(): AuditEvent['decision'] {
    return this.decision
  }

  /** The audit line's content, once everything is known. */
  auditEvent(): AuditEvent & { readonly environment: string } {
    const { entry, denial } = this
    return {
      time: this.time,
      event: 'request',
      requestId: this.requestId,
      traceId: traceIdOf(this.request.headers['traceparent']),
      environment: this.environment,
      api: this.api,
      partner: entry?.partner.id,
      client: auditClient(this.peer, this.certificate),
      method: this.request.method ?? '',
      path: this.path,
      establishments: this.establishments,
      decision: this.decision,
      enforced: this.enforced,
      reason: this.reason(),
      detail: denial?.detail ?? this.failure?.message ?? auditDetailOf(denial),
      status: this.status === 0 ? undefined : this.status,
      upstream: this.upstream,
      upstreamStatus: this.upstreamStatus,
      durationMs: this.elapsed(),
      upstreamMs: this.upstreamMs,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      outcome: this.outcome,
      policyRevision: this.policyRevision,
      renewal: this.renewal?.kind,
      renewalOf: this.renewal?.partner,
    }
  }
}
