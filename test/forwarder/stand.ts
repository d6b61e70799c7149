import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { DenialReason } from '../../src/core/reasons.js'
import { BodyAccount, readBody } from '../../src/http/body.js'
import { createDirectForwarder } from '../../src/http/direct-forwarder.js'
import { clientFields, upstreamFields } from '../../src/http/fields.js'
import type {
  Field,
  ForwardOutcome,
  Forwarder,
  ForwarderOptions,
  ForwardTimeouts,
  UpstreamTls,
} from '../../src/http/forwarder.js'
import { judgeFraming } from '../../src/http/framing.js'
import { createHttpProxyForwarder } from '../../src/http/http-proxy-forwarder.js'
import { awaitTurn } from '../../src/http/pipelining.js'
import { answerClientError, type MalformedRequest } from '../../src/http/server-errors.js'
import { openRaw, type RawClient } from '../support/raw-client.js'
import { startRecorder, type Recorder, type RecorderTls, type Script } from '../support/recorder.js'

export interface StandOptions {
  readonly answer?: Script
  /** How the body goes: handed on, or read and judged first. */
  readonly body?: 'stream' | 'judged' | 'none'
  readonly timeouts?: Partial<ForwardTimeouts>
  /** The forwarder's clock; the machine's unless given. */
  readonly now?: () => number
  readonly maxConnections?: number
  readonly maxWaiting?: number
  readonly maxBodyBytes?: number
  readonly identity?: readonly Field[]
  /** PEM of the server's side; plain TCP where absent. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string }
  /** PEM of the upstream's side. */
  readonly upstreamTls?: RecorderTls
  /** How the upstream is verified, and what it is shown. */
  readonly showing?: UpstreamTls
  readonly upstream?: string
  /** `X-Request-Id` set on the response before it is forwarded. */
  readonly presets?: string
}

/** A server that judges framing and forwards, before an upstream that records: nothing else of the gateway. */
export interface Stand {
  readonly port: number
  readonly recorder: Recorder
  readonly forwarder: Forwarder
  readonly server: Server
  /** Reasons of the requests refused, in order. */
  readonly refusals: DenialReason[]
  readonly malformed: MalformedRequest[]
  readonly outcomes: ForwardOutcome[]
  /** The outcome of this index, once it is there. */
  outcome(index: number): Promise<ForwardOutcome>
  /** Resolves when this many requests ended by being thrown out. */
  left(count: number): Promise<void>
  open(): Promise<RawClient>
}

/** The engines under test: what holds for one holds for the other. */
export const engines = { 'http-proxy': createHttpProxyForwarder, direct: createDirectForwarder }

export type OpenStand = (context: TestContext, options?: StandOptions) => Promise<Stand>

/** A promise that every engine keeps: one test each, which is given stands of that engine. */
export function everyEngine(
  promise: string,
  body: (context: TestContext, stand: OpenStand) => Promise<void>,
): void {
  for (const [engine, createForwarder] of Object.entries(engines)) {
    test(`${promise} [${engine}]`, (context) =>
      body(context, (inner, options = {}) => openStand(inner, options, createForwarder)))
  }
}

const patient: ForwardTimeouts = {
  connectMs: 20_000,
  responseMs: 20_000,
  idleMs: 20_000,
  bytesPerSecond: 1,
}

/** Stands until the test, or whatever has its end told like one, is over. */
export async function openStand(
  context: { after(end: () => Promise<void>): void },
  options: StandOptions,
  createForwarder: (options: ForwarderOptions) => Forwarder,
): Promise<Stand> {
  const recorder = await startRecorder({
    ...(options.answer === undefined ? {} : { answer: options.answer }),
    ...(options.upstreamTls === undefined ? {} : { tls: options.upstreamTls }),
  })
  const forwarder = createForwarder({
    timeouts: { ...patient, ...options.timeouts },
    maxConnections: options.maxConnections ?? 16,
    maxWaiting: options.maxWaiting ?? 16,
    keepAliveMs: 5_000,
    ...(options.now !== undefined && { now: options.now }),
  })
  const thrown = new EventEmitter()
  let thrownCount = 0
  thrown.on('thrown', () => {
    thrownCount += 1
  })
  const account = new BodyAccount(1_048_576)
  const waiting: { index: number; resolve: (outcome: ForwardOutcome) => void }[] = []

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const denial = judgeFraming(request)
    if (options.presets !== undefined) response.setHeader('X-Request-Id', options.presets)
    if (!(await awaitTurn(request, response))) throw new Error('the connection takes no further request')
    if (denial !== undefined) {
      stage.refusals.push(denial.reason)
      refuse(response, { status: 400, reason: denial.reason })
      return
    }
    let body: 'stream' | 'none' | Uint8Array = options.body === 'none' ? 'none' : 'stream'
    if (options.body === 'judged') {
      const read = await readBody(
        { request, response },
        { maxBytes: options.maxBodyBytes ?? 65_536, timeoutMs: 20_000, account },
      )
      if ('effect' in read) {
        stage.refusals.push(read.reason)
        refuse(response, { status: 413, reason: read.reason })
        return
      }
      body = read
    }
    const host = request.headers.host ?? ''
    const client = clientFields({
      identity: options.identity ?? [],
      clientAddress: request.socket.remoteAddress ?? '',
      host,
    })
    const outcome = await forwarder.forward({
      request,
      response,
      upstream: options.upstream ?? recorder.origin,
      tls: options.showing,
      method: request.method ?? '',
      target: request.url ?? '',
      fields: upstreamFields(request.rawHeaders, { client, requestId: 'id-1' }),
      clientFields: client.fields,
      body,
      publicOrigin: `https://${host}`,
      responseFields: [['X-Request-Id', 'id-1']],
    })
    stage.outcomes.push(outcome)
    for (const each of waiting) {
      if (each.index === stage.outcomes.length - 1) each.resolve(outcome)
    }
    if (outcome.kind === 'failed' && !outcome.responseStarted) {
      refuse(response, { status: 502, reason: outcome.code })
    }
  }
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => {
      thrown.emit('thrown')
      response.destroy(error instanceof Error ? error : undefined)
    })
  }

  const server =
    options.tls === undefined
      ? createServer({ requireHostHeader: false })
      : createTlsServer({ ...options.tls, minVersion: 'TLSv1.2', requireHostHeader: false })
  server.maxHeadersCount = 0
  server.on('request', onRequest)
  server.on('checkContinue', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('clientError', (error, socket) => {
    answerClientError(error, socket, {
      newRequestId: () => 'id-malformed',
      onMalformed: (malformed) => stage.malformed.push(malformed),
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a listening TCP server has one

  const clients: RawClient[] = []
  const stage: Stand = {
    port,
    recorder,
    forwarder,
    server,
    refusals: [],
    malformed: [],
    outcomes: [],
    outcome: (index) => {
      const there = stage.outcomes[index]
      if (there !== undefined) return Promise.resolve(there)
      return new Promise((resolve) => waiting.push({ index, resolve }))
    },
    left: async (count) => {
      while (thrownCount < count) await once(thrown, 'thrown')
    },
    open: async () => {
      const client = await openRaw(
        port,
        options.tls === undefined ? undefined : { ca: options.tls.ca, servername: 'localhost' },
      )
      clients.push(client)
      return client
    },
  }
  context.after(async () => {
    for (const client of clients) client.destroy()
    await forwarder.close()
    await recorder.close()
    server.close()
    server.closeAllConnections()
  })
  return stage
}

function refuse(response: ServerResponse, { status, reason }: { status: number; reason: string }): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'x-reason': reason, 'content-length': '0', connection: 'close' })
  response.end()
}

/** The failure of the first exchange, whose answer had begun: it looks whole to nobody, and its connection is closed. */
export async function brokenOff(
  stage: Stand,
  client: RawClient,
): Promise<Extract<ForwardOutcome, { kind: 'failed' }>> {
  await client.closed
  await assert.rejects(client.answer())
  const outcome = await stage.outcome(0)
  assert.equal(outcome.kind, 'failed')
  return outcome
}
