import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { expiryFindings } from '../../src/gateway/expiry.js'
import { loadPolicy } from '../../src/gateway/load.js'
import { day, makeTestPki } from '../support/pki.js'
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

test('the ends of what upstreams are shown and verified by are told of: check and log, metric, /status', async (context) => {
  const now = Date.now()
  // authorities of a test last ten years: one that ends in 40 days, and the same names issued anew
  const ending = await makeTestPki({ prefix: 'ROR ', now: now - (10 * 365 - 40.5) * day })
  const server = await (await serverPki).server(['localhost'])
  const client = await (await clientPki).client({ notAfter: now + 20.5 * day })
  const stand = await upstreamStand(context, {
    servers: 1,
    tls: { cert: server.chainPem, key: server.keyPem },
    upstream: ([origin = '']) =>
      `{ servers: [${origin}], tls: { ca: [pki/ror-ca.pem], certificate: pki/gateway.pem, key: pki/gateway.key } }`,
    prepare: ({ write }) => {
      write('pki/ror-ca.pem', ending.caPem)
      write('pki/gateway.pem', client.chainPem)
      write('pki/gateway.key', client.keyPem)
    },
  })
  const said = async (): Promise<readonly string[]> => {
    const loaded = await loadPolicy(join(stand.folder, 'gateway.yaml'))
    assert.ok(loaded.ok)
    return expiryFindings(loaded.value.environments, now)
      .filter(({ code }) => code.startsWith('certificate'))
      .map(({ message }) => message)
  }
  const apis = '`token`, `fhir-read`, `fhir-write`, `csd` of `sandbox`'
  const [shown, intermediate, root, ...more] = await said()
  assert.match(shown ?? '', /^the certificate `.*gateway\.pem` shown to the upstream of `token`/)
  assert.ok(shown?.includes(`${apis} ends in 20 days, at `), shown)
  assert.ok(
    intermediate?.startsWith(
      `the authority \`ROR AC IGC-SANTE ELEMENTAIRE ORGANISATIONS\` that the upstream of ${apis} is verified by ends in 40 days`,
    ),
    intermediate,
  )
  assert.match(root ?? '', /^the authority `ROR AC RACINE/)
  assert.deepEqual(more, [])

  const series = (kind: string, subject: string): string =>
    `ror_gateway_upstream_certificate_not_after_timestamp_seconds{environment="sandbox",api="csd",kind="${kind}",subject="${subject}"}`
  const authority = 'ROR AC RACINE IGC-SANTE ELEMENTAIRE'
  const daysLeft = async (name: string): Promise<number> =>
    Math.floor((((await stand.metric(name)) ?? 0) * 1000 - now) / day)
  assert.equal(await daysLeft(series('shown', 'EMA')), 20)
  assert.equal(await daysLeft(series('authority', authority)), 40)
  assert.deepEqual(
    (await stand.endsOf('upstream-certificate')).map(({ name, daysLeft: left }) => [name, left]),
    ['token', 'fhir-read', 'fhir-write', 'csd'].map((api) => [`${api}: EMA`, 20]),
  )
  assert.equal((await stand.endsOf('upstream-authority')).length, 8)

  // issued anew, the old one beside it: the later end counts, and the new client certificate is in force
  stand.write('pki/ror-ca.pem', (await serverPki).caPem + ending.caPem)
  const next = await (await clientPki).client()
  stand.write('pki/gateway.pem', next.chainPem)
  stand.write('pki/gateway.key', next.keyPem)
  assert.deepEqual(await said(), [])
  await stand.gateway.reload('signal')
  assert.equal(await daysLeft(series('shown', 'EMA')), 364)
  assert.ok((await daysLeft(series('authority', authority))) > 3000)
})
