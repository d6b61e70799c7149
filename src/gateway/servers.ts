import type { Readiness, Status } from '../admin/status.js'
import type { Exposition } from '../observe/open-metrics.js'
import type { Observers } from './observers.js'
import type { LoadedPolicy } from './policy.js'
import type { ReloadReport } from './policy-source.js'
import { openServing, type BoundAddress, type ServingOptions } from './serving.js'
import { statusOf } from './status.js'

/** What an instance serves with: its own process, or several workers. */
export interface Servers {
  readonly addresses: readonly BoundAddress[]
  /** Brings a policy to whoever serves, and has it put in force there; resolves once it is, or no answer came. */
  spread(loaded: LoadedPolicy): Promise<void>
  /** It is in force here, too. */
  policyReplaced(): void
  reloaded(report: ReloadReport): void
  /** A level other than the configuration's. */
  logLevelChanged(): void
  tick(): void
  requestsUnderWay(): number
  readiness(): Readiness
  status(): Promise<Status>
  expose(accept?: string): Promise<Exposition>
  /** Takes no new connection, lets requests finish until the deadline, cuts the rest. */
  drain(): Promise<void>
  /** Ends at once, where the instance cannot start. */
  abandon(): Promise<void>
  close(): Promise<void>
}

/** One process that does everything. @throws Error of `openServing` */
export async function serveHere(
  options: ServingOptions & { readonly observers: Observers; readonly version: string },
): Promise<Servers> {
  const { observers, version } = options
  const serving = await openServing(options)
  const { state, listeners } = serving
  return {
    addresses: serving.addresses,
    spread: () => Promise.resolve(),
    policyReplaced: () => {
      serving.policyReplaced()
    },
    reloaded: (report) => {
      state.reloaded(report)
    },
    logLevelChanged: () => undefined,
    tick: () => {
      serving.tick()
    },
    requestsUnderWay: () => state.requestsUnderWay(),
    readiness: () => state.readiness(),
    status: () => Promise.resolve(statusOf({ state, listeners, version })),
    expose: (accept) => observers.metrics.expose(accept),
    drain: () => serving.drain(),
    abandon: async () => {
      await Promise.all(listeners.map(({ listener }) => listener.close()))
    },
    close: () => serving.close(),
  }
}
