import { ClientRequest, type Agent } from 'node:http'
import { Stream } from 'node:stream'
import util from 'node:util'
import httpProxy from 'http-proxy'
import { LiveList } from '../core/live-list.js'
import { Exchange, type ExchangeOutcome } from './exchange.js'
import type { ForwardOutcome, ForwardRequest, Forwarder, ForwarderOptions } from './forwarder.js'
import { isOpen } from './pipelining.js'
import { framingOf, isEmptyStream, isFramingName } from './request-head.js'
import { closeIdle, createAgents, serverNameOf } from './upstream-agents.js'

/**
 * A forwarder through http-proxy.
 *
 * http-proxy opens the request and nothing else: its passes that rewrite are taken out, and target,
 * fields and framing are generated here and cannot be rewritten on the way (CVE-2026-29057,
 * node-http-proxy #1720, #1721). What follows is `Exchange`.
 */
export function createHttpProxyForwarder(options: ForwarderOptions): Forwarder {
  silenceExtendDeprecation()
  const { timeouts, maxConnections, maxWaiting, now = () => performance.now() } = options
  const proxy = createEngine()
  const agents = createAgents(options)
  const targets = new Map<string, Target>()
  const underWay = new LiveList<{ readonly exchange: Exchange; readonly outcome: Promise<unknown> }>()

  const attempt = async (forward: ForwardRequest, target: Target): Promise<ExchangeOutcome> => {
    let exchange: Exchange | undefined
    const outcome = new Promise<ExchangeOutcome>((settle) => {
      const limits = { ...timeouts, ...forward.timeouts }
      exchange = new Exchange(forward, { timeouts: limits, now, settle })
      open(proxy, exchange, { forward, target, agent: agents.of(forward) })
    })
    const place = exchange === undefined ? undefined : underWay.add({ exchange, outcome })
    try {
      return await outcome
    } finally {
      if (place !== undefined) underWay.remove(place)
    }
  }

  const forward = async (asked: ForwardRequest): Promise<ForwardOutcome> => {
    const request: ForwardRequest = isEmptyStream(asked) ? { ...asked, body: 'none' } : asked
    if (request.response.destroyed || !isOpen(request.request.socket))
      return { kind: 'client-left', responseStarted: false, ...nothing }
    const { upstream, tls } = request
    const key = tls === undefined ? upstream : `${upstream} ${tls.id}`
    let target = targets.get(key)
    if (target === undefined) {
      target = targetOf(request)
      targets.set(key, target)
    }
    if (target.underWay >= maxConnections + maxWaiting) {
      const cause = new Error(`${target.underWay} requests are under way to ${request.upstream}`)
      return {
        kind: 'failed',
        code: 'overloaded',
        reach: 'unsent',
        responseStarted: false,
        cause,
        ...nothing,
      }
    }
    target.underWay += 1
    try {
      const first = await attempt(request, target)
      if (first.kind !== 'stale') return first
      closeIdle(agents.of(request), target)
      const second = await attempt(request, target)
      if (second.kind !== 'stale') return second
      const cause = new Error('two kept connections had been closed by the upstream')
      return {
        kind: 'failed',
        code: 'upstream-broken',
        reach: 'sent',
        responseStarted: false,
        cause,
        ...nothing,
      }
    } finally {
      target.underWay -= 1
      // of material that may have been replaced meanwhile
      if (tls !== undefined && target.underWay === 0) targets.delete(key)
    }
  }

  return {
    forward,
    close: async () => {
      const last = [...underWay]
      for (const { exchange } of last) exchange.fail('internal', new Error('the forwarder was closed'))
      await Promise.all(last.map(({ outcome }) => outcome))
      agents.destroy()
    },
  }
}

const nothing = { bytesUp: 0, bytesDown: 0, upstreamMs: 0, upstreamStatus: undefined }

/** An upstream as http-proxy's options spell it. */
interface Target {
  readonly protocol: string
  readonly hostname: string
  readonly port: string
  /** As Node takes it; absent where nothing is secured. */
  readonly serverName: string | undefined
  underWay: number
}

function targetOf({ upstream, tls }: ForwardRequest): Target {
  const { protocol, hostname, port } = new URL(upstream)
  const isSecure = protocol === 'https:'
  // Node connects to `::1`, where a URL spells `[::1]`
  const bare = hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    protocol,
    hostname: bare,
    port: port === '' ? (isSecure ? '443' : '80') : port,
    serverName: isSecure ? serverNameOf(bare, tls) : undefined,
    underWay: 0,
  }
}

interface Opening {
  readonly forward: ForwardRequest
  readonly target: Target
  readonly agent: Agent
}

function open(proxy: httpProxy, exchange: Exchange, { forward, target, agent }: Opening): void {
  const { request, response, method } = forward
  try {
    const { protocol, hostname, port, serverName } = target
    const ssl = outgoing(forward.target, { fields: fieldsOf(forward), serverName })
    proxy.web(
      request,
      response,
      {
        target: { protocol, hostname, port },
        agent,
        ssl,
        method,
        buffer: new BodySource(exchange),
        toProxy: true, // `url.parse` throws at `http://[::1`
        prependPath: false,
        selfHandleResponse: true,
      },
      ignore, // an error reaches the exchange from the request itself; unheard here, it would end the process
    )
  } catch (error) {
    exchange.fail('internal', error instanceof Error ? error : new Error(String(error)))
  }
}

/**
 * The object http-proxy builds its request in.
 *
 * It assigns a path with `//` and `http:/` rewritten and a copy of the client's headers; what cannot
 * be written stays as judged. A list of fields also keeps order, spelling and repeats.
 */
function outgoing(
  target: string,
  { fields, serverName }: { readonly fields: readonly string[]; readonly serverName: string | undefined },
): object {
  return Object.defineProperties(
    {},
    {
      path: fixed(target),
      headers: fixed(fields),
      ...(serverName !== undefined && { servername: fixed(serverName) }),
    },
  )
}

function fixed(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, writable: false, configurable: false }
}

/** Fields and generated framing, as names and values in turn. */
function fieldsOf(forward: ForwardRequest): string[] {
  const list: string[] = []
  for (const [name, value] of [...forward.fields, ...(forward.clientFields ?? [])]) {
    if (isFramingName(name)) throw new Error(`the field \`${name}\` is not the caller's to set`)
    list.push(name, value)
  }
  list.push(...framingOf(forward))
  return list
}

/** Stands where http-proxy looks for the body: what it pipes into is the request it has opened. */
class BodySource extends Stream {
  readonly #exchange: Exchange

  constructor(exchange: Exchange) {
    super()
    this.#exchange = exchange
  }

  override pipe<Destination extends NodeJS.WritableStream>(destination: Destination): Destination {
    if (!(destination instanceof ClientRequest)) throw new Error('http-proxy pipes into what is no request')
    this.#exchange.start(destination)
    return destination
  }
}

/** http-proxy with one pass, `stream`: `deleteLength` smuggles (CVE-2026-29057), `XHeaders` trusts the client. */
function createEngine(): httpProxy {
  const proxy = httpProxy.createProxyServer({})
  const passes: unknown = Reflect.get(proxy, 'webPasses')
  const kept = Array.isArray(passes)
    ? passes.filter((pass: unknown) => typeof pass === 'function' && pass.name === 'stream')
    : []
  if (kept.length !== 1) throw new Error('http-proxy has no pass `stream`; version 1.18.1 is needed')
  Reflect.set(proxy, 'webPasses', kept)
  return proxy
}

/**
 * Spends the one warning that `util._extend`, which http-proxy calls, gives from Node 22 on (DEP0060).
 *
 * It is called once here while nobody hears that code; every other warning is told as ever.
 */
function silenceExtendDeprecation(): void {
  const extend: unknown = Reflect.get(util, '_extend')
  if (typeof extend !== 'function') return
  const before: unknown = Reflect.get(process, 'emitWarning')
  const emitWarning = process.emitWarning.bind(process)
  Reflect.set(process, 'emitWarning', (...args: unknown[]) => {
    if (!args.includes('DEP0060')) Reflect.apply(emitWarning, undefined, args)
  })
  try {
    Reflect.apply(extend, undefined, [{}, {}])
  } finally {
    Reflect.set(process, 'emitWarning', before)
  }
}

function ignore(): void {
  // told to the exchange
}
