import cluster from 'node:cluster'
import { Worker } from 'node:worker_threads'
import { createLog } from '../../observe/log.js'
import { createMetrics } from '../../observe/metrics.js'
import { logDestination } from '../../observe/pretty-line.js'
import { Observers } from '../observers.js'
import { openPolicy, type LoadedPolicy, type Policy } from '../policy.js'
import { openServing, type Serving } from '../serving.js'
import { statusOf } from '../status.js'
import type { ToPrimary, ToWorker, WorkerSight } from './messages.js'
import { RemoteTrail } from './remote-trail.js'

type Start = Extract<ToWorker, { kind: 'start' }>

const heartbeatMs = 500
// what partners take is told to the other workers as often
const exchangeMs = 50

/** One of several processes that serve: the body of a worker, led by the primary. */
class WorkerProcess {
  private policy: Policy | undefined
  private next: Policy | undefined
  private wanted: string | undefined
  private begun: Start | undefined
  private serving: Serving | undefined
  private observers: Observers | undefined
  private trail: RemoteTrail | undefined
  private timers: NodeJS.Timeout[] = []

  policyCame(loaded: LoadedPolicy): void {
    if (this.policy === undefined) {
      this.policy = openPolicy(loaded)
      this.begin()
      return
    }
    this.next = openPolicy(loaded, this.policy)
    // what others do not run yet comes into force by a word of the primary
    tell({ kind: 'prepared', revision: loaded.revision })
    this.adopt()
  }

  told(message: ToWorker): void {
    switch (message.kind) {
      case 'start':
        this.begun = message
        this.begin()
        return
      case 'commit':
        this.wanted = message.revision
        this.adopt()
        return
      case 'log-level':
        this.observers?.log.setLevel(message.level)
        return
      case 'look':
        void this.look(message.id)
        return
      case 'taken':
        this.trail?.taken(message.lines, message.isHealthy)
        return
      case 'used':
        this.serving?.state.limiter.learn(message.from, message.uses, Date.now())
        return
      case 'gone':
        this.serving?.state.limiter.forget(message.from)
        this.serving?.state.lookups.forget()
        return
      case 'moved':
        this.serving?.state.lookups.forget(message.environment)
        return
      case 'stop':
        void this.stop()
        return
    }
  }

  private begin(): void {
    const { begun: start, policy } = this
    if (start === undefined || policy === undefined) return
    this.serve(start, policy).catch((error: unknown) => {
      failed(error instanceof Error ? error.message : String(error))
    })
  }

  private async serve(start: Start, { config }: Policy): Promise<void> {
    const { version, ticketSecret, sockets, logLevel, isAuditHealthy } = start
    const now = Date.now
    const log = createLog({
      level: logLevel,
      destination: logDestination(process.stderr, process.env),
      now,
      worker: process.pid,
    })
    const trail = new RemoteTrail({
      format: config.audit.format,
      isHealthy: isAuditHealthy,
      send: (batch) => {
        tell({ kind: 'audit', ...batch })
      },
    })
    const metrics = createMetrics({ version, audit: () => trail.audit })
    const observers = new Observers({ log, metrics, trail, now, followsLevel: false })
    this.trail = trail
    this.observers = observers
    const source = { current: () => this.inForce() }
    const onMoved = (environment: string): void => {
      tell({ kind: 'moved', environment })
    }
    const serving = await openServing({ config, source, observers, sockets, now, ticketSecret, onMoved })
    this.serving = serving
    serving.policyReplaced()
    tell({ kind: 'serving', addresses: serving.addresses })
    this.beat()
    const heartbeat = setInterval(() => {
      serving.tick()
      this.beat()
    }, heartbeatMs)
    const exchange = setInterval(() => {
      const uses = serving.state.limiter.news()
      if (uses.length > 0) tell({ kind: 'used', uses })
    }, exchangeMs)
    this.timers = [heartbeat, exchange]
  }

  private inForce(): Policy {
    if (this.policy === undefined) throw new Error('no policy has come yet')
    return this.policy
  }

  private adopt(): void {
    const { next } = this
    if (next === undefined || next.revision !== this.wanted) return
    this.policy = next
    this.next = undefined
    this.serving?.policyReplaced()
    if (this.serving !== undefined) this.beat()
  }

  private beat(): void {
    const requests = this.serving?.state.requestsUnderWay() ?? 0
    tell({ kind: 'beat', revision: this.inForce().revision, requests })
  }

  private async look(id: number | undefined): Promise<void> {
    const { serving, observers, begun } = this
    if (serving === undefined || observers === undefined || begun === undefined) return
    const { state, listeners } = serving
    const sight: WorkerSight = {
      metrics: await observers.metrics.snapshot(),
      status: statusOf({ state, listeners, version: begun.version }),
    }
    tell({ kind: 'sight', id, sight })
  }

  private async stop(): Promise<void> {
    const { serving, observers } = this
    // it goes on telling that it lives
    if (serving !== undefined) {
      await serving.drain()
      await serving.close()
    }
    await observers?.close()
    for (const timer of this.timers) clearInterval(timer)
    await this.look(undefined)
    leave(0)
  }
}

function tell(message: ToPrimary): void {
  if (process.connected) process.send?.(message)
}

function failed(message: string): void {
  tell({ kind: 'failed', message })
  leave(1)
}

// what was told before is on its way once this is
function leave(code: number): void {
  const end = (): never => process.exit(code)
  if (process.send === undefined || !process.connected) end()
  else process.send({ kind: 'ending' } satisfies ToPrimary, end)
}

const self = new WorkerProcess()
// a terminal and a service manager tell the whole group, yet the primary leads
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => undefined)
process.on('message', (message) => {
  self.told(message as ToWorker) // from the primary, which is the same program
})
// the primary died while something was being told: without it nobody writes the audit trail
// what is told before somebody listens is lost
tell({ kind: 'ready' })
cluster.worker?.on('error', () => {
  process.exit(1)
})
const receiver = new Worker(new URL('./policy-receiver.js', import.meta.url))
receiver.on('message', (loaded: LoadedPolicy) => {
  self.policyCame(loaded)
})
receiver.on('error', (error) => {
  failed(`no policy could be taken over: ${error.message}`)
})
