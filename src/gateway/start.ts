import { startAdmin, type AdminServer } from '../admin/server.js'
import { judgeForgottenCrls } from './crl-guard.js'
import { CrlRefresh } from './crl-refresh.js'
import { expiryFindings } from './expiry.js'
import { ExpiryReport } from './expiry-report.js'
import type { InheritedSocket } from '../tls/inherited-sockets.js'
import { logLevelAction } from './log-level-action.js'
import { openObservers } from './observers.js'
import type { LoadedPolicy } from './policy.js'
import { PolicySource, type ReloadReport, type ReloadTrigger, type ReloadWish } from './policy-source.js'
import { reloadAction } from './reload-action.js'
import { judgeReplacement } from './replacement.js'
import { serveHere, type Servers } from './servers.js'
import type { BoundAddress } from './serving.js'
import { judgeShrinking } from './shrink-guard.js'
import { serveByWorkers } from './workers/serve-by-workers.js'

/** What `startGateway` starts from. */
export interface StartOptions {
  /** gateway.yaml, absolute. */
  readonly file: string
  readonly loaded: LoadedPolicy
  readonly version: string
  /** Sockets that a service manager opened before (socket activation). */
  readonly sockets?: readonly InheritedSocket[]
  /** How many processes serve; 1, this one, unless given. More of them go by the machine's clock. */
  readonly workers?: number
  /** No worker can serve any more: whoever started this is to stop it, and to start anew. */
  readonly onHopeless?: () => void
  /** Epoch milliseconds; the machine's clock unless given. */
  readonly now?: () => number
  /** Milliseconds on a clock that never goes back; the machine's unless given. */
  readonly elapsed?: () => number
}

/** A gateway that listens. */
export interface RunningGateway {
  readonly addresses: readonly BoundAddress[]
  readonly admin: { readonly host: string; readonly port: number } | undefined
  reload(trigger: ReloadTrigger, wish?: ReloadWish): Promise<ReloadReport>
  /** To `debug`, and back to what the configuration says. */
  toggleDebug(): void
  /** Opens the audit file anew, after a rotation. */
  reopenAudit(): void
  /** True where every audit line so far stands in the file. */
  flushAudit(): Promise<boolean>
  /** Takes no new connection, lets requests finish until the deadline, closes everything. */
  stop(signal: string): Promise<void>
}

// how soon what time alone changes is seen: with the grace of connections, within a second
const heartbeatMs = 500

/**
 * Starts everything: the audit trail first, the listeners last.
 *
 * @throws Error with one clear line: a taken port, an audit file that cannot be written
 */
export async function startGateway({
  file,
  loaded,
  version,
  sockets = [],
  workers = 1,
  onHopeless = () => undefined,
  now = Date.now,
  elapsed,
}: StartOptions): Promise<RunningGateway> {
  const { config } = loaded
  const { observers, append } = await openObservers({ config, now, version })
  const { log, audit, metrics } = observers
  let servers: Servers | undefined
  let admin: AdminServer | undefined

  const source = new PolicySource({
    file,
    loaded,
    accept: judgeReplacement,
    guard: (next, current) => [...judgeShrinking(next, current), ...judgeForgottenCrls(next, current)],
    spread: async (next) => servers?.spread(next),
    onReload: (report) => {
      if (report.result === 'reloaded') {
        servers?.policyReplaced()
        expiry.review()
      }
      servers?.reloaded(report)
      observers.reload(report)
    },
    onWatchProblem: (problem) => {
      log.warn('watching the configuration is impaired; the slow poll goes on', { detail: problem.message })
    },
  })
  const crlRefresh = new CrlRefresh({ policy: () => source.current(), now, log, metrics })
  const expiry = new ExpiryReport({
    findings: (at) => expiryFindings(source.current().environments.values(), at),
    now,
    log,
  })

  async function closeAll(): Promise<void> {
    await source.close()
    await admin?.close()
    await servers?.close()
    await observers.close()
  }

  async function begin(): Promise<Servers> {
    const needs = { config, source, observers, sockets, now, elapsed, version }
    const begun =
      workers === 1
        ? await serveHere(needs)
        : await serveByWorkers({ ...needs, count: workers, loaded, append, onHopeless })
    servers = begun
    if (config.admin === undefined) return begun
    try {
      admin = await startAdmin({
        listen: config.admin.listen,
        metrics: (accept) => begun.expose(accept),
        status: () => begun.status(),
        ready: () => begun.readiness(),
        actions: { '/log-level': logLevelAction(observers), '/reload': reloadAction(source) },
        onError: (error) => {
          log.error('an admin page failed', { error })
        },
      })
    } catch (error) {
      await begun.abandon()
      throw error
    }
    return begun
  }

  const begun = await begin().catch(async (error: unknown) => {
    await closeAll()
    throw error
  })
  observers.onLogLevel(() => {
    begun.logLevelChanged()
  })
  observers.started({
    policy: source.current(),
    addresses: begun.addresses,
    warnings: loaded.warnings,
    version,
  })
  await observers.descriptors(config)
  await source.follow()
  const heartbeat = setInterval(() => {
    begun.tick()
    expiry.tick()
    observers.tick()
    void crlRefresh.tick()
  }, heartbeatMs)
  heartbeat.unref()

  return {
    addresses: begun.addresses,
    admin: admin?.address,
    reload: (trigger, wish) => source.reload(trigger, wish),
    toggleDebug: () => {
      observers.toggleDebug()
    },
    reopenAudit: () => {
      observers.reopenAudit()
    },
    flushAudit: () => audit.flush(),
    stop: async (signal) => {
      log.info('stopping: requests under way may finish', {
        signal,
        requests: begun.requestsUnderWay(),
      })
      clearInterval(heartbeat)
      await source.close()
      await begun.drain()
      audit.write({ time: now(), event: 'stop', policyRevision: source.current().revision, version })
      log.info('stopped', { signal })
      await closeAll()
    },
  }
}
