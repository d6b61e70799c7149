import type { Api } from '../core/api.js'
import { Failure, type FailureCode } from '../core/failure.js'
import type { ServerHealth, ServerState } from '../core/server-health.js'
import type { Upstream, UpstreamCheck } from '../core/upstream.js'
import { UpstreamSet } from '../core/upstream-set.js'
import type { Log } from '../observe/log.js'
import type { UpstreamMeters } from '../observe/upstream-meters.js'
import type { Policy } from './policy.js'
import { isFault } from './upstream-retry.js'

interface UpstreamsOptions {
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Milliseconds on a clock that never goes back. */
  readonly elapsed: () => number
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  /** Absent: nothing is counted. */
  readonly meters?: UpstreamMeters
}

/** Whose servers: an API of an environment. */
export interface UpstreamPlace {
  readonly environment: string
  readonly api: Pick<Api, 'name' | 'upstream'>
}

/** One request, or one check, on its way to a server. */
export interface UpstreamAttempt {
  readonly server: string
  /** What became of it; told once. */
  ended(outcome: 'answered' | FailureCode): void
}

/** One server as `/status` and the metrics show it. */
export interface ServerReport {
  readonly environment: string
  readonly api: string
  readonly server: string
  readonly state: ServerState
  readonly inFlight: number
  /** In a row. */
  readonly failures: number
  readonly lastFailure: { readonly at: number; readonly code: FailureCode } | undefined
  readonly lastCheck: LastCheck | undefined
}

interface LastCheck {
  /** Epoch milliseconds. */
  readonly at: number
  readonly hasPassed: boolean
  /** What was answered, or why nothing was. */
  readonly detail: string
}

interface Kept {
  readonly set: UpstreamSet
  readonly notes: Map<string, Note>
}

/** What is shown of a server, and decides nothing. */
interface Note {
  lastFailure?: NonNullable<ServerReport['lastFailure']>
  lastCheck?: LastCheck
}

/** The servers of every API, how they are, and who is told when that changes. */
export class Upstreams {
  readonly #options: UpstreamsOptions
  readonly #kept = new Map<string, Kept>()

  constructor(options: UpstreamsOptions) {
    this.#options = options
  }

  /**
   * The next server for a request, which is under way from now on.
   *
   * @param tried - those it was sent to before; undefined where none is left
   * @throws Failure `upstream-unavailable` where it was sent nowhere and no server takes requests
   */
  begin(
    place: UpstreamPlace,
    wish: { readonly tried: ReadonlySet<string>; readonly isRepeatable: boolean },
  ): UpstreamAttempt | undefined {
    const { set } = this.#of(place)
    const startedAt = this.#options.elapsed()
    const choice = set.choose(place.api.upstream, { now: startedAt, ...wish })
    if (choice.kind === 'none') {
      if (wish.tried.size > 0) return undefined
      const seconds = Math.max(1, Math.ceil(choice.retryAfterMs / 1000))
      const message = `no server of \`${place.api.name}\` takes requests`
      throw new Failure('upstream-unavailable', message, { retryAfterSeconds: seconds })
    }
    const { server, health } = choice
    health.inFlight += 1
    let isOver = false
    return {
      server,
      ended: (outcome) => {
        if (isOver) return
        isOver = true
        health.inFlight -= 1
        this.#options.meters?.request(labelsOf(place, server), outcome)
        this.#learn(place, { server, health, startedAt }, outcome)
      },
    }
  }

  /** A check of a server passed or failed. */
  checked(
    place: UpstreamPlace & { readonly check: UpstreamCheck },
    server: string,
    { hasPassed, detail }: Omit<LastCheck, 'at'>,
  ): void {
    const { set } = this.#of(place)
    const { log, meters, now, elapsed } = this.#options
    this.#note(place, server).lastCheck = { at: now(), hasPassed, detail }
    meters?.checked(labelsOf(place, server), hasPassed)
    const change = set.healthOf(server).checked(hasPassed, elapsed(), place.check)
    const fields = { ...logFields(place, server), detail }
    if (change === 'up') log.info('an upstream server passes its checks again: it gets requests', fields)
    if (change !== 'down') return
    log.warn('an upstream server fails its checks: it gets no requests', fields)
    this.#warnOfNone(place)
  }

  /** A request goes to another server, since one failed with this code. */
  goesElsewhere({ environment, api }: UpstreamPlace, code: FailureCode): void {
    this.#options.meters?.retry(environment, api.name, code)
  }

  /** What the configuration in force names stays as it is; everything else is forgotten. */
  keep(policy: Policy): void {
    const named = new Set<string>()
    for (const { name, apis } of policy.environments.values()) {
      for (const api of apis) {
        const place = { environment: name, api }
        named.add(keyOf(place))
        const { set, notes } = this.#of(place)
        set.keep(api.upstream)
        for (const server of notes.keys()) if (!api.upstream.servers.includes(server)) notes.delete(server)
      }
    }
    for (const key of this.#kept.keys()) if (!named.has(key)) this.#kept.delete(key)
    this.#options.meters?.keep(({ environment, api, server }) => {
      const found = policy.environments.get(environment)?.apis.find(({ name }) => name === api)
      return found?.upstream.servers.includes(server) === true
    })
  }

  /** Every server of the configuration in force. */
  report(policy: Policy): readonly ServerReport[] {
    const now = this.#options.elapsed()
    return [...policy.environments.values()].flatMap(({ name: environment, apis }) =>
      apis.flatMap((api) => {
        const place = { environment, api }
        const { set } = this.#of(place)
        return api.upstream.servers.map((server): ServerReport => {
          const health = set.healthOf(server)
          const { lastFailure, lastCheck } = this.#note(place, server)
          const state = health.stateAt(now, api.upstream.ejection)
          const { inFlight, failures } = health
          return { ...labelsOf(place, server), state, inFlight, failures, lastFailure, lastCheck }
        })
      }),
    )
  }

  #learn(
    place: UpstreamPlace,
    { server, health, startedAt }: { server: string; health: ServerHealth; startedAt: number },
    outcome: 'answered' | FailureCode,
  ): void {
    const { log, meters, now, elapsed } = this.#options
    if (outcome === 'answered') {
      if (health.succeeded(startedAt, elapsed()))
        log.info('an upstream server answers again: it gets more and more requests', logFields(place, server))
      return
    }
    if (!isFault(outcome)) return
    this.#note(place, server).lastFailure = { at: now(), code: outcome }
    const pause = health.failed(startedAt, elapsed(), place.api.upstream.ejection)
    if (pause === undefined) return
    meters?.ejected(labelsOf(place, server))
    log.warn('an upstream server fails again and again: it gets no requests for a while', {
      ...logFields(place, server),
      code: outcome,
      detail: `${health.failures} failures in a row; one request tries again in ${pause / 1000} s`,
    })
    this.#warnOfNone(place)
  }

  #warnOfNone(place: UpstreamPlace): void {
    const { set } = this.#of(place)
    if (place.api.upstream.servers.some((server) => set.healthOf(server).isOpen)) return
    this.#options.log.error('no server of an API takes requests: they are answered 503', {
      environment: place.environment,
      api: place.api.name,
    })
  }

  #of(place: UpstreamPlace): Kept {
    const key = keyOf(place)
    let kept = this.#kept.get(key)
    if (kept === undefined) {
      kept = { set: new UpstreamSet(), notes: new Map() }
      this.#kept.set(key, kept)
    }
    return kept
  }

  #note(place: UpstreamPlace, server: string): Note {
    const { notes } = this.#of(place)
    let note = notes.get(server)
    if (note === undefined) {
      note = {}
      notes.set(server, note)
    }
    return note
  }
}

/** How long the pieces of an exchange may take, where the upstream says otherwise than the limits. */
export function timeoutsOf({ connectTimeoutMs, responseTimeoutMs }: Upstream): {
  connectMs?: number
  responseMs?: number
} {
  if (connectTimeoutMs === undefined && responseTimeoutMs === undefined) return usualTimeouts
  return {
    ...(connectTimeoutMs !== undefined && { connectMs: connectTimeoutMs }),
    ...(responseTimeoutMs !== undefined && { responseMs: responseTimeoutMs }),
  }
}

const usualTimeouts = {}

function keyOf({ environment, api }: UpstreamPlace): string {
  return `${environment} ${api.name}`
}

function labelsOf({ environment, api }: UpstreamPlace, server: string) {
  return { environment, api: api.name, server }
}

function logFields({ environment, api }: UpstreamPlace, server: string) {
  return { environment, api: api.name, upstream: server }
}
