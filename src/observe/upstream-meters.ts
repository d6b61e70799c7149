import type { FailureCode } from '../core/failure.js'
import type { ServerState } from '../core/server-health.js'
import type { Instruments } from './instruments.js'

/** Which server of which API: names of the configuration. */
export interface ServerLabels {
  readonly environment: string
  readonly api: string
  readonly server: string
}

/** A server as a scrape finds it. */
export interface ServerSample extends ServerLabels {
  readonly state: ServerState
  readonly inFlight: number
}

type UpstreamInstruments = Pick<
  Instruments,
  | 'upstreamRequests'
  | 'upstreamRetries'
  | 'upstreamEjections'
  | 'upstreamChecks'
  | 'upstreamServerState'
  | 'upstreamServerInFlight'
>

const states: readonly ServerState[] = ['healthy', 'returning', 'half-open', 'ejected', 'down']

/** Counts and measures of the servers behind; what the configuration names no more is forgotten. */
export class UpstreamMeters {
  readonly #to: UpstreamInstruments
  #source: (() => readonly ServerSample[]) | undefined

  constructor(to: UpstreamInstruments) {
    this.#to = to
  }

  /** A request that was sent to a server is over. */
  request({ environment, api, server }: ServerLabels, outcome: 'answered' | FailureCode): void {
    this.#to.upstreamRequests.cell(environment, api, server, outcome).value += 1
  }

  /** A request goes to another server, since one failed with this code. */
  retry(environment: string, api: string, code: FailureCode): void {
    this.#to.upstreamRetries.cell(environment, api, code).value += 1
  }

  /** A server gets no requests for a while. */
  ejected({ environment, api, server }: ServerLabels): void {
    this.#to.upstreamEjections.cell(environment, api, server).value += 1
  }

  /** A server was asked how it is. */
  checked({ environment, api, server }: ServerLabels, hasPassed: boolean): void {
    this.#to.upstreamChecks.cell(environment, api, server, hasPassed ? 'passed' : 'failed').value += 1
  }

  /** Asked at each scrape from now on. */
  sample(source: () => readonly ServerSample[]): void {
    this.#source = source
  }

  /** Before a scrape: every server with its state and its requests under way. */
  collect(): void {
    const { upstreamServerState, upstreamServerInFlight } = this.#to
    upstreamServerState.remove(() => true)
    upstreamServerInFlight.remove(() => true)
    for (const { environment, api, server, state, inFlight } of this.#source?.() ?? []) {
      upstreamServerInFlight.cell(environment, api, server).value = inFlight
      for (const each of states) {
        upstreamServerState.cell(environment, api, server, each).value = each === state ? 1 : 0
      }
    }
  }

  /** After a reload: the series of servers that are named no more go. */
  keep(isNamed: (server: ServerLabels) => boolean): void {
    const { upstreamRequests, upstreamEjections, upstreamChecks } = this.#to
    for (const tally of [upstreamRequests, upstreamEjections, upstreamChecks]) {
      tally.remove(({ environment = '', api = '', server = '' }) => !isNamed({ environment, api, server }))
    }
  }
}
