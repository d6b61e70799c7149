import { startAdmin, type AdminServer } from '../admin/server.js'
import { formatDiagnostic } from '../core/diagnostic.js'
import { Connections } from './connections.js'
import { CrlRefresh } from './crl-refresh.js'
import { expiryFindings } from './expiry.js'
import { ExpiryReport } from './expiry-report.js'
import type { InheritedSocket } from '../tls/inherited-sockets.js'
import { createForwarders } from './forwarders.js'
import { logLevelAction } from './log-level-action.js'
import { openListeners, type EnvironmentListener } from './listeners.js'
import { openObservers } from './observers.js'
import type { LoadedPolicy } from './policy.js'
import { PolicySource, type ReloadReport, type ReloadTrigger, type ReloadWish } from './policy-source.js'
import { reloadAction } from './reload-action.js'
import { judgeReplacement } from './replacement.js'
import { judgeShrinking } from './shrink-guard.js'
import { GatewayState } from './state.js'
import { statusOf } from './status.js'

/** What `startGateway` starts from. */
export interface StartOptions {
  /** gateway.yaml, absolute. */
  readonly file: string
  readonly loaded: LoadedPolicy
  readonly version: string
  /** Sockets that a service manager opened before (socket activation). */
  readonly sockets?: readonly InheritedSocket[]
  /** Epoch milliseconds; the machine's clock unless given. */
  readonly now?: () => number
}

/** A gateway that listens. */
export interface RunningGateway {
  readonly addresses: readonly {
    readonly environments: readonly string[]
    readonly host: string
    readonly port: number
  }[]
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
  now = Date.now,
}: StartOptions): Promise<RunningGateway> {
  const { config } = loaded
  const observers = await openObservers({ config, now, version })
  const { log, audit, metrics } = observers
  const forwarders = createForwarders(config)
  let listeners: readonly EnvironmentListener[] = []
  let admin: AdminServer | undefined

  const source = new PolicySource({
    file,
    loaded,
    accept: judgeReplacement,
    guard: judgeShrinking,
    onReload: (report) => {
      if (report.result === 'reloaded') {
        const policy = source.current()
        for (const listener of listeners) listener.refresh()
        connections.review()
        expiry.review()
        observers.policyInForce(policy)
        state.limiter.keep(
          (environment, partner) =>
            policy.environments.get(environment)?.whitelist.hasPartner(partner) ?? false,
        )
      }
      state.reloaded(report)
      tell(report)
    },
    onWatchProblem: (problem) => {
      log.warn('watching the configuration is impaired; the slow poll goes on', { detail: problem.message })
    },
  })
  const state = new GatewayState({ source, observers, forwarders, now, config })
  metrics.sample(() => ({
    identityHits: state.identities.hits,
    identityMisses: state.identities.misses,
    bodyBytesHeld: state.bodyAccount.heldBytes,
    bodyBytesLimit: state.bodyAccount.maxBytes,
  }))
  const connections = new Connections({
    policy: () => source.current(),
    now,
    isRevoked: (chain, environment) => state.ocsp.isKnownRevoked(chain, environment),
    onLost: (lost) => {
      observers.lostStanding(lost)
    },
    onError: (error) => {
      log.error('an open connection could not be judged, so it is closed', { error })
    },
  })

  const crlRefresh = new CrlRefresh({ policy: () => source.current(), now, log, metrics })
  const expiry = new ExpiryReport({
    findings: (at) => expiryFindings(source.current().environments.values(), at),
    now,
    log,
  })

  function tell({ result, trigger, revision, diagnostics, durationMs }: ReloadReport): void {
    const fields = { result, trigger, revision, durationMs, diagnostics: diagnostics.map(formatDiagnostic) }
    if (result === 'refused')
      log.error('the new configuration is refused; the last good one stays in force', fields)
    else log.info(`configuration ${result}`, fields)
    observers.reload({ result, trigger, revision, diagnostics: diagnostics.length, durationMs })
  }

  async function closeAll(): Promise<void> {
    await source.close()
    await admin?.close()
    for (const forwarder of forwarders.values()) await forwarder.close()
    state.lookups.close()
    await observers.close()
  }

  try {
    listeners = await openListeners({ policy: source.current(), state, observers, connections, sockets })
    if (config.admin !== undefined) {
      admin = await startAdmin({
        listen: config.admin.listen,
        metrics: (accept) => metrics.expose(accept),
        status: () => statusOf({ state, listeners, version }),
        ready: () => state.readiness(),
        actions: { '/log-level': logLevelAction(observers), '/reload': reloadAction(source) },
        onError: (error) => {
          log.error('an admin page failed', { error })
        },
      })
    }
  } catch (error) {
    await Promise.all(listeners.map(({ listener }) => listener.close()))
    await closeAll()
    throw error
  }

  const policy = source.current()
  observers.policyInForce(policy)
  const listening = listeners.map(({ environments, listener }) => ({ environments, ...listener.address }))
  for (const { environments, host, port } of listening) {
    log.info('listening', { environment: environments.join(', '), listen: `${host}:${port}` })
  }
  log.info('in force', {
    revision: policy.revision,
    version,
    diagnostics: loaded.warnings.map(formatDiagnostic),
  })
  audit.write({ time: now(), event: 'start', policyRevision: policy.revision, version })
  await source.follow()
  const heartbeat = setInterval(() => {
    if (state.ocsp.takeNews()) connections.review()
    connections.tick()
    expiry.tick()
    observers.tick()
    void crlRefresh.tick()
    for (const listener of listeners) listener.refresh()
  }, heartbeatMs)
  heartbeat.unref()

  return {
    addresses: listening,
    admin: admin?.address,
    reload: (trigger, wish) => source.reload(trigger, wish),
    toggleDebug: () => {
      const configured = source.current().config.log.level
      observers.setLogLevel(log.level === 'debug' && configured !== 'debug' ? configured : 'debug')
    },
    reopenAudit: () => {
      observers.reopenAudit()
    },
    flushAudit: () => audit.flush(),
    stop: async (signal) => {
      log.info('stopping: requests under way may finish', { signal, requests: state.requestsUnderWay() })
      clearInterval(heartbeat)
      await source.close()
      const closed = listeners.map(({ listener }) => listener.close())
      // a request that is answered still has bytes on their way: its connection ends by itself
      const gone = state.drain().then(() => Promise.all(closed))
      if (!(await withinSeconds(gone, config.shutdown.drainSeconds))) {
        log.warn('the deadline has passed: the last connections are cut', {
          requests: state.requestsUnderWay(),
        })
      }
      for (const { listener } of listeners) for (const socket of listener.connections()) socket.destroy()
      await Promise.all(closed)
      audit.write({ time: now(), event: 'stop', policyRevision: source.current().revision, version })
      log.info('stopped', { signal })
      await closeAll()
    },
  }
}

async function withinSeconds(work: Promise<unknown>, seconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false)
    }, seconds * 1000)
  })
  const isDone = await Promise.race([work.then(() => true), deadline])
  clearTimeout(timer)
  return isDone
}
