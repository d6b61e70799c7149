import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jwtOf } from '../oauth/jwt.js'
import { openRaw } from '../support/raw-client.js'
import { IdentityCache } from '../../src/gateway/identity.js'
import { makeTestPki } from '../support/pki.js'
import { makeStand, rawRequest, reasonOf } from './stand.js'

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

test('what is remembered of certificates that anybody may show is bounded by their size', async () => {
  const pki = await makeTestPki()
  const usual = await pki.client()
  const large = await pki.client({ crlDistributionPoints: [`http://crl.example/${'a'.repeat(20_000)}`] })
  const cache = new IdentityCache(4)
  const isKept = (certificate: Uint8Array): boolean => {
    const { hits } = cache
    const peer = { presented: [], serverName: undefined, protocol: '', resumed: false, address: '' }
    assert.ok(cache.identify({ ...peer, certificate }).ok)
    return cache.hits > hits
  }
  assert.deepEqual([isKept(usual.der), isKept(usual.der)], [false, true])
  assert.deepEqual([isKept(large.der), isKept(large.der)], [false, false])
  assert.ok(isKept(usual.der))
})
