import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { queryObjects } from 'node:v8'
import { toPem } from '../../src/x509/pem.js'
import { clientName, makeTestPki } from '../support/pki.js'
import { valuesOf } from '../support/http-message.js'
import { openRaw } from '../support/raw-client.js'
import { fhirHost, makeStand, rawRequest, subjectOf } from './stand.js'

test('a connection that waits for its next request keeps nothing of the last one', async (context) => {
  const stand = await makeStand(context)
  const clients = []
  for (let index = 0; index < 5; index += 1) {
    const client = await openRaw(stand.port, stand.tls())
    context.after(() => {
      client.destroy()
    })
    client.send(rawRequest({}))
    assert.equal((await client.answer()).status, 200)
    clients.push(client)
  }
  // a query collects garbage first; an answer is let go of in the turns behind its last byte
  for (const kind of [ServerResponse, IncomingMessage]) {
    let left = Infinity
    for (let turn = 0; left > 0 && turn < 20; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      left = queryObjects(kind, { format: 'count' })
    }
    assert.equal(left, 0, kind.name)
  }
  assert.ok(clients.every(({ socket }) => !socket.destroyed))
})

test('connections of one certificate are told apart: host, protocol, and how they came', async (context) => {
  const stand = await makeStand(context, {
    config: (text) => text.replaceAll(`hosts: [${fhirHost}]`, `hosts: [${fhirHost}, other.example]`),
  })
  const tlsVersions = []
  for (const [host, maxVersion] of [
    [fhirHost, 'TLSv1.3'],
    ['other.example', 'TLSv1.2'],
    [fhirHost, 'TLSv1.2'],
  ] as const) {
    const client = await openRaw(stand.port, stand.tls(stand.partner, { maxVersion }))
    client.send(rawRequest({ host }))
    const answer = await client.answer()
    assert.equal(answer.status, 200)
    client.destroy()
    tlsVersions.push((await stand.auditOf(answer))['tlsVersion'])
    const request = stand.upstream.requests.at(-1)
    assert.ok(request !== undefined)
    assert.deepEqual(valuesOf(request, 'x-forwarded-host'), [host])
  }
  assert.deepEqual(tlsVersions, ['TLSv1.3', 'TLSv1.2', 'TLSv1.2'])
})

test('a certificate made to look like a known one is nobody else than itself', async (context) => {
  const stand = await makeStand(context)
  assert.equal((await stand.send({})).status, 200)
  const { serialNumber, der: known } = stand.partner
  const subject = clientName('UNLISTED')
  const foreign = await (await makeTestPki()).client({ serialNumber, subject })
  // who signs by himself can end in any bytes: TLS asks for the key alone
  const forged = Buffer.from(foreign.der)
  forged.set(known.subarray(-32), forged.length - 32)
  for (const [client, status, reason] of [
    [{ ...foreign, der: forged, chainPem: toPem('CERTIFICATE', forged) }, 401, 'certificate-untrusted'],
    [await stand.pki.client({ serialNumber, subject }), 403, 'certificate-not-listed'],
  ] as const) {
    const answer = await stand.send({ client })
    assert.equal(answer.status, status)
    assert.deepEqual(valuesOf(answer, 'ror-gateway-reason'), [reason])
    const { subject } = await stand.auditOf(answer)
    assert.equal(subject, subjectOf(client))
  }
  assert.equal((await stand.send({})).status, 200)
  assert.equal(stand.upstream.requests.length, 2)
})

test('a connection outlives the first one of its certificate, and another list of authorities', async (context) => {
  const stand = await makeStand(context, {
    config: (text) => text.replace(/ *crl: .*\n/, '').replace('crlPolicy: require', 'crlPolicy: off'),
  })
  // its chain is known from now on, and what was presented is not asked for again
  const earlier = await openRaw(stand.port, stand.tls())
  earlier.send(rawRequest({}))
  assert.equal((await earlier.answer()).status, 200)
  earlier.socket.end()
  await earlier.closed
  const [first, second] = [await openRaw(stand.port, stand.tls()), await openRaw(stand.port, stand.tls())]
  context.after(() => {
    second.destroy()
  })
  const ask = async (client: typeof first): Promise<readonly string[]> => {
    client.send(rawRequest({}))
    const answer = await client.answer()
    assert.equal(answer.status, 200)
    return valuesOf(answer, 'connection')
  }
  await ask(first)
  first.destroy()
  await ask(second)
  await ask(second)
  // Node 24 does not tell what else a client presented: there, its authority has to be configured still
  const isTold = Number.parseInt(process.versions.node, 10) < 24
  const { rootPem: another } = await makeTestPki()
  stand.write('pki/client-ca.pem', (isTold ? stand.pki.rootPem : stand.pki.caPem) + another)
  const report = await stand.gateway.reload('signal')
  assert.equal(report.result, 'reloaded', JSON.stringify(report))
  assert.deepEqual(await ask(second), ['keep-alive'])
})
