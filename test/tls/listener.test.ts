import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { listenTls, type Listener, type ListenerOptions, type TlsMaterial } from '../../src/tls/listener.js'
import { peerOf } from '../../src/tls/peer.js'
import { makeTestPki, type TestCertificate, type TestPki } from '../support/pki.js'

interface Scene {
  readonly pki: TestPki
  readonly client: TestCertificate
  readonly listener: Listener
  readonly failures: Error[]
  readonly material: TlsMaterial
  /** The finished handshake, or the error it ended with. */
  readonly open: (tls?: ConnectionOptions) => Promise<TLSSocket>
}

const weak = 'DEFAULT@SECLEVEL=0'

async function makeScene(
  context: TestContext,
  { more = {}, onSecure }: { more?: Partial<TlsMaterial>; onSecure?: ListenerOptions['onSecure'] } = {},
): Promise<Scene> {
  const pki = await makeTestPki()
  const [ec, rsa] = [
    await pki.server(['gateway.test']),
    await pki.server(['gateway.test'], { key: 'rsa-2048' }),
  ]
  const client = await pki.client()
  const failures: Error[] = []
  const material: TlsMaterial = {
    environment: 'sandbox',
    certificates: [ec, rsa].map(({ chainPem, keyPem }) => ({ certificate: chainPem, key: keyPem })),
    authorities: [pki.intermediatePem, pki.rootPem],
    hosts: ['gateway.test'],
    minVersion: 'TLSv1.2',
    ticketKeys: Buffer.alloc(48, 1),
    ...more,
  }
  const listener = await listenTls({
    host: '127.0.0.1',
    port: 0,
    materials: [material],
    headerBytes: 16_384,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 10_000,
    idleTimeoutMs: 10_000,
    handshakeTimeoutMs: 10_000,
    maxConnections: 100,
    connectionsPerAddress: 100,
    handshakes: 100,
    requestsPerConnection: 1_000,
    answerTimeoutMs: 60_000,
    answerBytesPerSecond: 1_024,
    onRequest: (_request, response) => {
      response.end('ok')
    },
    onClientError: (_error, socket) => {
      socket.destroy()
    },
    onSecure: onSecure ?? (() => undefined),
    onHandshakeFailed: (error) => {
      failures.push(error)
    },
  })
  const opened: TLSSocket[] = []
  context.after(async () => {
    for (const socket of opened) socket.destroy()
    for (const socket of listener.connections()) socket.destroy()
    await listener.close()
  })
  const open = async (tls: ConnectionOptions = {}): Promise<TLSSocket> => {
    const socket = connect({
      port: listener.address.port,
      host: '127.0.0.1',
      servername: 'gateway.test',
      ca: pki.rootPem,
      cert: client.chainPem,
      key: client.keyPem,
      ...tls,
    })
    opened.push(socket)
    await once(socket, 'secureConnect')
    return socket
  }
  return { pki, client, listener, failures, material, open }
}

/** The answer to a plain request, until it is whole. */
async function ask(socket: TLSSocket): Promise<string> {
  let heard = ''
  socket.write('GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n')
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    heard += String(chunk)
    if (heard.endsWith('ok')) break
  }
  return heard
}

test('HTTP/1.1 is what is agreed on, and a client that speaks HTTP/2 alone is told so', async (context) => {
  const { open } = await makeScene(context)
  assert.equal((await open({ ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol, 'http/1.1')
  assert.equal((await open()).alpnProtocol, false)
  await assert.rejects(open({ ALPNProtocols: ['h2'] }), {
    code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  })
})

test('TLS 1.0 and 1.1 are refused, and 1.2 too where 1.3 is the least', async (context) => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: weak } as const
  const both = await makeScene(context)
  await assert.rejects(both.open(old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  assert.equal((await both.open({ maxVersion: 'TLSv1.2' })).getProtocol(), 'TLSv1.2')
  assert.equal(both.failures.length, 1)
  const newest = await makeScene(context, { more: { minVersion: 'TLSv1.3' } })
  await assert.rejects(newest.open({ maxVersion: 'TLSv1.2' }), {
    code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  })
  assert.equal((await newest.open()).getProtocol(), 'TLSv1.3')
})

test('the least version follows a replacement, and open connections stay', async (context) => {
  const { open, listener, material } = await makeScene(context)
  const before = await open({ maxVersion: 'TLSv1.2' })
  listener.replace([{ ...material, minVersion: 'TLSv1.3' }])
  await assert.rejects(open({ maxVersion: 'TLSv1.2' }))
  assert.match(await ask(before), /^HTTP\/1\.1 200/)
})

test('without forward secrecy or authenticated encryption there is no agreement', async (context) => {
  const { open } = await makeScene(context)
  for (const ciphers of [
    'AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-SHA256',
    'ECDHE-ECDSA-AES256-SHA',
    'ECDHE-RSA-AES128-SHA',
  ])
    await assert.rejects(open({ maxVersion: 'TLSv1.2', ciphers }), ciphers)
})

test('an RSA and an EC certificate are shown at once, to each client the one it can check', async (context) => {
  const { open } = await makeScene(context)
  const kindOf = async (tls: ConnectionOptions): Promise<string | undefined> =>
    (await open(tls)).getPeerX509Certificate()?.publicKey.asymmetricKeyType
  assert.equal(await kindOf({}), 'ec')
  assert.equal(await kindOf({ sigalgs: 'rsa_pss_rsae_sha256:ecdsa_secp384r1_sha384' }), 'rsa')
  assert.equal(await kindOf({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }), 'rsa')
  assert.equal(await kindOf({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }), 'ec')
})

test('a client that renegotiates over TLS 1.2 loses its connection, and nobody else does', async (context) => {
  const { open } = await makeScene(context)
  const other = await open({ maxVersion: 'TLSv1.2' })
  const socket = await open({ maxVersion: 'TLSv1.2' })
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  assert.match(await ask(socket), /^HTTP\/1\.1 200/)
  const renegotiated = new Promise((resolve) => socket.renegotiate({}, resolve))
  assert.ok((await Promise.race([closed.then(() => 'closed'), renegotiated])) !== null, 'it renegotiated')
  await closed
  assert.match(await ask(other), /^HTTP\/1\.1 200/)
})

test('a socket destroyed at the end of its handshake lets no request in', async (context) => {
  let requests = 0
  const { open, listener } = await makeScene(context, {
    onSecure: (socket) => {
      socket.destroy()
    },
  })
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const ended = open({ maxVersion })
      .then(ask)
      .catch(() => '')
    requests += (await ended).length
  }
  assert.equal(requests, 0)
  assert.deepEqual([...listener.connections()], [])
})

test('what a connection showed of its client is taken once, and a socket without TLS shows nothing', async (context) => {
  const peers: ReturnType<typeof peerOf>[] = []
  const { open, client } = await makeScene(context, {
    onSecure: (socket) => {
      peers.push(peerOf(socket))
      assert.equal(peerOf(socket), peers.at(-1))
    },
  })
  await ask(await open())
  const [peer] = peers
  assert.ok(peer !== undefined)
  assert.deepEqual(Buffer.from(peer.certificate ?? []), Buffer.from(client.der))
  assert.deepEqual(
    [peer.serverName, peer.protocol, peer.resumed, peer.address],
    ['gateway.test', 'TLSv1.3', false, '127.0.0.1'],
  )
  const bare = peerOf(new Socket())
  assert.deepEqual([bare.certificate, bare.presented, bare.serverName], [undefined, [], undefined])
})
