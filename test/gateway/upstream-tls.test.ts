import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { makeTestPki } from '../support/pki.js'
import { patchBody, permittedTarget } from './stand.js'
import { upstreamStand, type UpstreamStand } from './upstream-stand.js'

const serverPki = makeTestPki({ prefix: 'ROR ' })
const clientPki = makeTestPki({ prefix: 'GATEWAY ' })
const strangePki = makeTestPki({ prefix: 'STRANGE ' })

/** A server that asks for a certificate, and a gateway that trusts `ca` and shows its own. */
async function mutual(context: TestContext, ca: string): Promise<UpstreamStand> {
  const server = await (await serverPki).server(['ror.interne.example'])
  const client = await (await clientPki).client()
  return upstreamStand(context, {
    servers: 1,
    tls: { cert: server.chainPem, key: server.keyPem, clientCa: (await clientPki).rootPem },
    upstream: ([origin = '']) =>
      `{ servers: [${origin}], tls: { ca: [pki/ror-ca.pem], certificate: pki/gateway.pem, key: pki/gateway.key, serverName: ror.interne.example } }`,
    prepare: ({ write }) => {
      write('pki/ror-ca.pem', ca)
      write('pki/gateway.pem', client.chainPem)
      write('pki/gateway.key', client.keyPem)
    },
  })
}

test('an https upstream with an authority and a name of its own is shown our certificate, and followed by reloads', async (context) => {
  const stand = await mutual(context, (await serverPki).caPem)
  assert.equal((await stand.send({})).status, 200)
  assert.deepEqual(stand.counts(), [1])

  // trusted no more: the connection that was opened before is used no more
  stand.write('pki/ror-ca.pem', (await strangePki).caPem)
  assert.notEqual((await stand.gateway.reload('signal')).result, 'refused')
  for (const request of [{}, { method: 'PATCH', target: permittedTarget, body: patchBody }]) {
    const answer = await stand.send(request)
    assert.equal(answer.status, 502)
    assert.equal((await stand.auditOf(answer))['reason'], 'upstream-tls')
  }
  assert.deepEqual(stand.counts(), [1])
  assert.deepEqual(
    stand.servers[0]?.connections
      .slice(1)
      .map(({ text }) => text)
      .join(''),
    '',
  )

  stand.write('pki/ror-ca.pem', (await serverPki).caPem)
  assert.notEqual((await stand.gateway.reload('signal')).result, 'refused')
  assert.equal((await stand.send({})).status, 200)

  // a key that does not belong to the certificate is refused, with the place that names it
  const other = await (await clientPki).client()
  stand.write('pki/gateway.key', other.keyPem)
  const refused = await stand.gateway.reload('signal')
  assert.equal(refused.result, 'refused')
  assert.deepEqual([...new Set(refused.diagnostics.map(({ code }) => code))], ['upstream-key'])
  assert.match(
    refused.diagnostics[0]?.message ?? '',
    /^the key `.*gateway\.key` does not belong to `.*gateway\.pem`$/,
  )
  assert.equal((await stand.send({})).status, 200)
})

test('what is no certificate is no authority of an upstream', async (context) => {
  const stand = await mutual(context, (await serverPki).caPem)
  stand.write('pki/ror-ca.pem', 'nothing')
  const refused = await stand.gateway.reload('signal')
  assert.equal(refused.result, 'refused')
  assert.deepEqual([...new Set(refused.diagnostics.map(({ code }) => code))], ['upstream-ca'])
})
