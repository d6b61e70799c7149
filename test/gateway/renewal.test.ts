import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { formatSpkiSha256 } from '../../src/core/spki.js'
import { parseCertificate, type Certificate } from '../../src/x509/certificate.js'
import { clientName, makeTestPki, type TestCertificate } from '../support/pki.js'
import { makeStand, reasonOf, standardWhitelist, subjectOf, type Stand } from './stand.js'

interface RenewalShown {
  readonly kind: string
  readonly partner: string
  readonly outcome: string
  readonly line: string
  readonly place: string
  readonly certificateSha256: string
}

function read(client: TestCertificate): Certificate {
  const parsed = parseCertificate(client.der)
  assert.ok(parsed.ok)
  return parsed.value
}

const pinOf = (client: TestCertificate) => formatSpkiSha256(read(client).spkiSha256)

/** What `/status` lists. */
async function renewals(stand: Stand): Promise<readonly RenewalShown[]> {
  const { admin } = stand.gateway
  assert.ok(admin)
  return new Promise((resolve, reject) => {
    const ask = request({ ...admin, path: '/status' }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const status = JSON.parse(text) as { environments: { renewals: RenewalShown[] }[] } // as `/status` answers
        resolve(status.environments[0]?.renewals ?? [])
      })
    })
    ask.on('error', reject)
    ask.end()
  })
}

const byKey = (pin: string) => `partners:
  - id: consumer
    name: Consommateur
    solution: consumer
    certificates: [{ publicKey: ${JSON.stringify(pin)} }]
    apis: [csd, token]
`

const csd = { method: 'GET', target: '/csd/x' }

test('a listed name that comes with a new key is let in by its name, and told of once', async (context) => {
  const stand = await makeStand(context)
  const first = await stand.auditOf(await stand.send({}))
  assert.equal(first['renewal'], undefined)
  const renewed = await stand.pki.client()
  assert.equal(subjectOf(renewed), subjectOf(stand.partner))
  const answer = await stand.send({ client: renewed })
  assert.equal(answer.status, 200)
  const event = await stand.auditOf(answer)
  assert.deepEqual([event['renewal'], event['renewalOf']], ['new-key', 'eai-bretagne'])
  // both are used side by side from here on
  for (const client of [stand.partner, renewed, stand.partner]) {
    assert.equal((await stand.auditOf(await stand.send({ client })))['renewal'], undefined)
  }
  const listed = await renewals(stand)
  assert.deepEqual(
    listed.map(({ kind, partner, outcome, line }) => [kind, partner, outcome, line]),
    [['new-key', 'eai-bretagne', 'listed', `- publicKey: "${pinOf(renewed)}"`]],
  )
  assert.match(listed[0]?.place ?? '', /whitelist\/partner\.yaml:6:\d+$/)
})

test('a listed key that comes with a new name is let in by its key, and told of once', async (context) => {
  const stand = await makeStand(context)
  const named = await stand.pki.client({ subject: clientName('BEFORE') })
  stand.write('whitelist/consumer.yaml', byKey(pinOf(named)))
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
  assert.equal((await stand.send({ ...csd, client: named })).status, 200)
  const renamed = await stand.pki.client({ subject: clientName('AFTER'), keys: named.keys })
  const answer = await stand.send({ ...csd, client: renamed })
  assert.equal(answer.status, 200)
  const event = await stand.auditOf(answer)
  assert.deepEqual([event['renewal'], event['renewalOf']], ['new-name', 'consumer'])
  const [renewal] = await renewals(stand)
  assert.equal(renewal?.line, `- subject: "${subjectOf(renamed)}"`)
})

test('a listed key with a new name, where names count, is refused without a word of the partner', async (context) => {
  const stand = await makeStand(context)
  const keyed = await stand.pki.client({ subject: clientName('SECOND') })
  stand.write('whitelist/consumer.yaml', byKey(pinOf(keyed)).replace('[csd, token]', '[csd, fhir-read]'))
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
  const answer = await stand.send({ client: keyed })
  assert.equal(reasonOf(answer), 'certificate-not-listed')
  assert.equal(stand.upstream.requests.length, 0)
  assert.ok(!answer.body.includes('consumer') && !answer.body.includes('Consommateur'))
  const event = await stand.auditOf(answer)
  assert.deepEqual(
    [event['partner'], event['renewal'], event['renewalOf']],
    [undefined, 'new-name', 'consumer'],
  )
  const [renewal] = await renewals(stand)
  assert.deepEqual([renewal?.outcome, renewal?.line], ['refused', `- subject: "${subjectOf(keyed)}"`])
})

test('an entry that pins another key refuses the renewed certificate, and the operator gets its line', async (context) => {
  const stand = await makeStand(context, {
    whitelist: (subject) =>
      standardWhitelist(subject).replace(
        /(- subject: .*)\n/,
        `$1\n        publicKey: "sha256:${Buffer.alloc(32, 7).toString('base64')}"\n`,
      ),
  })
  const answer = await stand.send({})
  assert.equal(reasonOf(answer), 'certificate-not-listed')
  assert.equal(stand.upstream.requests.length, 0)
  const again = await stand.send({})
  assert.equal((await stand.auditOf(answer))['renewal'], 'new-key')
  assert.equal((await stand.auditOf(again))['renewal'], undefined)
  assert.deepEqual(
    (await renewals(stand)).map(({ outcome, line }) => [outcome, line]),
    [['refused', `- publicKey: "${pinOf(stand.partner)}"`]],
  )
})

test('a new key of a partner listed by its key alone is refused, and the operator gets its line', async (context) => {
  const stand = await makeStand(context)
  const old = await stand.pki.client({ subject: clientName('KEYED') })
  stand.write('whitelist/consumer.yaml', byKey(pinOf(old)))
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
  assert.equal((await stand.send({ ...csd, client: old })).status, 200)
  const renewed = await stand.pki.client({ subject: clientName('KEYED') })
  const arrived = stand.upstream.requests.length
  const answer = await stand.send({ ...csd, client: renewed })
  assert.equal(reasonOf(answer), 'certificate-not-listed')
  assert.equal(stand.upstream.requests.length, arrived)
  const event = await stand.auditOf(answer)
  assert.deepEqual([event['renewal'], event['renewalOf']], ['new-key', 'consumer'])
  const [renewal] = await renewals(stand)
  assert.deepEqual([renewal?.outcome, renewal?.line], ['refused', `- publicKey: "${pinOf(renewed)}"`])
})

test('a certificate that is let in by its name, and asks where keys count, is no renewal', async (context) => {
  const stand = await makeStand(context)
  assert.equal((await stand.send({})).status, 200)
  const answer = await stand.send(csd)
  assert.equal(reasonOf(answer), 'certificate-not-listed')
  assert.equal((await stand.auditOf(answer))['renewal'], undefined)
  assert.deepEqual(await renewals(stand), [])
})

test('a stranger is no renewal', async (context) => {
  const stand = await makeStand(context)
  const stranger = await stand.pki.client({ subject: clientName('STRANGER') })
  const answer = await stand.send({ client: stranger })
  assert.equal(reasonOf(answer), 'certificate-not-listed')
  assert.equal((await stand.auditOf(answer))['renewal'], undefined)
  assert.deepEqual(await renewals(stand), [])
})

test('a listed name below an authority of nobody is no renewal', async (context) => {
  const stand = await makeStand(context)
  const forged = await (await makeTestPki()).client()
  const answer = await stand.send({ client: forged })
  assert.equal(reasonOf(answer), 'certificate-untrusted')
  assert.equal(stand.upstream.requests.length, 0)
  assert.deepEqual(await renewals(stand), [])
})
