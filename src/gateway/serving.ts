import type { GatewayConfig } from '../config/gateway-config.js'
import type { InheritedSocket } from '../tls/inherited-sockets.js'
import { Connections } from './connections.js'
import { createForwarders } from './forwarders.js'
import { openListeners, type EnvironmentListener } from './listeners.js'
import type { Observers } from './observers.js'
import type { Policy } from './policy.js'
import { GatewayState } from './state.js'
import { UpstreamChecks } from './upstream-checks.js'

/** What a process serves by. */
export interface ServingOptions {
  readonly config: GatewayConfig
  /** The policy in force. */
  readonly source: { current(): Policy }
  readonly observers: Observers
  readonly sockets: readonly InheritedSocket[]
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Milliseconds on a clock that never goes back; the machine's unless given. */
  readonly elapsed?: (() => number) | undefined
  /** What ticket keys come from where no file names a secret; undefined: one of this process alone. */
  readonly ticketSecret?: Uint8Array | undefined
  /** Told of each write that may change whose something is: others may keep what was so before. */
  readonly onMoved?: ((environment: string) => void) | undefined
}

/** A listening address as it was bound. */
export interface BoundAddress {
  readonly environments: readonly string[]
  readonly host: string
  readonly port: number
}

/** A process that listens and answers: what one gateway does, and each worker of several. */
export interface Serving {
  readonly state: GatewayState
  readonly listeners: readonly EnvironmentListener[]
  readonly addresses: readonly BoundAddress[]
  /** Another policy is in force: what listeners show, who may stay and what is measured follow it. */
  policyReplaced(): void
  /** What time alone brings about. */
  tick(): void
  /** Takes no new connection, lets requests finish until the deadline, cuts the rest. */
  drain(): Promise<void>
  /** Closes what serves requests, once there are none. */
  close(): Promise<void>
}

/**
 * Opens the listeners and all that answers behind them.
 *
 * @throws Error with one clear line: an address that cannot be listened on
 */
export async function openServing(options: ServingOptions): Promise<Serving> {
  const { config, source, observers, sockets, now, elapsed = () => performance.now() } = options
  const { ticketSecret, onMoved } = options
  const { log, metrics } = observers
  const forwarders = createForwarders(config)
  const state = new GatewayState({
    source,
    observers,
    forwarders,
    now,
    elapsed,
    config,
    ticketSecret,
    onMoved,
  })
  metrics.sample(() => ({
    identityHits: state.identities.hits,
    identityMisses: state.identities.misses,
    bodyBytesHeld: state.bodyAccount.heldBytes,
    bodyBytesLimit: state.bodyAccount.maxBytes,
  }))
  metrics.upstreams.sample(() => state.upstreams.report(source.current()))
  const checks = new UpstreamChecks({ policy: () => source.current(), upstreams: state.upstreams, elapsed })
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

  async function close(): Promise<void> {
    for (const forwarder of forwarders.values()) await forwarder.close()
    checks.close()
    state.lookups.close()
  }

  let listeners: readonly EnvironmentListener[]
  try {
    listeners = await openListeners({ policy: source.current(), state, observers, connections, sockets })
  } catch (error) {
    await close()
    throw error
  }

  return {
    state,
    listeners,
    addresses: listeners.map(({ environments, listener }) => ({ environments, ...listener.address })),
    policyReplaced: () => {
      const policy = source.current()
      for (const listener of listeners) listener.refresh()
      connections.review()
      observers.policyInForce(policy)
      state.upstreams.keep(policy)
      state.limiter.keep(
        (environment, partner) =>
          policy.environments.get(environment)?.whitelist.hasPartner(partner) ?? false,
      )
    },
    tick: () => {
      if (state.ocsp.takeNews()) connections.review()
      connections.tick()
      checks.tick()
      for (const listener of listeners) listener.refresh()
    },
    drain: async () => {
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
    },
    close,
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
