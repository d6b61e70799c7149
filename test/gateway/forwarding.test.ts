import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { valuesOf } from '../support/http-message.js'
import { openRaw } from '../support/raw-client.js'
import { fhirHost, makeStand, patchBody, permittedTarget, rawRequest, subjectOf } from './stand.js'

test('the upstream is told the client in every form that is configured, and only by us', async (context) => {
  const stand = await makeStand(context, {
    config: (text) =>
      text.replace(
        '    whitelist: whitelist/',
        `    clientCertChain: true
    identityHeaders:
      - { name: ssl-client-cert, value: pem-urlencoded }
      - { name: X-Ror-Subject, value: subject-rfc4514 }
      - { name: X-Ror-Partner, value: partner-id }
    whitelist: whitelist/`,
      ),
  })
  await stand.send({
    fields: ['ssl-client-cert: forged', 'X-Ror-Subject: CN=forged', 'x_ror_partner: forged'],
  })
  const request = await stand.upstream.request(0)
  const [pem = ''] = valuesOf(request, 'ssl-client-cert')
  assert.equal(decodeURIComponent(pem), stand.partner.certPem)
  assert.deepEqual(valuesOf(request, 'x-ror-subject'), [subjectOf(stand.partner)])
  assert.deepEqual(valuesOf(request, 'x-ror-partner'), ['eai-bretagne'])
  const intermediate = Buffer.from(stand.pki.intermediate.certificate).toString('base64')
  assert.deepEqual(valuesOf(request, 'client-cert-chain'), [`:${intermediate}:`])
  assert.equal(request.raw.includes('forged'), false)
})

test('a Location that names the upstream comes back as one of ours, and no other one does', async (context) => {
  const stand = await makeStand(context)
  const { origin } = stand.upstream
  for (const [sent, told] of [
    [
      `${origin}/ws-diffusion-fhir/Task/1?x=${origin}`,
      `https://${fhirHost}/ws-diffusion-fhir/Task/1?x=${origin}`,
    ],
    ['https://elsewhere.example/x', 'https://elsewhere.example/x'],
  ] as const) {
    stand.upstream.answer = () => `HTTP/1.1 201 Created\r\nLocation: ${sent}\r\nContent-Length: 0\r\n\r\n`
    const answer = await stand.send({})
    assert.deepEqual(valuesOf(answer, 'location'), [told])
  }
})

test('an upstream that fails is told by its kind, and the client sees the request id alone', async (context) => {
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const address = closed.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  closed.close()
  await once(closed, 'close')
  const stand = await makeStand(context, {
    config: (text) =>
      text
        .replace('log: { level: silent }', 'log: { level: silent }\nlimits: { upstreamTimeoutMs: 300 }')
        .replace(/(path: \/csd\n.*\n\s+upstream: ).*/, `$1http://127.0.0.1:${port}`)
        .replace('match: public-key', 'match: either'),
    whitelist: (subject) => `partners:
  - { id: all, name: Tout, solution: saas, certificates: [{ subject: ${JSON.stringify(subject)} }], apis: [fhir-read, csd] }
`,
  })
  const failures: readonly (readonly [
    what: string,
    status: number,
    code: string,
    target: string,
    answer: () => string | undefined,
  ])[] = [
    ['takes no connection', 502, 'upstream-refused', '/csd', () => undefined],
    ['says nothing', 504, 'upstream-timeout', '/ws-diffusion-fhir/Location', () => undefined],
    [
      'speaks no HTTP',
      502,
      'upstream-response-invalid',
      '/ws-diffusion-fhir/Location',
      () => 'garbage\r\n\r\n',
    ],
  ]
  for (const [what, status, code, target, answer] of failures) {
    await context.test(`${what}: ${status}`, async () => {
      stand.upstream.answer = answer
      const got = await stand.send({ target })
      assert.equal(got.status, status, got.raw)
      const [id = 'none'] = valuesOf(got, 'x-request-id')
      assert.ok(got.body.includes(id))
      assert.equal(/127\.0\.0\.1|ECONN|upstream/.test(got.body), false, got.body)
      const event = await stand.auditOf(got)
      assert.equal(event['outcome'], code)
      assert.equal(event['decision'], 'permit')
    })
  }
})

test('a stop lets the request under way finish and takes no new one', async (context) => {
  const stand = await makeStand(context)
  let release: () => void = () => undefined
  stand.upstream.answer = ({ socket }) => {
    release = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    return undefined
  }
  const idle = await openRaw(stand.port, stand.tls())
  const busy = await openRaw(stand.port, stand.tls())
  busy.send(rawRequest({}))
  await stand.upstream.request(0)
  const stopped = stand.gateway.stop('test')
  await idle.closed
  await assert.rejects(openRaw(stand.port, stand.tls()), /ECONNREFUSED/)
  release()
  const answer = await busy.answer()
  assert.equal(answer.status, 200)
  assert.deepEqual(valuesOf(answer, 'connection'), ['close'])
  await stopped
  await busy.closed
})

test('writes are refused while the audit trail cannot be written, and reads go on', async (context) => {
  const stand = await makeStand(context, {
    config: (text) => text.replace('audit: { file: audit.ndjson }', 'audit: { file: /dev/full }'),
  })
  // the first event is what shows that the disk is full
  assert.equal((await stand.send({})).status, 200)
  await stand.gateway.flushAudit()
  const refused = await stand.send({ method: 'PATCH', target: permittedTarget, body: patchBody })
  assert.equal(refused.status, 503)
  assert.equal((await stand.send({})).status, 200)
  assert.deepEqual(
    stand.upstream.requests.map(({ startLine }) => startLine.split(' ')[0]),
    ['GET', 'GET'],
  )
})
