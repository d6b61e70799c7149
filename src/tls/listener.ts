import { constants } from 'node:crypto'
import { Server as HttpsServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { LiveList } from '../core/live-list.js'
import { AnswerPace } from './answer-pace.js'
import { ConnectionGuard, type ConnectionLimit } from './connection-guard.js'
import { hearServerNames } from './shared-address.js'
import { sessionIdContextOf } from './ticket-keys.js'

/** What one environment shows in the handshake. PEM texts; `authorities` are advertised to clients. */
export interface TlsMaterial {
  readonly environment: string
  /** One of each kind of key; the first where the client can check more than one. */
  readonly certificates: readonly { readonly certificate: string; readonly key: string }[]
  readonly authorities: readonly string[]
  /** Host names that lead to this environment by SNI on a shared port, in lower case. */
  readonly hosts: readonly string[]
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** 48 bytes; of this environment alone. */
  readonly ticketKeys: Buffer
}

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  /** A socket that listens already, in place of `host` and `port`. */
  readonly fd?: number
  /** The environments behind this address; the first answers where no name, or an unknown one, is sent. */
  readonly materials: readonly [TlsMaterial, ...TlsMaterial[]]
  readonly headerBytes: number
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly handshakeTimeoutMs: number
  readonly maxConnections: number
  readonly connectionsPerAddress: number
  /** Under way at a time. */
  readonly handshakes: number
  readonly requestsPerConnection: number
  readonly answerTimeoutMs: number
  readonly answerBytesPerSecond: number
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void
  /** A request that Node's parser gave up on; the handler answers and closes. */
  readonly onClientError: (error: Error & { code?: string }, socket: Duplex) => void
  /** A handshake came to its end; no request has been read yet, and destroying the socket lets none in. */
  readonly onSecure: (socket: TLSSocket) => void
  /** A connection went beyond this, and was closed, or is closed by the answer to its last request. */
  readonly onLimit?: (limit: ConnectionLimit | 'maxConnections' | 'requestsPerConnection') => void
  /** A client took its answers more slowly than it may, and its connection was destroyed. */
  readonly onSlowReader?: (socket: TLSSocket) => void
  /** A handshake that broke, or a connection that could not be accepted; whose, as far as is known by then. */
  readonly onHandshakeFailed: (error: Error & { readonly code?: string }, address?: string) => void
}

/** A listening TLS socket. */
export interface Listener {
  readonly address: { readonly host: string; readonly port: number }
  /** New handshakes use these from now on; open connections keep what they have. */
  replace(materials: readonly TlsMaterial[]): void
  /** Open connections, newest last. */
  connections(): Iterable<TLSSocket>
  /** Takes no new connection; resolves once every one is closed. Idle ones are closed at once. */
  close(): Promise<void>
}

// as `http/server-errors.ts` knows it
const tunnelAsked = 'METHOD_CONNECT'

// TLS 1.3 suites of OpenSSL's default, then forward-secret AEAD suites of 1.2 alone
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/**
 * Listens with mutual TLS: a certificate is asked for and never rejected here, so that the refusal
 * can be told at HTTP level with its reason (TRAPS.md). Judging it is the gateway's work, per request.
 *
 * @throws the error of `listen`, such as EADDRINUSE
 */
export async function listenTls(options: ListenerOptions): Promise<Listener> {
  let byHost = new Map<string, SecureContext>()
  const isShared = options.materials.length > 1
  const [first] = options.materials
  const load = (materials: readonly TlsMaterial[]): ReturnType<typeof contextOptions> | undefined => {
    const nextHosts = new Map<string, SecureContext>()
    const all = materials.map((material) => contextOptions(material, isShared))
    for (const [index, { environment, hosts }] of materials.entries()) {
      // the listener's own context is that of the first
      if (environment === first.environment) continue
      const context = createSecureContext(all[index])
      for (const host of hosts) nextHosts.set(host, context)
    }
    byHost = nextHosts
    return all[materials.findIndex(({ environment }) => environment === first.environment)]
  }

  const server = new HttpsServer({
    ...load(options.materials),
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: options.handshakeTimeoutMs,
    maxHeaderSize: options.headerBytes,
    // Node takes no longer time for the fields than for the whole
    headersTimeout: Math.min(options.headersTimeoutMs, options.requestTimeoutMs),
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: options.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, options.headersTimeoutMs, options.requestTimeoutMs),
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
  })
  server.maxConnections = options.maxConnections
  // 0: all of them. Node drops what is beyond without a word; the size bounds them already
  server.maxHeadersCount = 0

  server.on('drop', () => options.onLimit?.('maxConnections'))
  const hearing = isShared
    ? hearServerNames(server, {
        contextOf: (name) => byHost.get(name),
        timeoutMs: options.handshakeTimeoutMs,
        onSilent: options.onHandshakeFailed,
      })
    : undefined
  const guard = new ConnectionGuard(options)
  guardConnections(server, guard)

  const open = new LiveList<TLSSocket>()
  const stopPacing = watchPace(open, options)
  // Node counts a connection that was never asked for anything as busy: it waits for its first head
  const asked = new WeakMap<Socket, number>()
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    const count = (asked.get(socket) ?? 0) + 1
    asked.set(socket, count)
    if (count >= options.requestsPerConnection) {
      response.shouldKeepAlive = false
      options.onLimit?.('requestsPerConnection')
    }
    options.onRequest(request, response)
  }
  server.on('request', onRequest)
  // both would otherwise be handled by Node: `Expect` is answered by who reads the body, Upgrade never
  server.on('checkContinue', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('clientError', (error, socket) => {
    options.onClientError(error, socket)
  })
  // Node lets go of the connection, and closes it without a word where nobody takes it
  server.on('connect', (_request, socket) => {
    socket.on('error', () => {
      socket.destroy()
    })
    socket.resume()
    options.onClientError(Object.assign(new Error('a tunnel is asked for'), { code: tunnelAsked }), socket)
  })
  server.on('tlsClientError', (error, { remoteAddress }) => {
    options.onHandshakeFailed(error, remoteAddress)
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    guard.secured(socket)
    socket.disableRenegotiation()
    const place = open.add(socket)
    socket.once('close', () => {
      open.remove(place)
    })
    options.onSecure(socket)
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const { fd, host, port } = options
    server.listen(fd === undefined ? { host, port, backlog: 1024 } : { fd }, () => {
      server.removeListener('error', reject)
      // a failed accept (descriptors exhausted) must not end the process
      server.on('error', (error) => {
        options.onHandshakeFailed(error)
      })
      resolve()
    })
  })
  const address = server.address() as AddressInfo // a listening TCP server has one

  return {
    address: { host: options.fd === undefined ? options.host : address.address, port: address.port },
    replace: (materials) => {
      const context = load(materials)
      if (context !== undefined) server.setSecureContext(context)
    },
    connections: () => open,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => {
          stopPacing()
          resolve()
        })
        server.closeIdleConnections()
        for (const socket of open) if (!asked.has(socket)) socket.destroy()
        hearing?.close()
        guard.close()
      })
    },
  }
}

// before TLS takes it up: a connection that is turned away costs no TLS state
function guardConnections(server: HttpsServer, guard: ConnectionGuard): void {
  const takeUp = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    if (!guard.accept(socket)) {
      socket.destroy()
      return
    }
    for (const listener of takeUp) Reflect.apply(listener, server, [socket])
  })
}

// readers of answers that are under way, and of refusals that nobody takes
function watchPace(open: Iterable<TLSSocket>, options: ListenerOptions): () => void {
  const pace = new AnswerPace({
    bytesPerSecond: options.answerBytesPerSecond,
    graceMs: options.answerTimeoutMs,
    now: () => performance.now(),
  })
  const timer = setInterval(() => {
    for (const socket of pace.end(open)) options.onSlowReader?.(socket)
  }, pace.intervalMs).unref()
  return () => {
    clearInterval(timer)
  }
}

/**
 * Behind a shared address no session is resumed: no Node tells the server name of a resumed TLS 1.2
 * session, without which nobody knows the environment (the class of CVE-2025-23419).
 */
function contextOptions(material: TlsMaterial, isShared: boolean) {
  const { environment, certificates, authorities, minVersion, ticketKeys } = material
  return {
    cert: certificates.map(({ certificate }) => certificate),
    key: certificates.map(({ key }) => key),
    ca: [...authorities],
    ciphers,
    honorCipherOrder: true,
    minVersion,
    ecdhCurve: 'X25519:P-256:P-384',
    sessionIdContext: sessionIdContextOf(environment),
    ticketKeys,
    ...(isShared && { secureOptions: constants.SSL_OP_NO_TICKET }),
  }
}
