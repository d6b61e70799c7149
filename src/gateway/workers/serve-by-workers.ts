import type { Status } from '../../admin/status.js'
import { CountsOfTheGone, exposeTogether } from '../../observe/metrics-snapshot.js'
import type { GatewayConfig } from '../../config/gateway-config.js'
import type { InheritedSocket } from '../../tls/inherited-sockets.js'
import type { Observers } from '../observers.js'
import type { LoadedPolicy, Policy } from '../policy.js'
import type { ReloadReport } from '../policy-source.js'
import type { Servers } from '../servers.js'
import { lastReloadOf } from '../status.js'
import { instanceStatus, mergeSeen } from './instance-status.js'
import type { WorkerSight } from './messages.js'
import { WorkerPool } from './worker-pool.js'

interface WorkersOptions {
  readonly count: number
  readonly config: GatewayConfig
  readonly source: { current(): Policy }
  readonly loaded: LoadedPolicy
  readonly observers: Observers
  /** Takes a line of a worker into the audit trail; false where it was lost. */
  readonly append: (line: string, time: number) => boolean
  readonly sockets: readonly InheritedSocket[]
  readonly version: string
  readonly now: () => number
  /** Nobody can serve any more; whoever started this may start it anew. */
  readonly onHopeless: () => void
}

/** How long a page waits for workers: who says nothing by then is told of by what it said last. */
const lookMs = 1_000
/** How much of its counts a worker that dies takes with it at most. */
const keepMs = 5_000
const auditWatchMs = 100
/** Beyond the deadline of requests, for what comes after them. */
const lastWordsMs = 10_000

/** Several processes that serve, led by this one, which serves nobody. @throws Error of `WorkerPool.start` */
export async function serveByWorkers(options: WorkersOptions): Promise<Servers> {
  const { count, config, source, loaded, observers, append, sockets, version, now } = options
  const { log, metrics, audit } = observers
  const startedAt = now()
  const gone = new CountsOfTheGone()
  let seenBefore: readonly Status[] = []
  let isDraining = false
  let lastReport: (ReloadReport & { readonly at: number }) | undefined
  let keptAt = performance.now()

  const pool = new WorkerPool({
    count,
    version,
    loaded,
    sockets,
    log,
    isAuditHealthy: () => audit.healthy,
    onAudit: (lines, times) => {
      for (const [index, line] of lines.entries()) append(line, times[index] ?? now())
    },
    onGone: (sight) => {
      if (sight === undefined) return
      gone.take(sight.metrics)
      seenBefore = keepSeen(seenBefore, sight)
    },
    onHopeless: options.onHopeless,
    onLost: (cause) => {
      metrics.workerExited(cause)
    },
  })
  await pool.start()
  const watch = setInterval(() => {
    pool.tellAuditHealth()
  }, auditWatchMs)
  watch.unref()

  return {
    addresses: pool.addresses,
    spread: (next) => pool.spread(next),
    policyReplaced: () => {
      const policy = source.current()
      observers.policyInForce(policy)
      gone.keep((environment, partner) => {
        return policy.environments.get(environment)?.whitelist.hasPartner(partner) ?? false
      })
    },
    reloaded: (report) => {
      lastReport = { ...report, at: now() }
    },
    logLevelChanged: () => {
      pool.setLogLevel(log.level)
    },
    tick: () => {
      pool.tick()
      if (performance.now() < keptAt + keepMs) return
      keptAt = performance.now()
      void pool.look(lookMs)
    },
    requestsUnderWay: () => pool.requestsUnderWay(),
    readiness: () => {
      if (isDraining) return { ready: false, reason: 'draining' }
      if (!audit.healthy && config.audit.onFailure === 'refuse')
        return { ready: false, reason: 'the audit trail cannot be written' }
      if (!pool.states().some(({ state }) => state === 'up'))
        return { ready: false, reason: 'no worker serves' }
      return { ready: true }
    },
    status: async () => {
      const sights = await pool.look(lookMs)
      return instanceStatus({
        policy: source.current(),
        addresses: pool.addresses,
        sights: [...seenBefore, ...sights.map(({ status }) => status)],
        workers: pool.states(),
        now: now(),
        about: {
          version,
          startedAt: new Date(startedAt).toISOString(),
          uptimeSeconds: Math.floor((now() - startedAt) / 1000),
          lastReload: lastReloadOf(lastReport),
          audit: { healthy: audit.healthy, lost: audit.lost },
        },
      })
    },
    expose: async (accept) => {
      const sights = await pool.look(lookMs)
      const states = pool.states()
      const up = states.filter(({ state }) => state === 'up').length
      metrics.workers(up, count - up)
      const own = await metrics.snapshot()
      return exposeTogether([own, gone.snapshot(), ...sights.map((each) => each.metrics)], accept)
    },
    drain: async () => {
      isDraining = true
      await pool.end(config.shutdown.drainSeconds * 1_000 + lastWordsMs)
    },
    abandon: () => pool.end(0),
    close: () => {
      clearInterval(watch)
      return Promise.resolve()
    },
  }
}

// one status for all that are gone, so that it does not grow with each of them
function keepSeen(before: readonly Status[], { status }: WorkerSight): readonly Status[] {
  const all = [...before, status]
  const environments = status.environments.flatMap(
    ({ name }) =>
      mergeSeen(all.flatMap((each) => each.environments.filter((one) => one.name === name))) ?? [],
  )
  return [{ ...status, environments }]
}
