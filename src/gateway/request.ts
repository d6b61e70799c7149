import type { IncomingMessage, ServerResponse } from 'node:http'
import { admit, findEntry } from '../core/admission.js'
import type { Denial } from '../core/decision.js'
import { Failure } from '../core/failure.js'
import { awaitTurn } from '../http/pipelining.js'
import { peerOf, type Peer } from '../tls/peer.js'
import { serveAdmitted } from './admitted.js'
import { sendAnswer } from './answer.js'
import { arrive, type Arrival } from './arrival.js'
import type { Entrance, Gateway } from './gateway.js'
import { failureAnswer, refusalAnswer } from './refusal.js'
import { RequestEvent } from './request-event.js'
import { diagnoseConnection, selfDiagnosisPath } from './self-diagnosis.js'

/** One request on its way: what the steps of the story share. */
export interface Exchange {
  readonly gateway: Gateway
  readonly entrance: Entrance
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly peer: Peer
  readonly event: RequestEvent
}

/** What came in. `peer` is the connection's own but for `explain`, which is told whose request it is. */
interface IncomingExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly peer?: Peer
}

/**
 * The story of a request: connection → certificate identity → whitelist entry → what is written,
 * for which establishment → forward or refuse → one audit event.
 *
 * Never rejects: an exception anywhere before forwarding answers 5xx and forwards nothing.
 */
export async function serveRequest(
  gateway: Gateway,
  entrance: Entrance,
  { request, response, peer = peerOf(request.socket) }: IncomingExchange,
): Promise<void> {
  const event = new RequestEvent(request, peer, gateway.now())
  const exchange: Exchange = { gateway, entrance, request, response, peer, event }
  const place = gateway.began(response)
  carrying(response)[ofRequest] = event
  try {
    // what follows a request whose end is in doubt is no request: nothing is judged, nothing is sent
    // never at once: what came with it in one packet is read first, and ends the connection where it is none
    if (!(await awaitTurn(request, response)))
      throw new Failure('client-left', 'the connection takes no further request')
    if (event.isBroken()) {
      noteBroken(exchange)
      return
    }
    const denial = await judgeAndForward(exchange)
    if (denial !== undefined) await refuse(exchange, event.decided(denial))
  } catch (error) {
    await fail(exchange, event.failed(asFailure(error)))
  } finally {
    event.concluded()
    gateway.finished(event, place)
  }
}

// on the response itself: a WeakMap with an entry for each request cost a small GET 3 µs, and its garbage grew old
const ofRequest = Symbol('event')

interface Carrying {
  [ofRequest]?: RequestEvent
}

function carrying(response: ServerResponse & Carrying): Carrying {
  return response
}

/** The request that this is the response to, while it is judged and after. */
export function eventOf(response: ServerResponse): RequestEvent | undefined {
  return carrying(response)[ofRequest]
}

/** The parser has given up and answered: its line says whose it was all the same, as far as that is known. */
function noteBroken(exchange: Exchange): void {
  arrive(exchange, exchange.gateway.policy())
}

/** Everything up to the forwarding, and that itself; a denial where the rules say no. */
function judgeAndForward(exchange: Exchange): Denial | undefined | Promise<Denial | undefined> {
  const { gateway } = exchange
  const policy = gateway.policy() // one snapshot: a reload never splits a request
  const arrival = arrive(exchange, policy)
  if ('effect' in arrival) return arrival
  const status = gateway.ocsp.judge(arrival.chain, arrival.environment)
  if (!(status instanceof Promise)) return status ?? serveTrusted(exchange, arrival)
  return status.then((revoked) => revoked ?? serveTrusted(exchange, arrival))
}

/** Who the client is stands firm: may it, and what does it ask? */
function serveTrusted(
  exchange: Exchange,
  arrival: Arrival,
): Denial | undefined | Promise<Denial | undefined> {
  const { gateway, event, request } = exchange
  if (arrival.target.path === selfDiagnosisPath && (request.method === 'GET' || request.method === 'HEAD'))
    return answerSelfDiagnosis(exchange, arrival)

  const admission = event.decided(
    admit(
      {
        whitelist: arrival.environment.whitelist,
        route: arrival.route,
        client: arrival.identity.names,
        rorHeaders: rorHeadersOf(request),
      },
      gateway.now(),
    ),
  )
  if (admission.effect === 'deny') {
    // refused, but listed: whose it was is told all the same
    event.entry = findEntry(arrival.environment.whitelist, arrival.identity.names, arrival.route?.api)
    return withWhatWasAsked(admission, exchange, arrival)
  }
  return serveAdmitted(exchange, arrival, admission)
}

// nothing that was asked for stands there: a client that something on its way rewrites sees what arrived
function withWhatWasAsked(denial: Denial, { request }: Exchange, { target: { path } }: Arrival): Denial {
  if (denial.reason === 'api-unknown') return { ...denial, sent: { host: request.headers.host ?? '', path } }
  if (denial.reason === 'write-not-described')
    return { ...denial, sent: { method: request.method ?? '', path } }
  return denial
}

async function answerSelfDiagnosis(
  { gateway, request, response, event }: Exchange,
  arrival: Arrival,
): Promise<undefined> {
  const { environment, identity, target } = arrival
  event.api = 'self-diagnosis'
  event.answeredItself()
  const question = {
    environment: environment.name,
    apis: environment.apis,
    whitelist: environment.whitelist,
    certificate: identity.certificate,
    names: identity.names,
    target,
    requestId: event.requestId,
    accept: request.headers.accept,
  }
  const answer = diagnoseConnection(question, gateway.now())
  event.status = answer.status
  event.bytesOut = await sendAnswer(request, response, answer)
  return undefined
}

async function refuse({ request, response, event }: Exchange, denial: Denial): Promise<void> {
  const answer = refusalAnswer(denial, { request, kind: event.apiKind, requestId: event.requestId })
  event.status = answer.status
  event.bytesOut = await sendAnswer(request, response, answer)
}

async function fail({ gateway, request, response, event }: Exchange, failure: Failure): Promise<void> {
  if (failure.code === 'client-left') {
    response.destroy()
    return
  }
  if (failure.code === 'internal') {
    gateway.log.error(failure.message, {
      requestId: event.requestId,
      code: failure.code,
      error: failure.cause ?? failure,
    })
  }
  if (response.headersSent) {
    // an answer that has begun cannot be mended: it must not look complete
    response.destroy()
    return
  }
  const answer = failureAnswer(failure, {
    request,
    kind: event.apiKind,
    requestId: event.requestId,
  })
  event.status = answer.status
  event.bytesOut = await sendAnswer(request, response, answer)
}

function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure('internal', 'an unexpected error stopped the request', { cause: error })
}

function rorHeadersOf(request: IncomingMessage): Readonly<Record<string, string>> {
  const { headers } = request
  let found: Record<string, string> | undefined
  for (const name of Object.keys(headers)) {
    if (!name.startsWith('ror')) continue
    if (name.startsWith('ror-') || name.startsWith('ror_')) {
      const value = headers[name]
      found ??= {}
      found[name.replaceAll('_', '-')] = Array.isArray(value) ? value.join(', ') : (value ?? '')
    }
  }
  return found ?? none
}

const none: Readonly<Record<string, string>> = {}
