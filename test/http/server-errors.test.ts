import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { answerClientError, type MalformedRequest } from '../../src/http/server-errors.js'
import { valuesOf } from '../support/http-message.js'
import { makeTestPki } from '../support/pki.js'
import { openRaw, type RawClient } from '../support/raw-client.js'
import { until } from '../support/until.js'

interface Listening {
  readonly port: number
  readonly told: MalformedRequest[]
  /** Responses nobody ended yet. */
  readonly held: ServerResponse[]
  open(): Promise<RawClient>
}

interface Options {
  readonly headersTimeout?: number
  readonly tls?: { readonly cert: string; readonly key: string }
}

async function listen(t: TestContext, options: Options = {}): Promise<Listening> {
  const timing = { headersTimeout: options.headersTimeout ?? 20_000, connectionsCheckingInterval: 20 }
  const limits = { maxHeaderSize: 2_048, requireHostHeader: false, requestTimeout: 60_000, ...timing }
  const server =
    options.tls === undefined ? createServer(limits) : createTlsServer({ ...limits, ...options.tls })
  const clients: RawClient[] = []
  const listening: Listening = {
    port: 0,
    told: [],
    held: [],
    open: async () => {
      const client = await openRaw(listening.port)
      clients.push(client)
      return client
    },
  }
  server.on('request', (_request, response) => listening.held.push(response))
  server.on('clientError', (error, socket) => {
    answerClientError(error, socket, {
      newRequestId: () => 'id-7',
      onMalformed: (request) => listening.told.push(request),
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const client of clients) client.destroy()
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo // a listening TCP server has one
  return Object.assign(listening, { port })
}

for (const [name, bytes, status, reason, parserCode] of [
  ['a method that is none', 'nonsense\r\n\r\n', 400, 'request-ambiguous', 'HPE_INVALID_METHOD'],
  [
    'a broken field',
    'GET / HTTP/1.1\r\nHost : h\r\n\r\n',
    400,
    'request-ambiguous',
    'HPE_INVALID_HEADER_TOKEN',
  ],
  [
    'a long target',
    `GET /${'a'.repeat(4_000)} HTTP/1.1\r\n\r\n`.slice(0, 3_000),
    414,
    'request-too-long',
    'HPE_HEADER_OVERFLOW',
  ],
  [
    'a long field',
    `GET / HTTP/1.1\r\nX-A: ${'a'.repeat(4_000)}\r\n\r\n`,
    431,
    'header-too-large',
    'HPE_HEADER_OVERFLOW',
  ],
] as const) {
  test(`${name} is answered ${status} with its reason and the request id, and the connection closed`, async (t) => {
    const server = await listen(t)
    const client = await server.open()
    client.send(bytes)
    const answer = await client.answer()
    await client.closed
    assert.equal(answer.status, status)
    assert.deepEqual(valuesOf(answer, 'connection'), ['close'])
    assert.deepEqual(valuesOf(answer, 'x-request-id'), ['id-7'])
    assert.match(valuesOf(answer, 'content-type')[0] ?? '', /^application\/fhir\+json/)
    const outcome: unknown = JSON.parse(answer.body)
    assert.ok(JSON.stringify(outcome).includes(`"${reason}"`))
    assert.ok(answer.body.includes('id-7'))
    assert.ok(!answer.body.includes('aaaa'))
    const bytesOut = Buffer.byteLength(answer.body, 'latin1')
    assert.deepEqual(server.told, [
      { reason, parserCode, requestId: 'id-7', isAnswered: true, bytesOut, isHeadWhole: false },
    ])
    assert.equal(server.held.length, 0)
  })
}

test('a head that does not arrive in time is answered 408', async (t) => {
  const server = await listen(t, { headersTimeout: 40 })
  const client = await server.open()
  client.send('GET / HTTP/1.1\r\nHost: h\r\n')
  const answer = await client.answer()
  assert.equal(answer.status, 408)
  assert.equal(server.told[0]?.reason, 'request-timeout')
})

test('a client that goes on sending still gets its answer, and is told of once', async (t) => {
  const server = await listen(t)
  const client = await server.open()
  client.send(`GET / HTTP/1.1\r\nX-A: ${'a'.repeat(2_000_000)}`)
  assert.equal((await client.answer()).status, 431)
  await client.closed
  assert.equal(server.told.length, 1)
})

test('a body that breaks is answered in the place of its own request', async (t) => {
  const server = await listen(t)
  const client = await server.open()
  client.send('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n')
  assert.equal((await client.answer()).status, 400)
  await client.closed
})

test('an answer that has begun is broken off, and nothing is written into it', async (t) => {
  const server = await listen(t)
  const client = await server.open()
  client.send('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n')
  const held = await until('a request', () => server.held[0])
  held.writeHead(200, { 'content-length': '10' })
  held.write('half')
  await client.until('half')
  client.send('zz\r\n')
  await client.closed
  assert.ok(!client.pending().includes('400'))
  assert.equal(server.told[0]?.isAnswered, false)
})

test('a body that breaks behind a whole answer is answered by nothing more, and is no other request', async (t) => {
  const server = await listen(t)
  const client = await server.open()
  client.send('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n')
  const held = await until('a request', () => server.held[0])
  held.end('early')
  assert.equal((await client.answer()).status, 200)
  client.send('zz\r\n')
  await client.closed
  assert.equal(client.pending(), '')
  assert.deepEqual(server.told, [])
})

test('an earlier request that waits for its answer is not answered with the error of a later one', async (t) => {
  const server = await listen(t)
  const client = await server.open()
  client.send('GET / HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n')
  await client.closed
  assert.equal(client.pending(), '')
  assert.equal(server.told[0]?.isAnswered, false)
})

test('a broken handshake is answered by nothing, and is no request', async (t) => {
  const { chainPem, keyPem } = await (await makeTestPki()).server(['localhost'])
  const server = await listen(t, { tls: { cert: chainPem, key: keyPem } })
  const socket = connect({ port: server.port, host: '127.0.0.1' })
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  await once(socket, 'close')
  assert.ok(!text.includes('HTTP/1.1'))
  assert.deepEqual(server.told, [])
})

test('a connection that is lost is no request', async (t) => {
  const server = await listen(t)
  const client = await server.open()
  client.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf')
  const held = await until('a request', () => server.held[0])
  client.socket.resetAndDestroy()
  await once(held, 'close')
  assert.deepEqual(server.told, [])
})
