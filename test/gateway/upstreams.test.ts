import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../support/http-message.js'
import { plainAnswer } from '../support/recorder.js'
import { openRaw } from '../support/raw-client.js'
import { until } from '../support/until.js'
import { patchBody, permittedTarget, rawRequest, reasonOf } from './stand.js'
import { jsonAnswer } from './write-stand.js'
import { upstreamStand, type TestClock, type UpstreamStandWish } from './upstream-stand.js'

const list: UpstreamStandWish['upstream'] = (origins) => `[${origins.join(', ')}]`
const turns: UpstreamStandWish['upstream'] = (origins) =>
  `{ servers: [${origins.join(', ')}], balance: round-robin }`
const write = { method: 'PATCH', target: permittedTarget, body: patchBody }
const soap = {
  method: 'POST',
  target: '/csd',
  fields: ['Content-Type: text/xml; charset=utf-8', 'SOAPAction: "x"'],
  body: '<x/>',
}

test('several servers share the requests of an API, and the audit says which one it was', async (context) => {
  const stand = await upstreamStand(context, { upstream: turns })
  const origins = stand.servers.map(({ origin }) => origin)
  const told: unknown[] = []
  for (let count = 0; count < 4; count += 1) {
    const answer = await stand.send({})
    assert.equal(answer.status, 200)
    told.push((await stand.auditOf(answer))['upstream'])
  }
  assert.deepEqual(told, [...origins, ...origins])
  assert.deepEqual(stand.counts(), [2, 2])
  for (const origin of origins) {
    const labels = `environment="sandbox",api="fhir-read",server="${origin}"`
    assert.equal(await stand.metric(`ror_gateway_upstream_requests_total{${labels},outcome="answered"}`), 2)
    assert.equal(await stand.metric(`ror_gateway_upstream_server_state{${labels},state="healthy"}`), 1)
  }
})

test('the least loaded server is the one that gets the next request', async (context) => {
  const stand = await upstreamStand(context, { upstream: list })
  // a request that is not answered stays with its server
  const [first, second] = stand.servers
  assert.ok(first !== undefined && second !== undefined)
  first.answer = () => undefined
  second.answer = () => undefined
  const held = await openRaw(stand.port, stand.tls())
  held.send(rawRequest({}))
  await Promise.race([first.request(0), second.request(0)])
  const busy = first.requests.length === 1 ? 0 : 1
  const idle = busy === 0 ? second : first
  idle.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  for (let count = 0; count < 3; count += 1) assert.equal((await stand.send({})).status, 200)
  assert.equal(idle.requests.length, 3)
  const [busyStatus] = (await stand.statusOf('fhir-read')).filter(
    ({ server }) => server === stand.servers[busy]?.origin,
  )
  assert.equal(busyStatus?.['requestsInFlight'], 1)
  held.destroy()
})

test('a server that dies under load loses no read, and no write is sent twice', async (context) => {
  const stand = await upstreamStand(context, { upstream: turns })
  const reads = Array.from({ length: 60 }, (_, index) => ({
    target: `/ws-diffusion-fhir/Location?n=${index}`,
  }))
  const writes = Array.from({ length: 30 }, (_, index) => ({
    ...write,
    target: `/ws-synchro-dispo-lits-fhir/Location?identifier=1350054680/U${index}`,
  }))
  const clients = [0, 1, 2].map(async (lane) => {
    const answers: { readonly target: string; readonly status: number }[] = []
    for (let index = lane; index < reads.length; index += 3) {
      if (index === 18) await stand.fell(0)
      for (const request of [reads[index], index % 2 === 0 ? writes[index / 2] : undefined]) {
        if (request === undefined) continue
        answers.push({ target: request.target, status: (await stand.send(request)).status })
      }
    }
    return answers
  })
  const answers = (await Promise.all(clients)).flat()
  assert.equal(answers.length, 90)
  assert.deepEqual(
    answers.filter(({ target, status }) => target.startsWith('/ws-diffusion') && status !== 200),
    [],
  )
  const sent = stand.servers.flatMap(({ requests }) => requests.map(({ startLine }) => startLine))
  for (const { target } of writes) {
    const times = sent.filter((line) => line === `PATCH ${target} HTTP/1.1`).length
    const answer = answers.find((one) => one.target === target)
    assert.ok(times <= 1, `${target} was sent ${times} times`)
    // one that was on its way when its server died is told to have failed, and is not sent again
    assert.ok(answer?.status === 200 ? times === 1 : answer?.status === 502, `${target}: ${answer?.status}`)
  }
  assert.ok((stand.servers[0]?.requests.length ?? 0) > 0)
})

const requests = { 'a read': {}, 'a write': write, 'a write that is handed on as it comes': soap } as const
for (const [what, request] of Object.entries(requests)) {
  test(`a connection that is refused sends ${what} to the next server, whole and once`, async (context) => {
    const stand = await upstreamStand(context, { upstream: turns })
    await stand.fell(0)
    const answer = await stand.send(request)
    assert.equal(answer.status, 200, answer.raw)
    assert.deepEqual(stand.counts(), [0, 1])
    const got = await stand.servers[1]?.request(0)
    assert.equal(got?.body, Buffer.from('body' in request ? request.body : '').toString('latin1'))
    const event = await stand.auditOf(answer)
    assert.deepEqual([event['outcome'], event['upstream']], ['answered', stand.servers[1]?.origin])
    const api = { 'a read': 'fhir-read', 'a write': 'fhir-write' }[what] ?? 'csd'
    const labels = `environment="sandbox",api="${api}"`
    assert.equal(
      await stand.metric(`ror_gateway_upstream_retries_total{${labels},code="upstream-refused"}`),
      1,
    )
  })

  test(`a connection that breaks without an answer sends ${what} to ${what === 'a read' ? 'the next server' : 'nobody else'}`, async (context) => {
    const stand = await upstreamStand(context, { upstream: turns })
    const [first] = stand.servers
    assert.ok(first !== undefined)
    first.answer = ({ socket }) => {
      socket.destroy()
      return undefined
    }
    const answer = await stand.send(request)
    const isRead = what === 'a read'
    assert.equal(answer.status, isRead ? 200 : 502, answer.raw)
    assert.deepEqual(stand.counts(), [1, isRead ? 1 : 0])
    const event = await stand.auditOf(answer)
    assert.equal(event['outcome'], isRead ? 'answered' : 'upstream-broken')
  })
}

test('a read of whose answer one byte came goes to nobody else', async (context) => {
  const stand = await upstreamStand(context, { upstream: turns })
  const [first] = stand.servers
  assert.ok(first !== undefined)
  first.answer = ({ socket }) => {
    socket.end('H')
    return undefined
  }
  const answer = await stand.send({})
  assert.equal(answer.status, 502)
  assert.deepEqual(stand.counts(), [1, 0])
})

test('a read that is answered too late goes to nobody else, and is 504', async (context) => {
  const stand = await upstreamStand(context, {
    upstream: (origins) =>
      `{ servers: [${origins.join(', ')}], balance: round-robin, responseTimeoutMs: 50 }`,
  })
  for (const server of stand.servers) server.answer = () => undefined
  const answer = await stand.send({})
  assert.equal(answer.status, 504)
  assert.equal((await stand.auditOf(answer))['reason'], 'upstream-timeout')
  assert.deepEqual(stand.counts(), [1, 0])
})

test('a server that fails again and again is left alone, tried after its pause, and brought back by an answer', async (context) => {
  const clock: TestClock = { now: 0 }
  const stand = await upstreamStand(context, { upstream: turns, clock })
  const stateOf = async (): Promise<unknown> => (await stand.statusOf('fhir-read'))[0]?.['state']
  await stand.fell(0)
  await until('an ejected server', async () => {
    if ((await stateOf()) === 'ejected') return true
    assert.equal((await stand.send({})).status, 200)
    return false
  })
  const [shown] = await stand.statusOf('fhir-read')
  assert.equal(shown?.['failuresInARow'], 3)
  const failure = shown['lastFailure']
  assert.ok(failure instanceof Object && 'code' in failure)
  assert.equal(failure.code, 'upstream-refused')
  const labels = `environment="sandbox",api="fhir-read",server="${stand.servers[0]?.origin ?? ''}"`
  assert.equal(await stand.metric(`ror_gateway_upstream_ejections_total{${labels}}`), 1)
  assert.equal(await stand.metric(`ror_gateway_upstream_server_state{${labels},state="ejected"}`), 1)
  const refused = `ror_gateway_upstream_requests_total{${labels},outcome="upstream-refused"}`
  for (let count = 0; count < 3; count += 1) assert.equal((await stand.send({})).status, 200)
  assert.equal(await stand.metric(refused), 3)

  // the trial fails, and the read that made it is answered by the other server
  clock.now = 2000
  assert.equal(await stateOf(), 'half-open')
  assert.equal((await stand.send({})).status, 200)
  assert.equal(await stand.metric(refused), 4)
  assert.equal(await stateOf(), 'ejected')

  await stand.rise(0)
  clock.now = 5999
  assert.equal((await stand.send({})).status, 200)
  assert.equal(stand.servers[0]?.requests.length, 0)
  clock.now = 6000
  assert.equal((await stand.send({})).status, 200)
  assert.equal(stand.counts()[0], 1)
  assert.equal(await stateOf(), 'returning')
  clock.now = 16_000
  assert.equal(await stateOf(), 'healthy')
  // what takes one API's server out leaves that of the other APIs alone
  assert.equal((await stand.statusOf('csd'))[0]?.['state'], 'healthy')
})

test('where every server is out requests are told when to come again, and the first answer ends it', async (context) => {
  const clock: TestClock = { now: 0 }
  const stand = await upstreamStand(context, { upstream: turns, clock })
  await stand.fell(0)
  await stand.fell(1)
  const statuses: number[] = []
  for (let count = 0; count < 3; count += 1) statuses.push((await stand.send({})).status)
  assert.deepEqual(statuses, [502, 502, 502])
  const refused = await stand.send(write)
  assert.equal(refused.status, 502)
  const answer = await stand.send({})
  assert.equal(answer.status, 503)
  assert.deepEqual(valuesOf(answer, 'retry-after'), ['2'])
  assert.equal(reasonOf(answer), undefined)
  const event = await stand.auditOf(answer)
  assert.deepEqual([event['outcome'], event['decision']], ['upstream-unavailable', 'permit'])
  assert.equal(
    await stand.metric(
      'ror_gateway_upstream_failures_total{environment="sandbox",api="fhir-read",code="upstream-unavailable"}',
    ),
    1,
  )
  await stand.rise(1)
  clock.now = 2000
  // a trial of the first server, and of the second for the same read
  assert.equal((await stand.send({})).status, 200)
  assert.equal(stand.servers[1]?.requests.length, 1)
})

test('one server alone is asked each time, however often it failed', async (context) => {
  const stand = await upstreamStand(context, { upstream: ([origin = '']) => origin, servers: 1 })
  await stand.fell(0)
  for (let count = 0; count < 6; count += 1) assert.equal((await stand.send({})).status, 502)
  await stand.rise(0)
  assert.equal((await stand.send({})).status, 200)
})

test('one server with `ejection` is a circuit breaker: closed, open, one trial, closed', async (context) => {
  const clock: TestClock = { now: 0 }
  const stand = await upstreamStand(context, {
    upstream: ([origin = '']) => `{ servers: [${origin}], ejection: { failures: 2, seconds: 1 } }`,
    servers: 1,
    clock,
  })
  const [server] = stand.servers
  assert.ok(server !== undefined)
  const usual = server.answer
  server.answer = ({ socket }) => {
    socket.destroy()
    return undefined
  }
  const statuses: number[] = []
  for (let count = 0; count < 4; count += 1) statuses.push((await stand.send(write)).status)
  assert.deepEqual(statuses, [502, 502, 503, 503])
  assert.equal(server.requests.length, 2)
  server.answer = usual
  clock.now = 1000
  assert.equal((await stand.send(write)).status, 200)
  assert.equal((await stand.send(write)).status, 200)
})

test('a reload changes the servers, and what was known of those that stay is kept', async (context) => {
  const clock: TestClock = { now: 0 }
  const stand = await upstreamStand(context, {
    upstream: ([one, two]) => `[${one}, ${two}]`,
    servers: 3,
    clock,
  })
  const [first, second, third] = stand.servers.map(({ origin }) => origin)
  await stand.fell(1)
  const stateOf = async (server: string | undefined): Promise<unknown> =>
    (await stand.statusOf('fhir-read')).find((each) => each['server'] === server)?.['state']
  await until('an ejected server', async () => {
    if ((await stateOf(second)) === 'ejected') return true
    assert.equal((await stand.send({})).status, 200)
    return false
  })
  const { config } = stand
  stand.write('gateway.yaml', config.replaceAll(first ?? '', third ?? ''))
  assert.notEqual((await stand.gateway.reload('signal')).result, 'refused')
  assert.deepEqual(
    (await stand.statusOf('fhir-read')).map(({ server, state }) => [server, state]),
    [
      [third, 'healthy'],
      [second, 'ejected'],
    ],
  )
  assert.equal((await stand.send({})).status, 200)
  assert.equal(stand.servers[2]?.requests.length, 1)
  const gone = `environment="sandbox",api="fhir-read",server="${first ?? ''}"`
  assert.equal(
    await stand.metric(`ror_gateway_upstream_requests_total{${gone},outcome="answered"}`),
    undefined,
  )
})

test('a lookup goes from server to server as a read does, and the write behind it is sent once', async (context) => {
  const stand = await upstreamStand(context, {
    upstream: turns,
    config: (text) =>
      text
        .replace('path: /Location', 'path: /Organization/{id}')
        .replace('{ query: identifier, form: idnatstruct/unit }', '{ reference: id, resolve: upstream }'),
  })
  const [first, second] = stand.servers
  assert.ok(first !== undefined && second !== undefined)
  const identifier = [{ system: 'https://finess.esante.gouv.fr', value: '350054680' }]
  second.answer = ({ startLine }) =>
    startLine.startsWith('GET ')
      ? jsonAnswer({ resourceType: 'Organization', id: '10', identifier })
      : plainAnswer
  first.answer = ({ socket }) => {
    socket.destroy()
    return undefined
  }
  const answer = await stand.send({
    method: 'PATCH',
    target: '/ws-synchro-dispo-lits-fhir/Organization/10',
    body: patchBody.replace("Location.extension.where(url='x')", 'Organization.name'),
  })
  assert.equal(answer.status, 200, answer.raw)
  assert.deepEqual(
    stand.servers.map(({ requests }) => requests.map(({ startLine }) => startLine.split(' ')[0])),
    [['GET'], ['GET', 'PATCH']],
  )
})
