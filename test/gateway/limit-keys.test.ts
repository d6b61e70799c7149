import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { openRaw, type RawAnswer, type RawClient } from '../support/raw-client.js'
import { valuesOf } from '../support/http-message.js'
import { plainAnswer } from '../support/recorder.js'
import { until } from '../support/until.js'
import {
  authHost,
  fhirHost,
  makeStand,
  patchBody,
  permittedTarget,
  rawRequest,
  reasonOf,
  type RequestWish,
  type Stand,
} from './stand.js'

// no wait of these tests comes to its end but the one it is about
const patient = {
  headersTimeoutMs: 600_000,
  bodyTimeoutMs: 600_000,
  requestTimeoutMs: 600_000,
  idleTimeoutMs: 600_000,
  handshakeTimeoutMs: 120_000,
  connectTimeoutMs: 120_000,
  upstreamTimeoutMs: 600_000,
}

function limitedStand(
  context: TestContext,
  limits: Readonly<Record<string, number>>,
  config: (text: string) => string = (text) => text,
): Promise<Stand> {
  const keys = Object.entries({ ...patient, ...limits }).map(([key, value]) => `${key}: ${value}`)
  return makeStand(context, { config: (text) => `${config(text)}limits: { ${keys.join(', ')} }\n` })
}

/** How often the limit of this name was reached, by the metrics. */
async function hits({ gateway }: Stand, limit: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${gateway.admin?.port ?? 0}/metrics`)
  const series = `ror_gateway_limits_hit_total{environment="sandbox",limit="${limit}"} `
  const line = (await answer.text()).split('\n').find((each) => each.startsWith(series))
  return Number(line?.slice(series.length) ?? 0)
}

/** Somebody else is served meanwhile, at the latest when a slow machine lets it through. */
async function assertServed(stand: Stand, more: object = {}): Promise<void> {
  const statusOf = (): Promise<number | undefined> =>
    stand.send({ tls: stand.tls(undefined, more) }).then(
      ({ status }) => status,
      () => undefined,
    )
  assert.equal(await until('an answer', statusOf), 200)
}

async function open(context: TestContext, stand: Stand): Promise<RawClient> {
  const client = await openRaw(stand.port, stand.tls())
  context.after(() => {
    client.destroy()
  })
  return client
}

interface Refusal {
  readonly what: string
  readonly limit: string
  readonly request: RequestWish
  readonly status: number
  readonly reason: string
}

const token = {
  method: 'POST',
  host: authHost,
  target: '/auth/realms/ror/protocol/openid-connect/token',
  fields: ['Content-Type: application/x-www-form-urlencoded'],
}
const tooMuch: readonly Refusal[] = [
  {
    what: 'a target that is too long',
    limit: 'uriBytes',
    request: { target: `/ws-diffusion-fhir/Location?x=${'a'.repeat(300)}` },
    status: 414,
    reason: 'request-too-long',
  },
  {
    what: 'fields that are too many',
    limit: 'headerFields',
    request: { fields: Array.from({ length: 20 }, (_, index) => `X-${index}: a`) },
    status: 431,
    reason: 'header-too-large',
  },
  {
    what: 'fields that are too large',
    limit: 'headerBytes',
    request: { fields: [`X-Large: ${'a'.repeat(4_096)}`] },
    status: 431,
    reason: 'header-too-large',
  },
  {
    what: 'a body that is too large',
    limit: 'bodyBytes',
    request: { ...token, body: 'x'.repeat(1_025) },
    status: 413,
    reason: 'body-too-large',
  },
]

test('what is too large is refused, counted by its limit, and nothing of it reaches the upstream', async (context) => {
  const stand = await limitedStand(context, {
    uriBytes: 256,
    headerFields: 20,
    headerBytes: 2_048,
    bodyBytes: 1_024,
  })
  for (const { what, limit, request, status, reason } of tooMuch) {
    const answer = await stand.send(request)
    assert.deepEqual([answer.status, reasonOf(answer)], [status, reason], what)
    assert.equal(await hits(stand, limit), 1, what)
    assert.equal(stand.upstream.connections.length, 0, what)
  }
  await assertServed(stand)
})

test('a target as long as the configuration allows is passed on whole, though it is longer than most servers take', async (context) => {
  const stand = await limitedStand(context, { uriBytes: 20_000 })
  const target = `/ws-diffusion-fhir/Location?x=${'a'.repeat(15_000)}`
  assert.equal((await stand.send({ target })).status, 200)
  assert.ok(stand.upstream.requests[0]?.startLine.includes(target))
})

interface Delay {
  readonly limit: string
  readonly what: string
  /** Sends less than was promised. */
  readonly begin: (client: RawClient) => void
  readonly status?: number
}

const delays: readonly Delay[] = [
  {
    limit: 'headersTimeoutMs',
    what: 'fields that do not end',
    begin: (client) => {
      client.send(`GET /ws-diffusion-fhir/Location HTTP/1.1\r\nHost: ${fhirHost}\r\nX-Slow: `)
    },
    status: 408,
  },
  {
    limit: 'bodyTimeoutMs',
    what: 'a judged body that does not end',
    begin: (client) => {
      client.send(rawRequest({ method: 'PATCH', target: permittedTarget, body: patchBody }).slice(0, -10))
    },
    status: 408,
  },
  {
    limit: 'requestTimeoutMs',
    what: 'a streamed body that does not end',
    begin: (client) => {
      client.send(rawRequest({ ...token, body: 'x'.repeat(1_000) }).slice(0, -10))
    },
    status: 408,
  },
  {
    limit: 'idleTimeoutMs',
    what: 'a connection that asks nothing more',
    begin: (client) => {
      client.send(rawRequest({}))
    },
  },
]

for (const { limit, what, begin, status } of delays) {
  test(`${what}: the connection is closed after ${limit}, and others are served meanwhile`, async (context) => {
    const stand = await limitedStand(context, { [limit]: 300 })
    const client = await open(context, stand)
    begin(client)
    await assertServed(stand)
    if (status !== undefined) {
      const answer: RawAnswer = await client.answer()
      assert.deepEqual([answer.status, reasonOf(answer)], [status, 'request-timeout'])
    }
    await client.closed
    // a good client may be late on a busy machine, and is then counted too
    if (status !== undefined) assert.ok((await hits(stand, limit)) >= 1)
    assert.deepEqual(
      stand.upstream.requests.filter(({ startLine }) => !startLine.startsWith('GET ')),
      [],
    )
  })
}

function knock(context: TestContext, port: number, localAddress = '127.0.0.1'): Socket {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => undefined)
  // unread, the end of the other side would not be heard
  socket.resume()
  context.after(() => {
    socket.destroy()
  })
  return socket
}

test('a handshake that does not end is given up after handshakeTimeoutMs, and others are served meanwhile', async (context) => {
  const stand = await limitedStand(context, { handshakeTimeoutMs: 300 })
  const silent = knock(context, stand.port)
  await assertServed(stand)
  if (!silent.destroyed) await once(silent, 'close')
  await until('a limit that was reached', async () => (await hits(stand, 'handshakeTimeoutMs')) > 0)
})

test('when too many handshakes are under way, the slowest gives way to whoever comes next', async (context) => {
  const stand = await limitedStand(context, { handshakes: 2 })
  const first = knock(context, stand.port)
  await once(first, 'connect')
  const firstClosed = once(first, 'close')
  const second = knock(context, stand.port)
  await once(second, 'connect')
  // turned away at first: the two are not slow yet
  await assertServed(stand)
  await firstClosed
  assert.equal(second.destroyed, false)
  assert.ok((await hits(stand, 'handshakes')) >= 1)
})

test('one address has its share of connections, and others are served meanwhile', async (context) => {
  const stand = await limitedStand(context, { connectionsPerAddress: 2 })
  const held = [knock(context, stand.port, '127.0.0.2'), knock(context, stand.port, '127.0.0.2')]
  await Promise.all(held.map((socket) => once(socket, 'connect')))
  const third = knock(context, stand.port, '127.0.0.2')
  await once(third, 'close')
  assert.equal(await hits(stand, 'connectionsPerAddress'), 1)
  assert.deepEqual(
    held.map(({ destroyed }) => destroyed),
    [false, false],
  )
  await assertServed(stand)
  held[0]?.destroy()
  // as soon as its end was seen; net.connect's own option, which tls.connect hands on
  await assertServed(stand, { localAddress: '127.0.0.2' })
})

test('connections beyond maxConnections are closed at once, and counted', async (context) => {
  const stand = await limitedStand(context, { maxConnections: 2 })
  const held = knock(context, stand.port)
  await once(held, 'connect')
  const client = await open(context, stand)
  const third = knock(context, stand.port)
  await once(third, 'close')
  assert.equal(await hits(stand, 'maxConnections'), 1)
  client.send(rawRequest({}))
  assert.equal((await client.answer()).status, 200)
})

test('the last request of a connection is answered, and its answer says so', async (context) => {
  const stand = await limitedStand(context, { requestsPerConnection: 2 })
  const client = await open(context, stand)
  const request = `GET /ws-diffusion-fhir/Location HTTP/1.1\r\nHost: ${fhirHost}\r\n\r\n`
  client.send(request)
  assert.deepEqual(valuesOf(await client.answer(), 'connection'), ['keep-alive'])
  client.send(request)
  const last = await client.answer()
  assert.equal(last.status, 200)
  assert.deepEqual(valuesOf(last, 'connection'), ['close'])
  await client.closed
  assert.equal(await hits(stand, 'requestsPerConnection'), 1)
  await assertServed(stand)
})

test('requests wait for a free upstream connection up to upstreamQueue, and one more is told that it is too many', async (context) => {
  const stand = await limitedStand(context, { upstreamConnections: 1, upstreamQueue: 1 })
  const { upstream } = stand
  upstream.answer = () => undefined
  const [first, waiting] = [await open(context, stand), await open(context, stand)]
  first.send(rawRequest({}))
  await upstream.request(0)
  waiting.send(rawRequest({}))
  // whichever of the two comes second is the one too many
  const other = await open(context, stand)
  other.send(rawRequest({}))
  const answers = [waiting.answer(), other.answer()]
  const refused = await Promise.race(answers)
  assert.equal(refused.status, 503)
  assert.equal(await hits(stand, 'upstreamQueue'), 1)
  assert.equal(upstream.requests.length, 1)
  // whoever asks nothing of the upstream is served meanwhile
  assert.equal(reasonOf(await stand.send({ method: 'DELETE' })), 'write-not-described')
  upstream.answer = () => plainAnswer
  upstream.requests[0]?.socket.write(plainAnswer)
  assert.equal((await first.answer()).status, 200)
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  assert.deepEqual(statuses.sort(), [200, 503])
})

test('an upstream that is silent for upstreamTimeoutMs is counted', async (context) => {
  const stand = await limitedStand(context, { upstreamTimeoutMs: 300 })
  stand.upstream.answer = () => undefined
  assert.equal((await stand.send({})).status, 504)
  assert.equal(await hits(stand, 'upstreamTimeoutMs'), 1)
})

test('an upstream that answers more slowly than upstreamBytesPerSecond for upstreamTimeoutMs is counted', async (context) => {
  const stand = await limitedStand(context, { upstreamTimeoutMs: 2_000, upstreamBytesPerSecond: 1_000_000 })
  stand.upstream.answer = ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
    // whole in the end, should nobody mind
    const timer = setInterval(() => socket.write('x'), 10)
    socket.once('close', () => {
      clearInterval(timer)
    })
    return undefined
  }
  const client = await open(context, stand)
  client.send(rawRequest({}))
  await assert.rejects(client.answer())
  await until('a limit that was reached', async () => (await hits(stand, 'upstreamBytesPerSecond')) > 0)
  assert.equal(await hits(stand, 'upstreamTimeoutMs'), 0)
  stand.upstream.answer = () => plainAnswer
  await assertServed(stand)
})

test('judged bodies are held up to bodyBytesInFlight over all clients, and one more is told to come again', async (context) => {
  const stand = await limitedStand(context, { bodyBytesInFlight: 1_048_576 })
  const body = `{"x":"${'a'.repeat(600_000)}",${patchBody.slice(1)}`
  const wish = { method: 'PATCH', target: permittedTarget, body }
  const slow = await open(context, stand)
  slow.send(rawRequest(wish).slice(0, -10))
  const held = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${stand.gateway.admin?.port ?? 0}/metrics`)
    return Number(/^ror_gateway_judged_body_bytes_held (\d+)$/m.exec(await answer.text())?.[1])
  }
  await until('a body that is held', async () => (await held()) >= 590_000)
  assert.equal((await stand.send(wish)).status, 503)
  assert.equal(await hits(stand, 'bodyBytesInFlight'), 1)
  assert.equal(stand.upstream.connections.length, 0)
  const small = await stand.send({ method: 'PATCH', target: permittedTarget, body: patchBody })
  assert.equal(small.status, 200)
  slow.destroy()
  await until('nothing held', async () => (await held()) === 0)
})
