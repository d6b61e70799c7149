import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { PartnerLimiter } from '../../src/gateway/partner-limiter.js'
import { clientName } from '../support/pki.js'
import { valuesOf } from '../support/http-message.js'
import { openRaw, type RawClient } from '../support/raw-client.js'
import { until } from '../support/until.js'
import {
  authHost,
  fhirHost,
  makeStand,
  patchBody,
  permittedTarget,
  rawRequest,
  reasonOf,
  type Stand,
  type StandWish,
} from './stand.js'

const plainAnswer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const read = '/ws-diffusion-fhir/Location'
const other = 'CN=OTHER,OU=11B0073160,O=HOPITAL DES 3. DAMES,ST=Paris (75),C=FR'

function listed(subject: string, more: string): string {
  return `partners:
  - { id: limited, certificates: [{ subject: ${JSON.stringify(subject)} }, { publicKey: ../pki/key.pem }], apis: [token, fhir-read, fhir-write, csd], establishments: ["350054680"], ${more} }
  - { id: other, certificates: [{ subject: ${JSON.stringify(other)} }], apis: [fhir-read] }
`
}

interface LimitedStand extends Stand {
  /** Moves the gateway's clock. */
  pass(ms: number): void
}

async function limitedStand(context: TestContext, more: string, wish: StandWish = {}): Promise<LimitedStand> {
  let time = Date.now()
  const stand = await makeStand(context, {
    now: () => time,
    whitelist: (subject) => listed(subject, more),
    prepare: ({ write, partner }) => {
      write('pki/key.pem', partner.certPem)
    },
    ...wish,
  })
  return {
    ...stand,
    pass: (ms) => {
      time += ms
    },
  }
}

/** The first audit line of which this is true, once it is there. */
async function auditLine(
  stand: Stand,
  isIt: (line: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  return until('an audit line', async () => {
    await stand.gateway.flushAudit()
    return readFileSync(join(stand.folder, 'audit.ndjson'), 'utf8')
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text) as Record<string, unknown>) // objects, as the audit writes
      .find(isIt)
  })
}

test('requests a second', async (context) => {
  const stand = await limitedStand(context, 'limits: { requestsPerSecond: 0.5, burst: 2 }')
  let forwarded = 0

  await context.test('pass up to the burst, then are refused until a token has come in', async () => {
    for (const target of [read, `${read}?x=1`]) assert.equal((await stand.send({ target })).status, 200)
    forwarded += 2
    const refused = await stand.send({ target: read })
    assert.equal(refused.status, 429)
    assert.equal(reasonOf(refused), 'rate-limited')
    assert.deepEqual(valuesOf(refused, 'retry-after'), ['2'])
    stand.pass(500)
    assert.deepEqual(valuesOf(await stand.send({ target: read }), 'retry-after'), ['2'])
    stand.pass(1_000)
    assert.deepEqual(valuesOf(await stand.send({ target: read }), 'retry-after'), ['1'])
    assert.equal(stand.upstream.requests.length, forwarded)
    stand.pass(500)
    assert.equal((await stand.send({ target: read })).status, 200)
    forwarded += 1
  })

  await context.test('are counted over all APIs, and refused in the language of each', async () => {
    const fields = ['Content-Type: text/xml']
    const fault = await stand.send({ method: 'POST', target: '/csd', body: '<x/>', fields })
    assert.equal(fault.status, 429)
    assert.ok(fault.body.includes('<soap:Fault>') && fault.body.includes('rate-limited'))
    const token = await stand.send({
      method: 'POST',
      host: authHost,
      target: '/auth/realms/ror/protocol/openid-connect/token',
      body: 'grant_type=client_credentials',
      fields: ['Content-Type: application/x-www-form-urlencoded'],
    })
    assert.equal(token.status, 429)
    assert.ok(token.body.includes('"error":"temporarily_unavailable"'), token.body)
    const write = await stand.send({ method: 'PATCH', target: permittedTarget, body: patchBody })
    assert.equal(reasonOf(write), 'rate-limited')
    assert.equal(stand.upstream.requests.length, forwarded)
  })

  await context.test('of one partner leave the others alone', async () => {
    const client = await stand.pki.client({ subject: clientName('OTHER') })
    for (let turn = 0; turn < 5; turn += 1)
      assert.equal((await stand.send({ client, target: read })).status, 200)
    forwarded += 5
  })

  await context.test('that are refused for another reason take no token', async () => {
    stand.pass(2_000)
    assert.equal(
      reasonOf(await stand.send({ method: 'POST', target: read, body: '{}' })),
      'write-not-described',
    )
    assert.equal((await stand.send({ target: read })).status, 200)
    forwarded += 1
    assert.equal(stand.upstream.requests.length, forwarded)
  })

  await context.test('are no more after a reload, and a changed limit holds at once', async () => {
    const reload = async (limits: string): Promise<void> => {
      stand.write('whitelist/partner.yaml', listed(subject, limits))
      // the watcher may have been first
      assert.notEqual((await stand.gateway.reload('signal')).result, 'refused')
    }
    const text = readFileSync(join(stand.folder, 'whitelist', 'partner.yaml'), 'utf8')
    const subject = /subject: "([^"]+)"/.exec(text)?.[1] ?? ''
    await reload('name: Autre, limits: { requestsPerSecond: 0.5, burst: 2 }')
    assert.equal(reasonOf(await stand.send({ target: read })), 'rate-limited')
    await reload('limits: { requestsPerSecond: 10, burst: 1 }')
    stand.pass(100)
    assert.equal((await stand.send({ target: read })).status, 200)
    assert.equal(reasonOf(await stand.send({ target: read })), 'rate-limited')
    await reload('validFrom: 2020-01-01')
    assert.equal((await stand.send({ target: read })).status, 200)
  })

  await context.test('are counted by reason and by partner', async () => {
    const response = await fetch(`http://127.0.0.1:${stand.gateway.admin?.port ?? 0}/metrics`)
    const text = await response.text()
    assert.match(
      text,
      /ror_gateway_requests_total\{[^}]*api="csd",decision="deny",reason="rate-limited"\} 1\n/,
    )
    assert.match(
      text,
      /ror_gateway_partner_requests_total\{[^}]*partner="limited",decision="deny",reason="rate-limited"\} \d+\n/,
    )
  })
})

test('requests under way', async (context) => {
  const stand = await limitedStand(context, 'limits: { concurrent: 2 }')
  const { upstream } = stand
  const clients: RawClient[] = []
  const begin = async (): Promise<RawClient> => {
    const client = await openRaw(stand.port, stand.tls())
    clients.push(client)
    client.send(rawRequest({ target: `${read}?turn=${clients.length}` }))
    return client
  }
  context.after(() => {
    for (const client of clients) client.destroy()
  })

  await context.test('are refused beyond the limit, and nothing of them reaches the upstream', async () => {
    upstream.answer = () => undefined
    await begin()
    await begin()
    await upstream.request(1)
    const refused = await stand.send({ target: read })
    assert.equal(reasonOf(refused), 'rate-limited')
    assert.deepEqual(valuesOf(refused, 'retry-after'), ['1'])
    assert.equal(upstream.requests.length, 2)
  })

  await context.test('end with their answer', async () => {
    const first = await upstream.request(0)
    first.socket.write(plainAnswer)
    assert.equal((await (clients[0] ?? (await begin())).answer()).status, 200)
    await auditLine(stand, ({ decision, outcome }) => decision === 'permit' && outcome === 'answered')
    await begin()
    await upstream.request(2)
    assert.equal(reasonOf(await stand.send({ target: read })), 'rate-limited')
  })

  await context.test('end with the client that leaves', async () => {
    clients[1]?.destroy()
    const line = await auditLine(stand, ({ outcome }) => outcome === 'client-left')
    assert.equal('status' in line, false, 'nothing was answered')
    await begin()
    await upstream.request(3)
    assert.equal(reasonOf(await stand.send({ target: read })), 'rate-limited')
  })

  await context.test('end with an upstream that answers nonsense, or breaks off', async () => {
    const third = await upstream.request(2)
    third.socket.write('HTTP/1.1 099 Odd\r\n\r\n')
    assert.equal((await (clients[2] ?? (await begin())).answer()).status, 502)
    const fourth = await upstream.request(3)
    fourth.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
    await clients[3]?.until('half')
    fourth.socket.destroy()
    await clients[3]?.closed
    await auditLine(stand, ({ outcome }) => outcome === 'upstream-response-invalid')
    const line = await auditLine(stand, ({ outcome }) => outcome === 'upstream-broken')
    assert.equal(line['status'], 200, 'the client has seen it')
    upstream.answer = () => plainAnswer
    for (let turn = 0; turn < 4; turn += 1) assert.equal((await stand.send({ target: read })).status, 200)
  })

  await context.test('end with a refusal of what they ask', async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      const target = permittedTarget.replace('350054680', '290004324')
      const answer = await stand.send({ method: 'PATCH', target, body: patchBody })
      assert.equal(reasonOf(answer), 'establishment-not-permitted')
    }
    assert.equal((await stand.send({ target: read })).status, 200)
  })
})

test('bodies larger than the partner may send', async (context) => {
  const stand = await limitedStand(context, 'limits: { bodyBytes: 1000 }')
  const fields = ['Content-Type: text/xml']
  const soap = (bytes: number) => ({ method: 'POST', target: '/csd', fields, body: 'x'.repeat(bytes) })
  const chunked = (bytes: number): string => {
    const head = `POST /csd HTTP/1.1\r\nHost: ${fhirHost}\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n`
    return `${head}${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`
  }
  const sendRaw = async (bytes: string) => {
    const client = await openRaw(stand.port, stand.tls())
    context.after(() => {
      client.destroy()
    })
    client.send(bytes)
    return client.answer()
  }

  await context.test('are refused by their announced length, by their chunks, and on writes', async () => {
    const refusals = [
      await stand.send(soap(1001)),
      await sendRaw(chunked(1001)),
      await stand.send({
        method: 'PATCH',
        target: permittedTarget,
        body: patchBody.replace('{', `{${' '.repeat(1000)}`),
      }),
    ]
    for (const answer of refusals) {
      assert.equal(answer.status, 413)
      assert.equal(reasonOf(answer), 'body-too-large')
      assert.ok(answer.body.includes('1000'), answer.body)
    }
    assert.equal(stand.upstream.connections.length, 0)
  })

  await context.test('and no others', async () => {
    assert.equal((await stand.send(soap(1000))).status, 200)
    assert.equal((await sendRaw(chunked(1000))).status, 200)
    assert.equal((await stand.upstream.request(0)).body.length, 1000)
    const held = await stand.upstream.request(1)
    assert.equal(held.body.length, 1000)
    assert.deepEqual(valuesOf(held, 'content-length'), ['1000'])
  })
})

test('limits of the environment hold for the partner that has none of its own', async (context) => {
  const stand = await limitedStand(context, 'limits: { requestsPerSecond: 100 }', {
    config: (text) =>
      text
        .replace('    apis:\n', '    partnerLimits: { requestsPerSecond: 1, bodyBytes: 10 }\n    apis:\n')
        .replace('log:', 'limits: { bodyBytes: 1024 }\nlog:'),
  })
  const client = await stand.pki.client({ subject: clientName('OTHER') })
  assert.equal((await stand.send({ client, target: read })).status, 200)
  assert.equal(reasonOf(await stand.send({ client, target: read })), 'rate-limited')
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await stand.send({ target: read })).status, 200)
  const fields = ['Content-Type: text/xml']
  const soap = { method: 'POST', target: '/csd', fields }
  assert.equal(reasonOf(await stand.send({ ...soap, body: 'x'.repeat(11) })), 'body-too-large')
  assert.equal(stand.upstream.requests.length, 4)
})

test('the bound of the gateway holds for bodies that nobody judges', async (context) => {
  const stand = await limitedStand(context, 'name: x', {
    config: (text) => text.replace('log:', 'limits: { bodyBytes: 1024 }\nlog:'),
  })
  const fields = ['Content-Type: text/xml']
  const soap = { method: 'POST', target: '/csd', fields }
  assert.equal(reasonOf(await stand.send({ ...soap, body: 'x'.repeat(1025) })), 'body-too-large')
  assert.equal(stand.upstream.connections.length, 0)
  assert.equal((await stand.send({ ...soap, body: 'x'.repeat(1024) })).status, 200)
})

test('a partner in report-only mode passes its limits, and the audit says so', async (context) => {
  const stand = await limitedStand(
    context,
    'mode: report-only, limits: { requestsPerSecond: 1, bodyBytes: 10 }',
  )
  const fields = ['Content-Type: text/xml']
  const large = await stand.send({ method: 'POST', target: '/csd', fields, body: 'x'.repeat(11) })
  assert.equal(large.status, 200)
  assert.equal((await stand.auditOf(large))['reason'], 'body-too-large')
  const fast = await stand.send({ target: read })
  assert.equal(fast.status, 200)
  const event = await stand.auditOf(fast)
  assert.equal(event['decision'], 'deny')
  assert.equal(event['enforced'], false)
  assert.equal(event['reason'], 'rate-limited')
  const metrics = await (await fetch(`http://127.0.0.1:${stand.gateway.admin?.port ?? 0}/metrics`)).text()
  for (const reason of ['body-too-large', 'rate-limited']) {
    const series = `partner="limited",decision="would-deny",reason="${reason}"} 1\n`
    assert.ok(metrics.includes(`ror_gateway_partner_requests_total{environment="sandbox",${series}`), reason)
  }
})

test('what is counted is bounded by the partners listed, and none is forgotten with requests under way', () => {
  const limiter = new PartnerLimiter()
  const enter = (partner: string, limits = {}) =>
    limiter.enter({ environment: 'sandbox', partner, limits, announcedBytes: 0 }, 0)
  for (let index = 0; index < 100; index += 1) enter(`unlimited-${index}`).leave()
  assert.equal(limiter.size, 0)
  for (let index = 0; index < 100; index += 1) enter(`p${index}`, { concurrent: 1 }).leave()
  const busy = enter('busy', { concurrent: 1 })
  assert.equal(limiter.size, 101)
  limiter.keep((_, partner) => partner === 'p7')
  assert.equal(limiter.size, 2)
  assert.equal(enter('busy', { concurrent: 1 }).denial?.reason, 'rate-limited')
  busy.leave()
})

test('what another process told counts here, until it says otherwise or is gone', () => {
  const [here, there] = [new PartnerLimiter(true), new PartnerLimiter(true)]
  const limits = { rate: { perSecond: 1, burst: 4 }, concurrent: 2 }
  const enter = (limiter: PartnerLimiter) =>
    limiter.enter({ environment: 'sandbox', partner: 'p', limits, announcedBytes: 0 }, 0)
  const turns = [enter(there), enter(there)]
  assert.deepEqual(
    turns.map(({ denial }) => denial),
    [undefined, undefined],
  )
  here.learn(7, there.news(), 0)
  // two of two are under way, over there
  assert.equal(enter(here).denial?.reason, 'rate-limited')
  for (const turn of turns) turn.leave()
  here.learn(7, there.news(), 0)
  // nobody is under way there, and two of four tokens were drawn there
  const other = new PartnerLimiter(true)
  other.learn(7, [{ environment: 'sandbox', partner: 'p', rate: limits.rate, drawn: 3, underWay: 2 }], 0)
  const refused = enter(other)
  assert.equal(refused.denial?.reason, 'rate-limited')
  refused.leave()
  other.forget(7)
  const last = enter(other)
  assert.equal(last.denial, undefined)
  assert.match(enter(other).denial?.sent?.['limit'] ?? '', /a second/)
  assert.deepEqual(there.news(), [])
})
