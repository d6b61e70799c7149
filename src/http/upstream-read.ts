import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { Failure } from '../core/failure.js'
import type { ConnectionOptions, Field, UpstreamTls } from './forwarder.js'
import { HeldPieces } from './held-pieces.js'
import { closeIdle, createAgents, serverNameOf } from './upstream-agents.js'

/** What bounds a read of the gateway's own. */
export interface ReaderOptions extends ConnectionOptions {
  /** Largest answer, in bytes. */
  readonly maxBytes: number
}

/** A GET, ready to go. */
export interface UpstreamRead {
  /** Origin such as `http://127.0.0.1:9081`. */
  readonly upstream: string
  readonly tls?: UpstreamTls | undefined
  /** In origin-form. */
  readonly target: string
  /** Host included. */
  readonly fields: readonly Field[]
  /** From the call to the last byte, the wait for a connection included. */
  readonly timeoutMs: number
  /** Until the connection stands, the wait for a free one included; no bound of its own where absent. */
  readonly connectMs?: number | undefined
}

/** An answer, whole. */
export interface UpstreamAnswer {
  readonly status: number
  readonly contentType: string | undefined
  readonly body: Uint8Array
}

/** Reads of the gateway's own, on kept connections of their own. */
export interface UpstreamReader {
  /** @throws Failure where no whole answer came: refused, not the server it should be, late, broken off, too large, no HTTP */
  read(asked: UpstreamRead): Promise<UpstreamAnswer>
  close(): void
}

/** A reader whose connections no client's request travels on. */
export function createUpstreamReader(options: ReaderOptions): UpstreamReader {
  const agents = createAgents(options)
  const attempt = (asked: UpstreamRead, deadline: number): Promise<UpstreamAnswer | 'stale'> =>
    new Promise((resolve, reject) => {
      const isSecure = asked.upstream.startsWith('https:')
      const { hostname, port } = serverOf(asked.upstream)
      const headers: Record<string, string> = { Connection: 'keep-alive' }
      for (const [name, value] of asked.fields) headers[name] = value
      const open = isSecure ? requestHttps : requestHttp
      const outgoing = open({
        agent: agents.of(asked),
        hostname,
        port,
        ...(isSecure && { servername: serverNameOf(hostname, asked.tls) }),
        method: 'GET',
        path: asked.target,
        headers,
      })
      let isConnected = false
      let isSecuring = false
      let answer: IncomingMessage | undefined
      const timer = setTimeout(
        () => {
          settle(new Failure('upstream-timeout', `no whole answer in ${asked.timeoutMs} ms`))
        },
        Math.max(0, deadline - performance.now()),
      )
      const connecting =
        asked.connectMs === undefined
          ? undefined
          : setTimeout(() => {
              settle(new Failure('upstream-connect-timeout', `no connection in ${asked.connectMs} ms`))
            }, asked.connectMs)
      const settle = (outcome: UpstreamAnswer | 'stale' | Failure): void => {
        clearTimeout(timer)
        clearTimeout(connecting)
        if (outcome instanceof Failure) {
          outgoing.destroy()
          reject(outcome)
        } else resolve(outcome)
      }
      outgoing.once('socket', (socket) => {
        isConnected = !socket.connecting
        if (isConnected) {
          clearTimeout(connecting)
          return
        }
        socket.once('connect', () => (isSecuring = isSecure))
        socket.once(isSecure ? 'secureConnect' : 'connect', () => {
          isConnected = true
          clearTimeout(connecting)
        })
      })
      outgoing.on('error', (error: Error & { code?: string }) => {
        const isStale = outgoing.reusedSocket && answer === undefined
        if (isStale && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) {
          settle('stale')
          return
        }
        const isInvalid = error.code?.startsWith('HPE_') === true
        const notConnected = isSecuring ? 'upstream-tls' : 'upstream-refused'
        const isTls = isConnected && error.code?.startsWith('ERR_SSL_') === true
        const broken = isTls ? 'upstream-tls' : isConnected ? 'upstream-broken' : notConnected
        settle(new Failure(isInvalid ? 'upstream-response-invalid' : broken, error.message, { cause: error }))
      })
      outgoing.once('response', (response) => {
        answer = response
        takeWhole(response, options.maxBytes, settle)
      })
      outgoing.end()
    })

  return {
    async read(asked) {
      const deadline = performance.now() + asked.timeoutMs
      const first = await attempt(asked, deadline)
      // a kept connection that the server had closed: nothing was processed, so it is asked again, on another
      if (first === 'stale') closeIdle(agents.of(asked), serverOf(asked.upstream))
      const second = first === 'stale' ? await attempt(asked, deadline) : first
      if (second === 'stale') throw new Failure('upstream-broken', 'the upstream closed two kept connections')
      return second
    },
    close: () => {
      agents.destroy()
    },
  }
}

function serverOf(upstream: string): { readonly hostname: string; readonly port: string } {
  const { hostname, port, protocol } = new URL(upstream)
  // a literal address stands in brackets in an origin alone
  const bare = hostname.replace(/^\[(.*)\]$/, '$1')
  return { hostname: bare, port: port === '' ? (protocol === 'https:' ? '443' : '80') : port }
}

function takeWhole(
  response: IncomingMessage,
  maxBytes: number,
  settle: (outcome: UpstreamAnswer | Failure) => void,
): void {
  const pieces = new HeldPieces()
  response.on('data', (chunk: Buffer) => {
    if (pieces.length + chunk.length > maxBytes) {
      settle(new Failure('upstream-response-invalid', `the answer is larger than ${maxBytes} bytes`))
      return
    }
    pieces.add(chunk)
  })
  response.once('end', () => {
    if (!response.complete) return
    settle({
      status: response.statusCode ?? 0,
      contentType: response.headers['content-type'],
      body: pieces.whole(),
    })
  })
  response.on('error', () => undefined) // told by `close`
  response.once('close', () => {
    if (!response.complete) settle(new Failure('upstream-broken', 'the answer broke off'))
  })
}
