import { formatDiagnostic, type Diagnostic } from '../core/diagnostic.js'
import { formatName } from '../core/name-text.js'
import { renderingOf } from '../core/reasons.js'
import type { GatewayConfig } from '../config/gateway-config.js'
import type { MalformedRequest } from '../http/server-errors.js'
import { openFileLimit } from '../files/open-file-limit.js'
import type { Audit, ChainedAudit } from '../observe/audit.js'
import type { AuditClient, AuditEvent } from '../observe/audit-event.js'
import { createLog, logLevels, type Log, type LogLevel } from '../observe/log.js'
import { createMetrics, type Metrics } from '../observe/metrics.js'
import { logDestination } from '../observe/pretty-line.js'
import type { Peer } from '../tls/peer.js'
import { auditClient } from './audit-client.js'
import { openAuditTrail, type AuditTrail } from './audit-trail.js'
import type { LostStanding } from './connections.js'
import { limitOfMalformed, limitOfReason } from './limit-hit.js'
import { descriptorNeed } from './descriptor-need.js'
import type { HandshakeRefusal } from './handshake.js'
import type { Policy } from './policy.js'
import { observationOf } from './policy-observation.js'
import type { ReloadReport } from './policy-source.js'
import type { RequestEvent } from './request-event.js'
import type { BoundAddress } from './serving.js'

interface ObserverParts {
  readonly log: Log
  readonly metrics: Metrics
  readonly trail: AuditTrail
  /** Epoch milliseconds. */
  readonly now: () => number
  /** False: the level is set by who leads this process, whatever the configuration says. */
  readonly followsLevel?: boolean
}

interface ObserverOptions {
  readonly config: GatewayConfig
  readonly now: () => number
  readonly version: string
}

/** A request that was given up before it could be judged, and where it came in. */
export interface MalformedArrival extends MalformedRequest {
  readonly environment: string
  readonly client: AuditClient
}

/** What a gateway starts with. */
interface Started {
  readonly policy: Policy
  readonly addresses: readonly BoundAddress[]
  readonly warnings: readonly Diagnostic[]
  readonly version: string
}

/** Log, audit trail and metrics of a running gateway: what happened is told to them once. */
export class Observers {
  readonly log: Log
  readonly audit: Audit
  readonly metrics: Metrics
  private readonly trail: AuditTrail
  private readonly now: () => number
  private readonly followsLevel: boolean
  private configuredLevel: LogLevel | undefined
  private tellLevel: (() => void) | undefined
  private revision: string | undefined
  private revisionBefore: string | undefined

  constructor({ log, metrics, trail, now, followsLevel = true }: ObserverParts) {
    this.log = log
    this.audit = trail.audit
    this.metrics = metrics
    this.trail = trail
    this.now = now
    this.followsLevel = followsLevel
  }

  /** One audit line and its counts, whatever became of the request. */
  finished(event: RequestEvent): void {
    const line = event.auditEvent()
    this.audit.write(line)
    this.metrics.request(line)
    this.limitHit(event.environment, event.limit() ?? limitOfReason(line.reason))
    if (event.entry !== undefined && event.certificate !== undefined) {
      this.metrics.certificateSeen(event.environment, event.entry.partner.id, {
        notAfter: event.certificate.notAfter,
        at: this.now(),
      })
    }
  }

  /** A limit was reached; none where undefined. */
  limitHit(environment: string, limit: string | undefined): void {
    if (limit !== undefined) this.metrics.limitHit(environment, limit)
  }

  /** A request that Node's parser gave up on: it is audited as any other. */
  malformed({
    reason,
    parserCode,
    requestId,
    isAnswered,
    bytesOut,
    isHeadWhole,
    environment,
    client,
  }: MalformedArrival): void {
    this.limitHit(environment, limitOfMalformed({ reason, isHeadWhole }))
    const line: AuditEvent = {
      time: this.now(),
      event: 'request',
      requestId,
      environment,
      client,
      decision: 'deny',
      enforced: true,
      reason,
      detail: parserCode,
      ...(isAnswered && { status: renderingOf(reason).status, bytesOut, outcome: 'answered' }),
    }
    this.audit.write(line)
    this.metrics.request({ ...line, environment })
  }

  /** A handshake that `handshake: strict` refused: audited, logged and counted, as no request will be. */
  refusedHandshake({
    denial,
    identity,
    policyRevision,
    peer,
    environment,
  }: HandshakeRefusal & { peer: Peer; environment: string }): void {
    const { reason, detail } = denial
    const client = auditClient(peer, identity?.certificate)
    const line: AuditEvent = {
      time: this.now(),
      event: 'handshake',
      environment,
      client,
      decision: 'deny',
      enforced: true,
      reason,
      detail,
      policyRevision,
    }
    this.audit.write(line)
    this.metrics.handshake(environment, 'refused')
    const { subject, serialNumber, clientAddress } = client
    this.log.info('a handshake is refused', {
      environment,
      reason,
      detail,
      subject,
      serialNumber,
      clientAddress,
    })
  }

  /** Connections are being closed because their certificate is no longer welcome. */
  lostStanding({ environment, identity, reason, connections }: LostStanding): void {
    const { certificate } = identity
    this.log.info('a certificate is no longer welcome: its connections are closed', {
      environment,
      reason: reason ?? 'internal',
      connections,
      subject: formatName(certificate.subject),
      serialNumber: certificate.serialNumber,
    })
  }

  /** The gateway listens. */
  started({ policy, addresses, warnings, version }: Started): void {
    this.policyInForce(policy)
    for (const { environments, host, port } of addresses) {
      this.log.info('listening', { environment: environments.join(', '), listen: `${host}:${port}` })
    }
    const { revision } = policy
    this.log.info('in force', { revision, version, diagnostics: warnings.map(formatDiagnostic) })
    this.audit.write({ time: this.now(), event: 'start', policyRevision: revision, version })
  }

  /** Says where connections will be turned away before `limits` say so. */
  async descriptors(config: GatewayConfig): Promise<void> {
    const [allowed, needed] = [await openFileLimit(), descriptorNeed(config)]
    if (allowed === undefined || allowed >= needed) return
    this.log.warn(
      'the system allows fewer open files than `limits` may need: raise LimitNOFILE (`ulimit -n`), or lower `maxConnections`',
      { detail: `${allowed} allowed, ${needed} for all connections` },
    )
  }

  /** What a reload came to. */
  reload({ result, trigger, revision, diagnostics, durationMs }: ReloadReport): void {
    const fields = { result, trigger, revision, durationMs, diagnostics: diagnostics.map(formatDiagnostic) }
    if (result === 'refused')
      this.log.error('the new configuration is refused; the last good one stays in force', fields)
    else this.log.info(`configuration ${result}`, fields)
    this.metrics.reload(result, { at: this.now(), durationMs })
    this.audit.write({
      time: this.now(),
      event: 'reload',
      policyRevision: revision,
      previousRevision: result === 'reloaded' ? this.revisionBefore : undefined,
      result,
      trigger,
      diagnostics: diagnostics.length,
    })
  }

  /** A policy came into force. */
  policyInForce(policy: Policy): void {
    const { level } = policy.config.log
    // a level that was set by hand stays until the file says another one
    if (this.followsLevel && this.configuredLevel !== undefined && level !== this.configuredLevel)
      this.setLogLevel(level)
    this.configuredLevel = level
    if (policy.revision !== this.revision) this.revisionBefore = this.revision
    this.revision = policy.revision
    this.metrics.policy(observationOf(policy, this.now()))
  }

  /** From the next line on; an unknown level changes nothing. */
  setLogLevel(level: string): boolean {
    if (!isLogLevel(level)) return false
    if (level === this.log.level) return true
    // said while it can be heard
    if (level !== 'debug') this.log.warn(`the log level becomes \`${level}\``)
    this.log.setLevel(level)
    this.tellLevel?.()
    if (level === 'debug') this.log.warn('the log level is `debug` now')
    return true
  }

  /** Told whenever the level is another one. */
  onLogLevel(tell: () => void): void {
    this.tellLevel = tell
  }

  /** To `debug`, and back to what the configuration says. */
  toggleDebug(): void {
    const configured = this.configuredLevel ?? 'info'
    this.setLogLevel(this.log.level === 'debug' && configured !== 'debug' ? configured : 'debug')
  }

  /** What time alone brings about. */
  tick(): void {
    this.trail.tick()
  }

  reopenAudit(): void {
    this.trail.reopen()
  }

  async close(): Promise<void> {
    const lost = await this.trail.close()
    if (lost > 0) this.log.error('audit lines were lost', { lines: lost })
  }
}

function isLogLevel(text: string): text is LogLevel {
  return logLevels.some((level) => level === text)
}

/**
 * Opens the audit trail and starts counting.
 *
 * @throws Error with one line where the audit file cannot be written
 */
export async function openObservers({ config, now, version }: ObserverOptions): Promise<{
  readonly observers: Observers
  /** Takes a line of another process. */
  readonly append: ChainedAudit['append']
}> {
  const log = createLog({
    level: config.log.level,
    destination: logDestination(process.stderr, process.env),
    now,
  })
  const metrics = createMetrics({ version, audit: () => trail.audit })
  const trail = await openAuditTrail({
    config: config.audit,
    log,
    now,
    onProblem: () => {
      metrics.auditError()
    },
  })
  return { observers: new Observers({ log, metrics, trail, now }), append: trail.audit.append }
}
