import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { duplexPair } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { LivePlace } from '../core/live-list.js'
import type { DenialReason } from '../core/reasons.js'
import { BodyAccount } from '../http/body.js'
import type { ForwardOutcome, ForwardRequest, Forwarder } from '../http/forwarder.js'
import { answerClientError } from '../http/server-errors.js'
import { createLog } from '../observe/log.js'
import type { Peer } from '../tls/peer.js'
import type { Gateway } from './gateway.js'
import { IdentityCache } from './identity.js'
import { Lookups } from './lookups.js'
import { OcspStatus } from './ocsp-status.js'
import { PartnerLimiter } from './partner-limiter.js'
import type { Policy } from './policy.js'
import { eventOf, serveRequest } from './request.js'
import type { RequestEvent } from './request-event.js'
import { Upstreams } from './upstreams.js'

/** A request to be judged, and whose it is. */
export interface TrialRequest {
  readonly policy: Policy
  readonly environment: string
  readonly peer: Peer
  /** As it would stand on the wire. */
  readonly bytes: Buffer
}

/** What `serve` made of a request, short of forwarding it. */
export interface Trial {
  /** Undefined where Node's parser gave the request up. */
  readonly event: RequestEvent | undefined
  readonly request: IncomingMessage | undefined
  readonly malformed: DenialReason | undefined
  /** What would have gone upstream. */
  readonly forwarded: Pick<ForwardRequest, 'upstream' | 'method' | 'target' | 'fields'> | undefined
  /** The gateway's own answer; empty where the request would have been forwarded. */
  readonly answer: string
}

/**
 * Serves one request exactly as `serve` does, over a connection in memory, and forwards nothing.
 *
 * What judging itself asks of others is asked: an OCSP responder, and the upstream for the
 * establishment behind an id.
 *
 * @param now - the moment it is judged at, epoch milliseconds
 */
export async function tryRequest(
  { policy, environment, peer, bytes }: TrialRequest,
  now: number,
): Promise<Trial> {
  const recording = new RecordingForwarder()
  const gateway = new TrialGateway(policy, now, recording)
  const seen: { request?: IncomingMessage; malformed?: DenialReason; served?: Promise<void> } = {}
  const [client, socket] = duplexPair()
  const server = createServer({
    maxHeaderSize: policy.config.limits.headerBytes,
    requestTimeout: 0,
    headersTimeout: 0,
    requireHostHeader: false,
    insecureHTTPParser: false,
  })
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    // what stands behind the first request is no part of the question
    if (seen.request !== undefined) return
    seen.request = request
    const entrance = { environmentOf: () => environment }
    seen.served = serveRequest(gateway, entrance, { request, response, peer }).finally(() => {
      socket.end()
    })
  }
  server.maxHeadersCount = 0
  server.on('request', serve)
  server.on('checkContinue', serve)
  server.on('checkExpectation', serve)
  server.on('clientError', (error: Error, broken) => {
    answerClientError(error, broken, {
      newRequestId: randomUUID,
      headerBytes: policy.config.limits.headerBytes,
      underWay: eventOf,
      onMalformed: ({ reason }) => (seen.malformed = reason),
    })
  })
  server.emit('connection', socket)
  const chunks: Buffer[] = []
  client.on('data', (chunk: Buffer) => chunks.push(chunk))
  client.write(bytes)
  try {
    await finished(client, { writable: false })
  } catch {
    // a connection that was cut: the event says why
  }
  try {
    await seen.served
  } finally {
    client.destroy()
    socket.destroy()
    gateway.lookups.close()
  }
  return {
    event: gateway.event,
    request: seen.request,
    malformed: gateway.event === undefined ? seen.malformed : undefined,
    forwarded: recording.forwarded,
    answer: recording.forwarded === undefined ? Buffer.concat(chunks).toString('utf8') : '',
  }
}

/** Notes what would go upstream and answers in its place. */
class RecordingForwarder implements Forwarder {
  forwarded: ForwardRequest | undefined

  async forward(request: ForwardRequest): Promise<ForwardOutcome> {
    this.forwarded = request
    if (request.body === 'stream') {
      request.request.resume()
      await finished(request.request, { writable: false }).catch(() => undefined)
    }
    request.response.writeHead(204).end()
    return {
      kind: 'answered',
      status: 204,
      bytesUp: 0,
      bytesDown: 0,
      upstreamMs: 0,
      upstreamStatus: undefined,
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** A gateway for one request at one moment. */
class TrialGateway implements Gateway {
  readonly identities = new IdentityCache(1)
  readonly bodyAccount: BodyAccount
  readonly limiter = new PartnerLimiter()
  readonly lookups: Lookups
  readonly upstreams: Upstreams
  readonly ocsp: OcspStatus
  readonly log = createLog({ level: 'silent', destination: { write: () => true }, now: () => 0 })
  event: RequestEvent | undefined
  private readonly inForce: Policy
  private readonly moment: number
  private readonly forwarder: Forwarder

  constructor(policy: Policy, moment: number, forwarder: Forwarder) {
    this.inForce = policy
    this.moment = moment
    this.forwarder = forwarder
    const now = (): number => moment
    this.bodyAccount = new BodyAccount(policy.config.limits.bodyBytesInFlight)
    this.upstreams = new Upstreams({ now, elapsed: now, log: this.log })
    this.lookups = new Lookups(policy.config, { now, upstreams: this.upstreams })
    this.ocsp = new OcspStatus({ now, report: { asked: () => undefined, passed: () => undefined } })
  }

  policy(): Policy {
    return this.inForce
  }

  now(): number {
    return this.moment
  }

  isDraining(): boolean {
    return false
  }

  forwarderOf(): Forwarder {
    return this.forwarder
  }

  mayWrite(): boolean {
    return true
  }

  began(response: ServerResponse): LivePlace<ServerResponse> {
    // one request, counted nowhere
    return { item: response, index: undefined }
  }

  finished(event: RequestEvent): void {
    this.event = event
  }
}
