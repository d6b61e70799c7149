import type { Api } from '../core/api.js'
import { Failure } from '../core/failure.js'
import type { UpstreamCheck } from '../core/upstream.js'
import type { Field } from '../http/forwarder.js'
import { createUpstreamReader, type UpstreamReader } from '../http/upstream-read.js'
import type { EnvironmentPolicy, Policy } from './policy.js'
import type { Upstreams } from './upstreams.js'

interface UpstreamChecksOptions {
  readonly policy: () => Policy
  readonly upstreams: Upstreams
  /** Milliseconds on a clock that never goes back. */
  readonly elapsed: () => number
}

/** A server to be asked, and how. */
interface Question {
  readonly environment: EnvironmentPolicy
  readonly api: Api
  readonly server: string
  readonly check: UpstreamCheck
}

interface Plan {
  dueAt: number
  isRunning: boolean
}

const largestAnswer = 4 * 1024 * 1024

/**
 * Asks the servers whose upstream says so how they are: a GET that names no partner, and nothing else.
 *
 * The plan is made anew for each look at the policy in force, so that a reload may add and remove checks.
 */
export class UpstreamChecks {
  readonly #options: UpstreamChecksOptions
  /** By environment: none shares a connection with another. */
  readonly #readers = new Map<string, UpstreamReader>()
  #plans = new Map<string, Plan>()
  #isClosed = false

  constructor(options: UpstreamChecksOptions) {
    this.#options = options
  }

  /** Begins what is due, each server at most once at a time. Never throws. */
  tick(): void {
    const now = this.#options.elapsed()
    const plans = new Map<string, Plan>()
    for (const question of questionsOf(this.#options.policy())) {
      const { environment, api, server, check } = question
      const key = `${environment.name} ${api.name} ${server}`
      const plan = this.#plans.get(key) ?? { dueAt: now, isRunning: false }
      plans.set(key, plan)
      if (plan.isRunning || plan.dueAt > now) continue
      plan.dueAt = now + check.intervalSeconds * 1000
      plan.isRunning = true
      void this.#ask(question).finally(() => {
        plan.isRunning = false
      })
    }
    this.#plans = plans
  }

  /** Breaks off what is under way; nothing is learnt from it. */
  close(): void {
    this.#isClosed = true
    for (const reader of this.#readers.values()) reader.close()
  }

  async #ask(question: Question): Promise<void> {
    const { environment, api, server, check } = question
    const verdict = await this.#verdict(question)
    // what a reload took away, or changed, is nothing to speak of any more
    const inForce = this.#options.policy().environments.get(environment.name)?.apis
    const isNamed = inForce?.some(({ name, upstream }) => {
      return name === api.name && upstream.check !== undefined && upstream.servers.includes(server)
    })
    if (this.#isClosed || isNamed !== true) return
    this.#options.upstreams.checked({ environment: environment.name, api, check }, server, verdict)
  }

  async #verdict({ environment, api, server, check }: Question) {
    try {
      const { status } = await this.#readerOf(environment.name).read({
        upstream: server,
        tls: environment.upstreamTls.get(api.name),
        target: check.path,
        fields: fieldsOf(api, server, check),
        timeoutMs: check.timeoutMs,
      })
      const hasPassed = status === check.expectStatus
      return { hasPassed, detail: `status ${status}${hasPassed ? '' : `, expected ${check.expectStatus}`}` }
    } catch (error) {
      const detail = error instanceof Failure ? `${error.code}: ${error.message}` : String(error)
      return { hasPassed: false, detail }
    }
  }

  #readerOf(environment: string): UpstreamReader {
    let reader = this.#readers.get(environment)
    if (reader === undefined) {
      reader = createUpstreamReader({ maxConnections: 2, keepAliveMs: 1000, maxBytes: largestAnswer })
      this.#readers.set(environment, reader)
    }
    return reader
  }
}

function questionsOf({ environments }: Policy): readonly Question[] {
  return [...environments.values()].flatMap((environment) =>
    environment.apis.flatMap((api) => {
      const { check, servers } = api.upstream
      return check === undefined ? [] : servers.map((server) => ({ environment, api, server, check }))
    }),
  )
}

function fieldsOf({ hosts }: Api, server: string, { host }: UpstreamCheck): readonly Field[] {
  return [
    ['Host', host ?? hosts[0] ?? new URL(server).host],
    ['Accept', '*/*'],
    ['User-Agent', 'ror-gateway-check'],
  ]
}
