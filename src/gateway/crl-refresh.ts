import { Worker } from 'node:worker_threads'
import type { CrlSource } from '../config/gateway-config.js'
import type { Log } from '../observe/log.js'
import type { Metrics } from '../observe/metrics.js'
import type { CrlFetchOrder, CrlFetchOutcome, CrlValidators } from './crl-fetch.js'
import { nextDaily, retryPause } from './crl-schedule.js'
import type { EnvironmentPolicy, Policy } from './policy.js'

interface CrlRefreshOptions {
  readonly policy: () => Policy
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly metrics: Pick<Metrics, 'crlFetch'>
  /** 0 to 1, as `Math.random`. */
  readonly random?: () => number
}

interface Plan {
  /** Minute of the day in Paris, chosen once. */
  readonly minute: number
  dueAt: number
  failures: number
  validators: CrlValidators | undefined
}

const hour = 3_600_000
// within which the random minute is chosen: publishers are not all asked at once
const windowMinutes = 120

/**
 * Fetches the CRLs that name a URL, each once a day at a minute of its own, into the file that is in force.
 *
 * What is fetched comes into force as any changed file does: by a reload. The plan is made anew for each
 * look at the policy in force, so that a reload may add and remove sources.
 */
export class CrlRefresh {
  private readonly options: CrlRefreshOptions
  private plans = new Map<string, Plan>()
  private running: Promise<void> | undefined

  constructor(options: CrlRefreshOptions) {
    this.options = options
  }

  /** Fetches what is due, one by one; a tick during another one is part of it. Never rejects. */
  tick(): Promise<void> {
    this.running ??= this.fetchDue().finally(() => {
      this.running = undefined
    })
    return this.running
  }

  private async fetchDue(): Promise<void> {
    const { policy, now } = this.options
    const plans = new Map<string, Plan>()
    const due: [EnvironmentPolicy, CrlSource & { url: string }, Plan][] = []
    for (const environment of policy().environments.values()) {
      for (const { url, ...source } of environment.config.tls.crl) {
        if (url === undefined) continue
        const key = `${environment.name} ${source.path} ${url}`
        const plan = this.plans.get(key) ?? this.plan(environment, source.path)
        plans.set(key, plan)
        if (plan.dueAt <= now()) due.push([environment, { ...source, url }, plan])
      }
    }
    this.plans = plans
    for (const [environment, source, plan] of due) {
      const outcome = await fetchCrlInWorker(orderOf({ environment, source, plan, now: now() }))
      this.settle({ environment, source, plan }, outcome)
    }
  }

  // at once where nothing is in force from the file, or not for long
  private plan(environment: EnvironmentPolicy, file: string): Plan {
    const { now, random = Math.random } = this.options
    const { crlFetch, crlWarnHours } = environment.config.tls
    const minute = (crlFetch.after + Math.floor(random() * windowMinutes)) % 1440
    const isUrgent = endOf(environment, file) - crlWarnHours * hour <= now()
    return {
      minute,
      dueAt: isUrgent ? now() : nextDaily(now(), minute),
      failures: 0,
      validators: undefined,
    }
  }

  private settle(
    { environment, source, plan }: { environment: EnvironmentPolicy; source: CrlSource; plan: Plan },
    outcome: CrlFetchOutcome,
  ): void {
    const { log, metrics, now } = this.options
    metrics.crlFetch(environment.name, outcome.result)
    const fields = { environment: environment.name, file: source.path, upstream: source.url }
    if (outcome.result === 'failed') {
      plan.failures += 1
      const pause = retryPause(plan.failures)
      plan.dueAt = now() + pause
      const detail = `${outcome.message}; the next try follows in ${pause / 60_000} minutes`
      log.warn('a CRL could not be fetched; the last good one stays', {
        ...fields,
        code: outcome.code,
        detail,
      })
      return
    }
    plan.failures = 0
    plan.validators = outcome.validators
    plan.dueAt = nextDaily(now(), plan.minute)
    // the publisher is late: what is in force would not last until tomorrow
    if (outcome.result === 'unchanged' && endOf(environment, source.path) < plan.dueAt)
      plan.dueAt = Math.min(plan.dueAt, now() + hour)
    log.info(outcome.result === 'fetched' ? 'a CRL is fetched' : 'a CRL has not changed', fields)
  }
}

/** When the first CRL from this file grows stale; at no time to come where there is none. */
function endOf({ crls }: EnvironmentPolicy, file: string): number {
  const ends = crls.filter((crl) => crl.file === file).map(({ nextUpdate }) => nextUpdate)
  return ends.length === 0 ? -Infinity : Math.min(...ends)
}

function orderOf({
  environment,
  source,
  plan,
  now,
}: {
  readonly environment: EnvironmentPolicy
  readonly source: CrlSource & { readonly url: string }
  readonly plan: Plan
  readonly now: number
}): CrlFetchOrder {
  const { timeoutMs, maxBytes } = environment.config.tls.crlFetch
  const inForce = environment.crls.filter(({ file }) => file === source.path)
  return {
    url: source.url,
    file: source.path,
    timeoutMs,
    maxBytes,
    now,
    authorities: environment.authorities,
    // the serials stay here
    inForce: inForce.map(({ issuer, issuerSpkiSha256, scope, distributionPoints, thisUpdate, crlNumber }) => {
      return { issuer, issuerSpkiSha256, scope, distributionPoints, thisUpdate, crlNumber }
    }),
    // a file that was taken away must come whole
    validators: inForce.length === 0 ? undefined : plan.validators,
  }
}

/** `fetchCrl` on a thread of its own; a thread that dies is a failure with its message. */
function fetchCrlInWorker(order: CrlFetchOrder): Promise<CrlFetchOutcome> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./crl-fetch-worker.js', import.meta.url), { workerData: order })
    worker.once('message', resolve)
    worker.once('error', (error) => {
      resolve({ result: 'failed', code: 'crl-thread', message: error.message })
    })
    worker.once('exit', () => {
      // after a message this settles nothing any more
      resolve({ result: 'failed', code: 'crl-thread', message: 'the thread that fetches ended early' })
    })
    // a fetch holds no process that wants to end
    worker.unref()
  })
}
