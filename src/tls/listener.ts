import { createHash, randomBytes } from 'node:crypto'
import { Server as HttpsServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'

/** What one environment shows in the handshake. PEM texts; `authorities` are advertised to clients. */
export interface TlsMaterial {
  readonly environment: string
  readonly certificate: string
  readonly key: string
  readonly authorities: readonly string[]
  /** Host names that lead to this environment by SNI on a shared port, in lower case. */
  readonly hosts: readonly string[]
}

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  /** The environments behind this address; the first answers where no name, or an unknown one, is sent. */
  readonly materials: readonly [TlsMaterial, ...TlsMaterial[]]
  readonly headerBytes: number
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly handshakeTimeoutMs: number
  readonly maxConnections: number
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void
  /** A request that Node's parser gave up on; the handler answers and closes. */
  readonly onClientError: (error: Error & { code?: string }, socket: Duplex) => void
  readonly onHandshake: (result: 'completed' | 'resumed' | 'failed', detail: string) => void
  readonly onConnections: (change: 1 | -1) => void
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
  let contexts = new Map<string, SecureContext>()
  let byHost = new Map<string, SecureContext>()
  // distinct per environment, so that a session of one is none of the other's (CVE-2025-23419)
  const ticketKeys = new Map<string, Buffer>()

  const load = (materials: readonly TlsMaterial[]): void => {
    const nextContexts = new Map<string, SecureContext>()
    const nextHosts = new Map<string, SecureContext>()
    for (const material of materials) {
      const context = createSecureContext(contextOptions(material, ticketKeys))
      nextContexts.set(material.environment, context)
      for (const host of material.hosts) nextHosts.set(host, context)
    }
    contexts = nextContexts
    byHost = nextHosts
  }
  load(options.materials)

  const [first] = options.materials
  const server = new HttpsServer({
    ...contextOptions(first, ticketKeys),
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    SNICallback: (name, done) => {
      done(null, byHost.get(name.toLowerCase()) ?? contexts.get(first.environment))
    },
    handshakeTimeout: options.handshakeTimeoutMs,
    maxHeaderSize: options.headerBytes,
    headersTimeout: options.headersTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: options.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, options.headersTimeoutMs),
    requireHostHeader: true,
    insecureHTTPParser: false,
    noDelay: true,
  })
  server.maxConnections = options.maxConnections
  // 0: all of them. Node drops what is beyond without a word; the size bounds them already
  server.maxHeadersCount = 0

  const open = new Set<TLSSocket>()
  server.on('request', options.onRequest)
  // both would otherwise be handled by Node: `Expect` is answered by who reads the body, Upgrade and CONNECT never
  server.on('checkContinue', options.onRequest)
  server.on('checkExpectation', options.onRequest)
  server.on('clientError', (error, socket) => {
    options.onClientError(error, socket)
  })
  server.on('tlsClientError', (error) => {
    options.onHandshake('failed', error.message)
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.disableRenegotiation()
    open.add(socket)
    options.onConnections(1)
    options.onHandshake(socket.isSessionReused() ? 'resumed' : 'completed', '')
    socket.once('close', () => {
      open.delete(socket)
      options.onConnections(-1)
    })
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, backlog: 1024 }, () => {
      server.removeListener('error', reject)
      // a failed accept (descriptors exhausted) must not end the process
      server.on('error', (error) => {
        options.onHandshake('failed', error.message)
      })
      resolve()
    })
  })
  const address = server.address() as AddressInfo // a listening TCP server has one

  return {
    address: { host: options.host, port: address.port },
    replace: (materials) => {
      load(materials)
      const material = materials.find(({ environment }) => environment === first.environment)
      if (material !== undefined) server.setSecureContext(contextOptions(material, ticketKeys))
    },
    connections: () => open,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeIdleConnections()
      })
    },
  }
}

function contextOptions(material: TlsMaterial, ticketKeys: Map<string, Buffer>) {
  const { environment } = material
  const keys = ticketKeys.get(environment) ?? randomBytes(48)
  ticketKeys.set(environment, keys)
  return {
    cert: material.certificate,
    key: material.key,
    ca: [...material.authorities],
    ciphers,
    honorCipherOrder: true,
    minVersion: 'TLSv1.2' as const,
    ecdhCurve: 'X25519:P-256:P-384',
    sessionIdContext: createHash('sha256').update(`ror-gateway ${environment}`).digest('hex').slice(0, 32),
    ticketKeys: keys,
  }
}
