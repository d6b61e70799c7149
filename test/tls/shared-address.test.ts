import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlain, createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { listenTls, type Listener, type TlsMaterial } from '../../src/tls/listener.js'
import { hearServerName } from '../../src/tls/client-hello.js'
import { makeTestPki, type TestPki } from '../support/pki.js'

type Kind = 'ec' | 'rsa'

interface Environment {
  readonly pki: TestPki
  readonly host: string
  readonly material: TlsMaterial
}

async function environment(host: string, kinds: readonly Kind[], more: Partial<TlsMaterial> = {}) {
  const pki = await makeTestPki()
  const certificates = await Promise.all(
    kinds.map(async (kind) => {
      const { chainPem, keyPem } = await pki.server([host], kind === 'rsa' ? { key: 'rsa-2048' } : {})
      return { certificate: chainPem, key: keyPem }
    }),
  )
  const material: TlsMaterial = {
    environment: host,
    certificates,
    authorities: [pki.intermediatePem, pki.rootPem],
    hosts: [host],
    minVersion: 'TLSv1.2',
    ticketKeys: Buffer.alloc(48, 1),
    ...more,
  }
  return { pki, host, material }
}

interface Scene {
  readonly listener: Listener
  readonly failures: Error[]
  readonly open: (to: Environment, tls?: ConnectionOptions) => Promise<TLSSocket>
  readonly openPlain: () => Socket
}

async function share(
  context: TestContext,
  environments: readonly [Environment, ...Environment[]],
  handshakeTimeoutMs = 10_000,
): Promise<Scene> {
  const failures: Error[] = []
  const [first, ...others] = environments
  const listener = await listenTls({
    host: '127.0.0.1',
    port: 0,
    materials: [first.material, ...others.map(({ material }) => material)],
    headerBytes: 16_384,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 10_000,
    idleTimeoutMs: 10_000,
    handshakeTimeoutMs,
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
    onSecure: () => undefined,
    onHandshakeFailed: (error) => {
      failures.push(error)
    },
  })
  const opened: Socket[] = []
  context.after(async () => {
    for (const socket of opened) socket.destroy()
    for (const socket of listener.connections()) socket.destroy()
    await listener.close()
  })
  const { port } = listener.address
  return {
    listener,
    failures,
    openPlain: () => {
      const socket = connectPlain(port, '127.0.0.1')
      socket.on('error', () => undefined).resume()
      opened.push(socket)
      return socket
    },
    open: async ({ host, pki }, tls = {}) => {
      const socket = connect({ port, host: '127.0.0.1', servername: host, ca: pki.rootPem, ...tls })
      opened.push(socket)
      await once(socket, 'secureConnect')
      return socket
    },
  }
}

/** The bytes of a ClientHello, as Node says it. */
async function helloOf(servername: string): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const hello = new Promise<Buffer>((resolve) => {
    server.once('connection', (socket) => {
      socket.once('data', (bytes) => {
        socket.destroy()
        server.close()
        resolve(bytes)
      })
    })
  })
  connect({ port, host: '127.0.0.1', servername }).on('error', () => undefined)
  return hello
}

test('each name of a shared address is shown its own certificate, whatever kinds of keys stand beside it', async (context) => {
  const environments = [
    await environment('ec.test', ['ec']),
    await environment('rsa.test', ['rsa']),
    await environment('both.test', ['ec', 'rsa']),
    await environment('other-ec.test', ['ec']),
  ] as const
  const { open } = await share(context, environments)
  const preferences: readonly ConnectionOptions[] = [
    {},
    { maxVersion: 'TLSv1.2' },
    { sigalgs: 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp256r1_sha256' },
  ]
  for (const to of environments) {
    for (const tls of preferences) {
      // the authority of its own environment is all that this client knows
      const socket = await open(to, tls)
      assert.equal(socket.authorized, true, `${to.host} ${JSON.stringify(tls)}`)
      socket.destroy()
    }
  }
})

test('the least version is that of the environment whose name is asked for, before and after a replacement', async (context) => {
  const old = await environment('old.test', ['ec'])
  const strict = await environment('strict.test', ['ec'], { minVersion: 'TLSv1.3' })
  const { open, listener } = await share(context, [old, strict])
  const tls = { maxVersion: 'TLSv1.2' } as const
  assert.equal((await open(old, tls)).getProtocol(), 'TLSv1.2')
  await assert.rejects(open(strict, tls))
  assert.equal((await open(strict)).getProtocol(), 'TLSv1.3')
  listener.replace([
    { ...old.material, minVersion: 'TLSv1.3' },
    { ...strict.material, minVersion: 'TLSv1.2' },
  ])
  await assert.rejects(open(old, tls))
  assert.equal((await open(strict, tls)).getProtocol(), 'TLSv1.2')
})

test('without a name, or with an unknown one, the first environment of a shared address answers', async (context) => {
  const first = await environment('first.test', ['ec'])
  const { open } = await share(context, [first, await environment('second.test', ['rsa'])])
  for (const servername of ['', 'unknown.test']) {
    const socket = await open(first, { servername, checkServerIdentity: () => undefined })
    assert.equal(socket.authorized, true)
  }
})

test('a connection that says nothing, or nonsense, is ended and holds up neither others nor the end', async (context) => {
  const first = await environment('first.test', ['ec'])
  const second = await environment('second.test', ['rsa'])
  const { open, openPlain, listener, failures } = await share(context, [first, second])
  const silent = openPlain()
  const nonsense = openPlain()
  nonsense.write('GET / HTTP/1.1\r\n\r\n')
  await once(nonsense, 'close')
  const leaving = openPlain()
  leaving.write(Buffer.from([22, 3, 1]))
  leaving.end()
  await once(leaving, 'close')
  const other = await open(second)
  assert.equal(other.authorized, true)
  assert.equal(failures.length, 2)
  other.destroy()
  const closed = once(silent, 'close')
  await listener.close()
  await closed
})

test('a connection that takes too long to say its name is closed', async (context) => {
  const { openPlain, failures } = await share(
    context,
    [await environment('first.test', ['ec']), await environment('second.test', ['ec'])],
    50,
  )
  const socket = openPlain()
  socket.write(Buffer.from([22, 3, 1, 2]))
  await once(socket, 'close')
  assert.match(String(failures[0]), /no server name in 50 ms/)
})

test('a ClientHello is heard however it is cut, and whatever is none has no name', async () => {
  const hello = await helloOf('Name.Test')
  for (let end = 0; end < hello.length; end++) {
    assert.deepEqual(hearServerName(hello.subarray(0, end)), { isWhole: false }, `the first ${end} bytes`)
  }
  const heard = { isWhole: true, name: 'name.test' }
  assert.deepEqual(hearServerName(hello), heard)
  const message = hello.subarray(5)
  const records = Array.from({ length: Math.ceil(message.length / 7) }, (_, index) => {
    const piece = message.subarray(index * 7, index * 7 + 7)
    return Buffer.concat([Buffer.from([22, 3, 1, 0, piece.length]), piece])
  })
  assert.deepEqual(hearServerName(Buffer.concat(records)), heard)
  assert.deepEqual(hearServerName(await helloOf('')), { isWhole: true, name: undefined })

  const none = { isWhole: true, name: undefined }
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1'),
    Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]),
    Buffer.alloc(70_000, 22),
  ]) {
    assert.deepEqual(hearServerName(bytes), none)
  }
  // a length that leads astray is no error
  for (let at = 9; at < hello.length; at++) {
    const bent = Buffer.from(hello)
    bent[at] = 0xff
    hearServerName(bent)
  }
})
