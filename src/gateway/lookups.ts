import { LRUCache } from 'lru-cache'
import type { Api } from '../core/api.js'
import { Failure } from '../core/failure.js'
import type { Result } from '../core/result.js'
import type { GatewayConfig } from '../config/gateway-config.js'
import { readMatches, readStored, type ResourceId, type Search, type StoredResource } from '../fhir/stored.js'
import type { Field } from '../http/forwarder.js'
import { createUpstreamReader, type UpstreamAnswer, type UpstreamReader } from '../http/upstream-read.js'
import type { EnvironmentPolicy } from './policy.js'
import { mayGoElsewhere } from './upstream-retry.js'
import type { Upstreams } from './upstreams.js'

/** What the upstream told, and until when it is believed (epoch milliseconds). */
interface Kept {
  readonly resources: readonly StoredResource[]
  readonly until: number
}

type Cache = LRUCache<string, Kept>

const keptAnswers = 10_000
const largestAnswer = 4 * 1024 * 1024
const searchCount = 50

/** Whose reads these are. */
export interface LookupPlace {
  readonly environment: EnvironmentPolicy
  /** The API that is written to. */
  readonly api: Api
  readonly requestId: string
}

interface LookupNeeds {
  readonly now: () => number
  readonly upstreams: Upstreams
  readonly onMoved?: ((environment: string) => void) | undefined
}

/**
 * Reads of stored resources, of the gateway's own: connections and answers kept, by environment.
 *
 * INVARIANT: only resources that were found are kept; never a failure, never that something was not
 * found, never a judgement.
 */
export class Lookups {
  readonly #readers: ReadonlyMap<string, UpstreamReader>
  readonly #caches = new Map<string, Cache>()
  readonly #now: () => number
  readonly #upstreams: Upstreams
  readonly #connectMs: number
  readonly #onMoved: (environment: string) => void

  /**
   * @param now - epoch milliseconds
   * @param onMoved - tells those that keep answers of their own
   */
  constructor(
    { environments, limits }: Pick<GatewayConfig, 'environments' | 'limits'>,
    { now, upstreams, onMoved = () => undefined }: LookupNeeds,
  ) {
    this.#onMoved = onMoved
    this.#now = now
    this.#upstreams = upstreams
    this.#connectMs = limits.connectTimeoutMs
    this.#readers = new Map(
      environments.map(({ name }) => [
        name,
        createUpstreamReader({
          maxConnections: limits.upstreamConnections,
          keepAliveMs: 30_000,
          maxBytes: largestAnswer,
        }),
      ]),
    )
  }

  /** The lookups of one request. */
  open(place: LookupPlace): Lookup {
    const { name } = place.environment
    const reader = this.#readers.get(name)
    if (reader === undefined) throw new Failure('internal', `no reader for the environment \`${name}\``)
    let cache = this.#caches.get(name)
    if (cache === undefined) {
      cache = new LRUCache({ max: keptAnswers })
      this.#caches.set(name, cache)
    }
    return new Lookup(place, {
      reader,
      cache,
      now: this.#now,
      upstreams: this.#upstreams,
      connectMs: this.#connectMs,
    })
  }

  /** After a write that may change whose something is; what is being read meanwhile is not kept either. */
  moved(environment: string): void {
    this.forget(environment)
    this.#onMoved(environment)
  }

  /** Keeps nothing of this environment, or of any: something was moved elsewhere. */
  forget(environment?: string): void {
    if (environment === undefined) this.#caches.clear()
    else this.#caches.delete(environment)
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close()
  }
}

interface Means {
  readonly reader: UpstreamReader
  readonly upstreams: Upstreams
  readonly cache: Cache
  readonly now: () => number
  /** Until a connection stands, where the upstream does not say otherwise. */
  readonly connectMs: number
}

/** The lookups of one request: bounded in number and in time, each resource read once. */
export class Lookup {
  readonly maxSteps: number
  readonly #environment: EnvironmentPolicy
  readonly #source: Api
  readonly #path: string
  readonly #requestId: string
  readonly #means: Means
  readonly #read = new Map<string, readonly StoredResource[]>()
  readonly #deadline: number
  #reads = 0

  constructor({ environment, api, requestId }: LookupPlace, means: Means) {
    const { resolution } = environment.config
    const source = environment.apis.find(({ name }) => name === resolution.api) ?? api
    const path = resolution.path ?? source.path
    this.#environment = environment
    this.#source = source
    this.#path = path === '/' ? '' : path
    this.#requestId = requestId
    this.#means = means
    this.#deadline = performance.now() + resolution.timeoutMs
    this.maxSteps = resolution.maxSteps
  }

  /**
   * A resource by its id, or why there is none.
   *
   * @throws Failure where the upstream does not answer as it should
   */
  async read(asked: ResourceId): Promise<Result<StoredResource, string>> {
    const name = `${asked.type}/${asked.id}`
    const found = await this.#resources(`/${name}`, (answer) => {
      const stored = readStored(answer, asked)
      return stored.ok ? { ok: true, value: [stored.value] } : stored
    })
    if (!found.ok) return found
    const [resource] = found.value
    return resource === undefined
      ? { ok: false, problem: `${name} was not found` }
      : { ok: true, value: resource }
  }

  /** The resources that a search finds, at least one, or why there is none. @throws as `read` does */
  async search(search: Search): Promise<Result<readonly StoredResource[], string>> {
    const { type, parameter, value } = search
    const name = `${type}?${parameter}=${value}`
    const page = { hasMore: false }
    const target = `/${type}?${parameter}=${encodeURIComponent(value)}&_count=${searchCount}`
    const found = await this.#resources(target, (answer) => {
      const matches = readMatches(answer, search)
      if (!matches.ok) return matches
      page.hasMore = matches.value.hasMore
      return { ok: true, value: page.hasMore ? [] : matches.value.resources }
    })
    if (!found.ok) return found
    if (page.hasMore) return { ok: false, problem: `${name} finds more than one page` }
    return found.value.length === 0 ? { ok: false, problem: `${name} finds nothing` } : found
  }

  async #resources(
    target: string,
    parse: (answer: UpstreamAnswer) => Result<readonly StoredResource[], string>,
  ): Promise<Result<readonly StoredResource[], string>> {
    const { cache, now } = this.#means
    const { cacheSeconds, maxReads } = this.#environment.config.resolution
    const key = `${this.#source.name} ${this.#source.upstream.servers.join(' ')} ${this.#path}${target}`
    const kept = cache.get(key)
    const known =
      this.#read.get(key) ?? (kept !== undefined && now() < kept.until ? kept.resources : undefined)
    if (known !== undefined) return { ok: true, value: known }
    if (this.#reads === maxReads) return { ok: false, problem: `more than ${maxReads} reads` }
    this.#reads += 1
    const answer = await this.#get(target)
    if (answer === undefined) return { ok: true, value: [] }
    const parsed = parse(answer)
    if (!parsed.ok) throw new Failure('upstream-response-invalid', `looking up ${target}: ${parsed.problem}`)
    this.#read.set(key, parsed.value)
    if (parsed.value.length > 0 && cacheSeconds > 0) {
      cache.set(key, { resources: parsed.value, until: now() + cacheSeconds * 1000 })
    }
    return parsed
  }

  // undefined: there is nothing of that name
  async #get(target: string): Promise<UpstreamAnswer | undefined> {
    const answer = await this.#ask(`${this.#path}${target}`)
    const { status } = answer
    if (status === 200) return answer
    // an id that the server takes for none is one that nothing stands behind
    if (status === 400 || status === 404 || status === 410 || status === 422) return undefined
    const isBusy = status === 503 || status === 429
    throw new Failure(
      isBusy ? 'upstream-unavailable' : 'upstream-response-invalid',
      `looking up ${target} was answered with status ${status}`,
    )
  }

  // a read changes nothing: it goes from server to server while there is time
  async #ask(target: string): Promise<UpstreamAnswer> {
    const { reader, upstreams } = this.#means
    const place = { environment: this.#environment.name, api: this.#source }
    const gap = this.#environment.lookupGaps?.get(this.#source.name)
    if (gap !== undefined)
      throw new Failure(
        'upstream-unavailable',
        `the lookup could not be made as the gateway makes it: ${gap}`,
      )
    const tried = new Set<string>()
    let last: Failure | undefined
    for (;;) {
      const timeoutMs = this.#deadline - performance.now()
      if (timeoutMs <= 0) throw last ?? new Failure('upstream-timeout', 'the lookups took too long')
      const attempt = upstreams.begin(place, { tried, isRepeatable: true })
      if (attempt === undefined) throw last ?? new Failure('internal', 'a lookup was sent to no server')
      tried.add(attempt.server)
      try {
        const answer = await reader.read({
          upstream: attempt.server,
          tls: this.#environment.upstreamTls.get(this.#source.name),
          target,
          fields: this.#fields(attempt.server),
          timeoutMs,
          connectMs: this.#source.upstream.connectTimeoutMs ?? this.#means.connectMs,
        })
        attempt.ended('answered')
        return answer
      } catch (error) {
        last = error instanceof Failure ? error : new Failure('internal', 'a lookup broke', { cause: error })
        attempt.ended(last.code)
        if (!mayGoElsewhere({ method: 'GET', body: 'none' }, { code: last.code, reach: 'sent' })) throw last
      }
    }
  }

  #fields(server: string): readonly Field[] {
    const { config, resolutionAuthorization } = this.#environment
    const fields: Field[] = [
      ['Host', this.#source.hosts[0] ?? new URL(server).host],
      ['Accept', 'application/fhir+json'],
      // a server that keeps results of searches would tell what was
      ['Cache-Control', 'no-cache'],
      ['X-Request-Id', this.#requestId],
    ]
    if (resolutionAuthorization !== undefined) fields.push(['Authorization', resolutionAuthorization])
    return [...fields, ...Object.entries(config.resolution.fields)]
  }
}
