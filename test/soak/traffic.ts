import type { EventEmitter } from 'node:events'
import { Agent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { capacityPath, fhirHost, patchBody, permittedTarget } from '../gateway/stand.js'
import type { TestCertificate } from '../support/pki.js'
import type { Ledger } from './ledger.js'

export interface TrafficNeeds {
  readonly port: number
  /** PEM. */
  readonly ca: string
  readonly partner: TestCertificate
  /** Of the same authority, and on no list. */
  readonly stranger: TestCertificate
  readonly ledger: Ledger
}

interface Wish {
  readonly agent: Agent
  readonly method: string
  /** Another one for each number. */
  readonly path: (number: number) => string
  readonly body?: string
  readonly isPermitted: boolean
}

interface Agents {
  readonly partner: Agent
  readonly stranger: Agent
}

const loops = 12
const readPath = '/ws-diffusion-fhir/Location?identifier=1350054680/A'

/** Closed loops of permitted, forbidden and abandoned requests, each with its own kept connections. */
export class Traffic {
  private readonly needs: TrafficNeeds
  private readonly sockets = new Set<Socket>()
  /** Makes every target another one, so that each request is told from the others at the upstream. */
  private number = 0

  constructor(needs: TrafficNeeds) {
    this.needs = needs
  }

  /** Goes on while this says so; afterwards every connection is closed. */
  async run(isWanted: () => boolean): Promise<void> {
    const { partner, stranger } = this.needs
    await Promise.all(
      Array.from({ length: loops }, async (_, loop) => {
        const agents = { partner: this.agent(partner), stranger: this.agent(stranger) }
        for (let turn = loop; isWanted(); turn += 1) await this.turn(turn, agents)
      }),
    )
    // not by the agents: one that was destroyed still keeps a connection that comes back to it later
    await Promise.all(
      [...this.sockets].map(async (socket) => {
        const closed = closing(socket)
        socket.destroy()
        await closed
      }),
    )
  }

  private turn(turn: number, { partner, stranger }: Agents): Promise<void> {
    switch (turn % 8) {
      case 0:
      case 1:
        return this.exchange({
          agent: partner,
          method: 'GET',
          path: (number) => `${readPath}${number}`,
          isPermitted: true,
        })
      case 2:
      case 3:
        return this.exchange({
          agent: partner,
          method: 'PATCH',
          path: (number) => `${permittedTarget}${number}`,
          body: patchBody,
          isPermitted: true,
        })
      case 4:
        return this.exchange({
          agent: partner,
          method: 'PATCH',
          path: (number) => `${capacityPath}1290000000/${number}`,
          body: patchBody,
          isPermitted: false,
        })
      case 5:
        return this.exchange({
          agent: stranger,
          method: 'GET',
          path: (number) => `${readPath}${number}`,
          isPermitted: false,
        })
      case 6:
        return this.exchange({
          agent: partner,
          method: 'DELETE',
          path: (number) => `/ws-diffusion-fhir/Location/${number}`,
          isPermitted: false,
        })
      default:
        return this.abort(partner)
    }
  }

  private exchange(wish: Wish): Promise<void> {
    const { agent, method, body, isPermitted } = wish
    const { ledger, port } = this.needs
    this.number += 1
    const path = wish.path(this.number)
    const key = `${method} ${path}`
    if (isPermitted) ledger.permits(key)
    ledger.sent += 1
    const { promise, resolve } = deferred()
    let isOver = false
    const failed = (): void => {
      if (isOver) return
      isOver = true
      ledger.broken += 1
      resolve()
    }
    const content =
      body === undefined
        ? {}
        : { 'content-type': 'application/fhir+json', 'content-length': Buffer.byteLength(body) }
    const headers = { host: fhirHost, ...content }
    const request = httpsRequest({ agent, method, path, host: '127.0.0.1', port, headers }, (response) => {
      response.resume()
      response.on('error', failed)
      response.once('end', () => {
        isOver = true
        ledger.answer({ key, status: response.statusCode ?? 0, isPermitted })
        resolve()
      })
    })
    this.note(request)
    request.on('error', (error: Error & { code?: string }) => {
      // a kept connection that the gateway ends while a request is written on it is HTTP's own race
      if (!request.reusedSocket || (error.code !== 'ECONNRESET' && error.code !== 'EPIPE')) {
        failed()
        return
      }
      if (isOver) return
      isOver = true
      ledger.aborted += 1
      resolve(this.exchange(wish))
    })
    request.end(body)
    return promise
  }

  /** A client that leaves while it waits. */
  private async abort(agent: Agent): Promise<void> {
    const { ledger, port } = this.needs
    this.number += 1
    const path = `/ws-diffusion-fhir/Location?slow=${this.number}`
    ledger.permits(`GET ${path}`)
    ledger.sent += 1
    ledger.aborted += 1
    const request = httpsRequest({ agent, path, host: '127.0.0.1', port, headers: { host: fhirHost } })
    this.note(request)
    request.on('error', () => undefined)
    request.end()
    setTimeout(() => {
      request.destroy()
    }, 5)
    await closing(request)
  }

  private note(request: ReturnType<typeof httpsRequest>): void {
    request.once('socket', (socket: Socket) => {
      if (this.sockets.has(socket)) return
      this.sockets.add(socket)
      socket.once('close', () => {
        this.sockets.delete(socket)
      })
    })
  }

  private agent({ chainPem, keyPem }: TestCertificate): Agent {
    const { ca } = this.needs
    return new Agent({
      keepAlive: true,
      maxSockets: 2,
      ca,
      cert: chainPem,
      key: keyPem,
      servername: fhirHost,
    })
  }
}

// an error before it is no matter: `once` of node:events would reject
function closing(what: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    what.once('close', () => {
      resolve()
    })
  })
}

function deferred(): { promise: Promise<void>; resolve: (value: void | Promise<void>) => void } {
  let resolve: (value: void | Promise<void>) => void = () => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
