import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { jwtOf } from '../oauth/jwt.js'
import { openRaw } from '../support/raw-client.js'
import { IdentityCache } from '../../src/gateway/identity.js'
import { makeTestPki } from '../support/pki.js'
import { authHost, fhirHost, makeStand, patchBody, permittedTarget, rawRequest, reasonOf } from './stand.js'

test('a bound token stays bound with dots behind it, which some readers drop', async (context) => {
  const stand = await makeStand(context, {
    config: (text) =>
      text.replace(
        'path: /ws-diffusion-fhir\n',
        'path: /ws-diffusion-fhir\n        tokenBinding: if-present\n',
      ),
  })
  const foreign = jwtOf({ cnf: { 'x5t#S256': 'A'.repeat(43) } })
  for (const dots of ['', '.', '..', '...']) {
    const answer = await stand.send({ fields: [`Authorization: Bearer ${foreign}${dots}`] })
    assert.equal(reasonOf(answer), 'token-binding-mismatch', dots)
  }
  assert.equal(stand.upstream.requests.length, 0)
})

test('a connection that sends on and on behind a request under way is closed, and nothing of it goes up', async (context) => {
  const stand = await makeStand(context)
  stand.upstream.answer = () => undefined
  const client = await openRaw(stand.port, stand.tls())
  client.send(rawRequest({}))
  await stand.upstream.request(0)
  client.send(rawRequest({}).repeat(1_000))
  await client.closed
  assert.equal(stand.upstream.requests.length, 1)
})

test('a request that comes in one packet with what is none goes nowhere', async (context) => {
  const stand = await makeStand(context)
  // leaves a connection upstream that could be written to at once
  assert.equal((await stand.send({})).status, 200)
  const client = await openRaw(stand.port, stand.tls())
  client.send(`${rawRequest({})}\0\0garbage`)
  await client.closed
  assert.equal((await stand.send({})).status, 200)
  assert.equal(stand.upstream.requests.length, 2)
})

test('a certificate of anybody’s own is refused by the size of its names, and they are not written out', async (context) => {
  const stand = await makeStand(context)
  for (const [prefix, detail] of [
    ['-eyJ'.repeat(7_000), /^the issuer has more than 4096 bytes$/],
    ['-eyJ'.repeat(300), /^no configured authority stands above the issuer `-eyJ-eyJ/],
  ] as const) {
    const own = await makeTestPki({ prefix })
    const client = await own.client()
    const answer = await stand.send({ client: { ...client, chainPem: client.certPem } })
    assert.equal(reasonOf(answer), 'certificate-untrusted')
    assert.ok(answer.raw.length < 8_192)
    assert.match(String((await stand.auditOf(answer))['detail']), detail)
  }
  assert.equal(stand.upstream.connections.length, 0)
})

test('what is remembered of certificates that anybody may show is bounded by their size', async () => {
  const pki = await makeTestPki()
  const usual = await pki.client()
  const large = await pki.client({ crlDistributionPoints: [`http://crl.example/${'a'.repeat(20_000)}`] })
  const attributes = Array.from({ length: 90 }, (_, index) => ({ type: `2.5.4.${index}`, value: 'a' }))
  const manyAttributes = await pki.client({ subject: attributes })
  const cache = new IdentityCache(2)
  const isKept = (certificate: Uint8Array): boolean => {
    const { hits } = cache
    const peer = { presented: [], serverName: undefined, protocol: '', resumed: false, address: '' }
    assert.ok(cache.identify({ ...peer, certificate }).ok)
    return cache.hits > hits
  }
  assert.deepEqual([isKept(usual.der), isKept(usual.der)], [false, true])
  assert.deepEqual([isKept(large.der), isKept(large.der)], [false, false])
  assert.ok(manyAttributes.der.length < 3 * usual.der.length)
  assert.deepEqual([isKept(manyAttributes.der), isKept(manyAttributes.der)], [false, false])
  assert.ok(isKept(usual.der))
})

for (const [how, status, reason] of [
  ['in one packet', 400, 'request-ambiguous'],
  ['after the refusal', 401, 'token-binding-mismatch'],
] as const) {
  test(`a refused request whose body breaks ${how} has one audit line, with what was sent`, async (context) => {
    const stand = await makeStand(context, {
      config: (text) =>
        text.replace('path: /ws-synchro', 'tokenBinding: required\n        path: /ws-synchro'),
    })
    const client = await openRaw(stand.port, stand.tls())
    const fields = ['Content-Type: application/fhir+json', 'Transfer-Encoding: chunked']
    const head = rawRequest({ method: 'PATCH', target: permittedTarget, fields })
    client.send(how === 'in one packet' ? `${head}zz\r\n` : head)
    const answer = await client.answer()
    if (how === 'after the refusal') client.send('zz\r\n')
    await client.closed
    assert.equal(answer.status, status)
    assert.equal(reasonOf(answer), reason)
    assert.equal(client.pending(), '')
    const line = await stand.auditOf(answer)
    assert.deepEqual([line['status'], line['reason'], line['decision']], [status, reason, 'deny'])
    assert.equal(line['path'], '/ws-synchro-dispo-lits-fhir/Location')
    const trail = readFileSync(join(stand.folder, 'audit.ndjson'), 'utf8').trim().split('\n')
    assert.equal(trail.filter((each) => each.includes('"event":"request"')).length, 1, trail.join('\n'))
    assert.equal(stand.upstream.requests.length, 0)
  })
}

for (const how of ['in one packet', 'while it is read'] as const) {
  test(`a permitted write whose body breaks ${how} is refused, goes nowhere, and has one audit line`, async (context) => {
    const stand = await makeStand(context)
    const client = await openRaw(stand.port, stand.tls())
    const fields = ['Content-Type: application/fhir+json', 'Transfer-Encoding: chunked']
    const head = rawRequest({ method: 'PATCH', target: permittedTarget, fields })
    client.send(how === 'in one packet' ? `${head}zz\r\n` : `${head}1\r\n[\r\n`)
    if (how === 'while it is read') {
      // another connection has its answer: what was sent before it is being read
      assert.equal((await stand.send({})).status, 200)
      client.send('zz\r\n')
    }
    const answer = await client.answer()
    await client.closed
    assert.equal(answer.status, 400)
    assert.equal(reasonOf(answer), 'request-ambiguous')
    const line = await stand.auditOf(answer)
    assert.deepEqual([line['status'], line['reason'], line['decision']], [400, 'request-ambiguous', 'deny'])
    assert.equal(line['bytesOut'], Buffer.byteLength(answer.body, 'latin1'))
    const trail = readFileSync(join(stand.folder, 'audit.ndjson'), 'utf8').trim().split('\n')
    assert.equal(trail.filter((each) => each.includes('"method":"PATCH"')).length, 1, trail.join('\n'))
    assert.deepEqual(
      stand.upstream.requests.filter(({ startLine }) => startLine.startsWith('PATCH')),
      [],
    )
  })
}

test('a body that stops coming after part of it went up is answered 408 and has one audit line, with both', async (context) => {
  const stand = await makeStand(context, {
    config: (text) => `${text}limits: { requestTimeoutMs: 200, upstreamTimeoutMs: 100 }\n`,
  })
  const client = await openRaw(stand.port, stand.tls(stand.partner, { servername: authHost }))
  const fields = ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 60']
  const target = '/auth/realms/ror/protocol/openid-connect/token'
  client.send(`${rawRequest({ method: 'POST', host: authHost, target, fields })}grant_type=`)
  const answer = await client.answer()
  await client.closed
  assert.equal(answer.status, 408)
  assert.equal(reasonOf(answer), 'request-timeout')
  const line = await stand.auditOf(answer)
  assert.deepEqual([line['status'], line['reason'], line['decision']], [408, 'request-timeout', 'deny'])
  assert.deepEqual([line['bytesIn'], line['bytesOut']], [11, Buffer.byteLength(answer.body, 'latin1')])
  const trail = readFileSync(join(stand.folder, 'audit.ndjson'), 'utf8').trim().split('\n')
  assert.equal(trail.filter((each) => each.includes('"event":"request"')).length, 1, trail.join('\n'))
})

test('a request that the parser gives up is told what is wrong with it, and audited with who sent it', async (context) => {
  const stand = await makeStand(context)
  const client = await openRaw(stand.port, stand.tls())
  client.send(`GET /ws-diffusion-fhir/Location HTTP/1.1\r\nHost : ${fhirHost}\r\n\r\n`)
  const answer = await client.answer()
  await client.closed
  assert.equal(answer.status, 400)
  assert.match(answer.body, /problem: a field line holds what must not stand there/)
  assert.equal(answer.fields.filter(([name]) => name.toLowerCase() === 'date').length, 1)
  const line = await stand.auditOf(answer)
  assert.deepEqual([line['status'], line['reason'], line['decision']], [400, 'request-ambiguous', 'deny'])
  assert.equal(line['bytesOut'], Buffer.byteLength(answer.body, 'latin1'))
  assert.equal(line['serialNumber'], stand.partner.serialNumber)
  assert.equal(stand.upstream.requests.length, 0)
})

test('who asks for a tunnel is told that there is none, audited, and reaches nobody', async (context) => {
  const stand = await makeStand(context)
  const client = await openRaw(stand.port, stand.tls())
  client.send(`CONNECT ${fhirHost}:443 HTTP/1.1\r\nHost: ${fhirHost}\r\n\r\n${rawRequest({})}`)
  const answer = await client.answer()
  await client.closed
  assert.equal(answer.status, 400)
  assert.equal(reasonOf(answer), 'request-ambiguous')
  assert.match(answer.body, /CONNECT asks for a tunnel/)
  assert.equal(client.pending(), '')
  const line = await stand.auditOf(answer)
  assert.deepEqual([line['status'], line['serialNumber']], [400, stand.partner.serialNumber])
  assert.equal((await stand.send({})).status, 200)
  assert.equal(stand.upstream.requests.length, 1)
})

test('a write in chunks of one byte goes up whole', async (context) => {
  const stand = await makeStand(context)
  const client = await openRaw(stand.port, stand.tls())
  const padding = ' '.repeat(60_000)
  const head = ['Content-Type: application/fhir+json', 'Transfer-Encoding: chunked']
  client.send(rawRequest({ method: 'PATCH', target: permittedTarget, fields: head }))
  client.send(
    `${'1\r\n \r\n'.repeat(padding.length)}${patchBody.length.toString(16)}\r\n${patchBody}\r\n0\r\n\r\n`,
  )
  assert.equal((await client.answer()).status, 200)
  client.destroy()
  assert.equal(stand.upstream.requests[0]?.body, padding + patchBody)
})

test('a certificate of anybody’s own with a thousand purposes is refused before they are remembered', async (context) => {
  const stand = await makeStand(context)
  const own = await makeTestPki()
  const purposes = Array.from({ length: 1_000 }, (_, index) => `1.2.3.${index}`)
  const client = await own.client({ extendedKeyUsage: purposes })
  const answer = await stand.send({ client: { ...client, chainPem: client.certPem } })
  assert.equal(reasonOf(answer), 'certificate-untrusted')
  assert.match(answer.body, /at most 64 purposes/)
  assert.equal(stand.upstream.connections.length, 0)
})
