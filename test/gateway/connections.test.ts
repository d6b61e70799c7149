import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { TLSSocket } from 'node:tls'
import { clientName, day, makeTestPki, type TestPki } from '../support/pki.js'
import { openRaw, type RawClient } from '../support/raw-client.js'
import { until } from '../support/until.js'
import { makeStand, rawRequest, reasonOf, standardWhitelist, subjectOf, type Stand } from './stand.js'
import { visit, type Side } from './two-environments.js'

const request = rawRequest({ target: '/ws-diffusion-fhir/Location' })

/** A stand with two listed partners, each on an open connection that has had an answer. */
async function withTwo(context: TestContext, validUntil?: number) {
  const clock = { at: Date.now() }
  const crl = (pki: TestPki): string => pki.crl([], { nextUpdate: clock.at + 900 * day })
  const stand = await makeStand(context, { now: () => clock.at, crl })
  const second = await stand.pki.client({ subject: clientName('SECOND'), notAfter: clock.at + 900 * day })
  const until =
    validUntil === undefined ? '' : `    validUntil: ${new Date(validUntil).toISOString().slice(0, 10)}\n`
  const lists = {
    both: `${standardWhitelist(subjectOf(stand.partner))}${until}${entryOf(subjectOf(second))}`,
    second: `partners:\n${entryOf(subjectOf(second))}`,
  }
  stand.write('whitelist/partner.yaml', lists.both)
  await stand.gateway.reload('signal')
  const connect = async (client = stand.partner): Promise<RawClient> => {
    const connection = await openRaw(stand.port, stand.tls(client))
    connection.send(request)
    assert.equal((await connection.answer()).status, 200)
    return connection
  }
  const [one, other] = [await connect(), await connect(second)]
  context.after(() => {
    one.destroy()
    other.destroy()
  })
  return { stand, clock, second, lists, one, other }
}

function entryOf(subject: string): string {
  return `  - { id: second, name: Second, solution: consumer, apis: [fhir-read], certificates: [{ subject: ${JSON.stringify(subject)} }] }\n`
}

async function isServed(connection: RawClient): Promise<void> {
  connection.send(request)
  assert.equal((await connection.answer()).status, 200)
}

type Scene = Awaited<ReturnType<typeof withTwo>>

interface Loss {
  readonly what: string
  readonly reason: string
  readonly validUntil?: number
  readonly happens: (scene: Scene) => unknown
}

const losses: readonly Loss[] = [
  {
    what: 'is revoked',
    reason: 'certificate-revoked',
    happens: ({ stand }) => {
      stand.write('pki/client-ca.crl', stand.pki.crl([{ serialNumber: stand.partner.serialNumber }]))
      return stand.gateway.reload('signal')
    },
  },
  {
    what: 'is taken from the list',
    reason: 'certificate-not-listed',
    happens: ({ stand, lists }) => {
      stand.write('whitelist/partner.yaml', lists.second)
      return stand.gateway.reload('signal')
    },
  },
  {
    what: 'has the dates of its partner ended by a reload',
    reason: 'partner-expired',
    happens: ({ stand, lists }) => {
      const ended = lists.both.replace('regional-eai', 'regional-eai\n    validUntil: 2020-01-01')
      stand.write('whitelist/partner.yaml', ended)
      return stand.gateway.reload('signal')
    },
  },
  {
    what: 'expires',
    reason: 'certificate-expired',
    happens: ({ stand, clock }) => {
      clock.at = Date.parse(stand.partner.certificate.validTo) + 1_000
    },
  },
  {
    what: 'comes to its own last day in the list',
    reason: 'certificate-retired',
    happens: ({ stand, lists }) => {
      stand.write(
        'whitelist/partner.yaml',
        lists.both.replace(/^( *)- (subject: .*)$/m, '$1- $2\n$1  validUntil: 2020-01-01'),
      )
      return stand.gateway.reload('signal')
    },
  },
  {
    what: 'comes to the end of the dates of its partner',
    reason: 'partner-expired',
    validUntil: Date.now() + 30 * day,
    happens: ({ clock }) => {
      clock.at += 40 * day
    },
  },
]

for (const { what, reason, validUntil, happens } of losses) {
  test(`when a certificate ${what}, its open connections are closed, and no other is touched`, async (context) => {
    const scene = await withTwo(context, validUntil)
    const { one, other, stand } = scene
    const reached = stand.upstream.requests.length
    await happens(scene)
    await one.closed
    assert.equal(stand.upstream.requests.length, reached)
    await isServed(other)
    assert.equal(reasonOf(await stand.send({})), reason)
    assert.equal(stand.upstream.requests.length, reached + 1)
  })

  test(`when a certificate ${what}, the answer under way leaves whole, and the request behind it is refused`, async (context) => {
    const scene = await withTwo(context, validUntil)
    const { one, stand } = scene
    const reached = stand.upstream.requests.length
    let release: () => void = () => undefined
    stand.upstream.answer = ({ socket }) => {
      release = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      return undefined
    }
    one.send(request)
    await stand.upstream.request(reached)
    one.send(request)
    await happens(scene)
    release()
    assert.equal((await one.answer()).body, 'ok')
    assert.equal(reasonOf(await one.answer()), reason)
    await one.closed
    assert.equal(stand.upstream.requests.length, reached + 1)
  })
}

test('a stale CRL closes no connection: refusing is enough, and it passes', async (context) => {
  const { stand, clock, one, other } = await withTwo(context)
  clock.at = Date.parse(stand.partner.certificate.validTo) - day
  stand.write('pki/client-ca.crl', stand.pki.crl())
  await stand.gateway.reload('signal')
  one.send(request)
  assert.equal(reasonOf(await one.answer()), 'revocation-unknown')
  stand.write('pki/client-ca.crl', stand.pki.crl([], { thisUpdate: clock.at, nextUpdate: clock.at + day }))
  await stand.gateway.reload('signal')
  await isServed(one)
  await isServed(other)
})

test('swapped anchors close the connections of the old ones', async (context) => {
  const { stand, one, other } = await withTwo(context)
  const fresh = await makeTestPki({ prefix: 'FRESH ' })
  stand.write('pki/client-ca.pem', fresh.caPem)
  stand.write('pki/client-ca.crl', fresh.crl())
  await stand.gateway.reload('signal')
  await Promise.all([one.closed, other.closed])
  assert.equal(reasonOf(await stand.send({})), 'certificate-untrusted')
})

test('a new server certificate is shown to new connections, and open ones go on', async (context) => {
  const { stand, one, other } = await withTwo(context)
  const renewed = await stand.pki.server(['bas-api-fhir.qualif.ror.esante.gouv.fr'])
  stand.write('pki/server.pem', renewed.chainPem)
  stand.write('pki/server.key', renewed.keyPem)
  await stand.gateway.reload('signal')
  const fresh = await openRaw(stand.port, stand.tls())
  assert.ok(fresh.socket instanceof TLSSocket)
  assert.equal(fresh.socket.getPeerX509Certificate()?.serialNumber.toLowerCase(), renewed.serialNumber)
  fresh.destroy()
  await isServed(one)
  await isServed(other)
})

test('a server key that does not belong to its certificate is refused, and the old pair stays', async (context) => {
  const { stand, one } = await withTwo(context)
  stand.write('pki/server.key', stand.partner.keyPem)
  const report = await stand.gateway.reload('signal')
  assert.equal(report.result, 'refused')
  assert.deepEqual(
    report.diagnostics.map(({ code }) => code),
    ['server-key'],
  )
  await isServed(one)
  assert.equal((await stand.send({})).status, 200)
})

function sideOf(stand: Stand): Side {
  const host = 'bas-api-fhir.qualif.ror.esante.gouv.fr'
  return { name: 'sandbox', host, port: stand.port, pki: stand.pki, client: stand.partner }
}

async function isResumed(stand: Stand, session: Buffer): Promise<boolean> {
  const { answer } = await visit(sideOf(stand), { client: stand.partner, session })
  return (await stand.auditOf(answer))['resumed'] === true
}

test('a resumed session of a certificate that was revoked or taken from the list since opens nothing', async (context) => {
  for (const tls of [{ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }] as const) {
    const stand = await makeStand(context)
    const { session } = await visit(sideOf(stand), { client: stand.partner, tls })
    const reached = stand.upstream.requests.length
    stand.write(
      'whitelist/partner.yaml',
      standardWhitelist(subjectOf(await stand.pki.client({ subject: clientName('X') }))),
    )
    await stand.gateway.reload('signal')
    const unlisted = await visit(sideOf(stand), { client: stand.partner, session, tls })
    assert.equal(reasonOf(unlisted.answer), 'certificate-not-listed')
    // the list says nothing about trust: the session itself still stands
    assert.equal((await stand.auditOf(unlisted.answer))['resumed'], true)
    stand.write('pki/client-ca.crl', stand.pki.crl([{ serialNumber: stand.partner.serialNumber }]))
    await stand.gateway.reload('signal')
    const revoked = await visit(sideOf(stand), { client: stand.partner, session, tls })
    assert.equal(reasonOf(revoked.answer), 'certificate-revoked')
    assert.equal((await stand.auditOf(revoked.answer))['resumed'], false)
    assert.equal(stand.upstream.requests.length, reached)
  }
})

test('ticket keys are replaced when their hours are over', async (context) => {
  const clock = { at: Date.now() }
  const stand = await makeStand(context, { now: () => clock.at })
  const { session } = await visit(sideOf(stand), { client: stand.partner })
  assert.equal(await isResumed(stand, session), true)
  clock.at += 12 * 3_600_000
  // seen at the next heartbeat
  await until('other ticket keys', async () => !(await isResumed(stand, session)))
})

test('processes with one ticket keys file resume each other’s sessions, and a new secret ends them', async (context) => {
  const secret = Buffer.alloc(48, 7).toString('base64')
  const first = await makeStand(context, {
    config: (text) =>
      text.replace('crlPolicy: require', 'crlPolicy: require\n      ticketKeysFile: pki/tickets'),
    prepare: ({ write }) => {
      write('pki/tickets', secret)
    },
  })
  const read = (file: string): string => readFileSync(join(first.folder, file), 'utf8')
  const files = ['server.pem', 'server.key', 'client-ca.pem', 'client-ca.crl', 'tickets'].map(
    (name) => `pki/${name}`,
  )
  const second = await makeStand(context, {
    config: (text) =>
      text.replace('crlPolicy: require', 'crlPolicy: require\n      ticketKeysFile: pki/tickets'),
    whitelist: () => read('whitelist/partner.yaml'),
    prepare: ({ write }) => {
      for (const file of files) write(file, read(file))
    },
  })
  const { session } = await visit(sideOf(first), { client: first.partner })
  const there = { ...sideOf(first), port: second.port }
  const resumed = await visit(there, { client: first.partner, session })
  assert.equal(resumed.answer.status, 200)
  assert.equal((await second.auditOf(resumed.answer))['resumed'], true)
  second.write('pki/tickets', Buffer.alloc(48, 8).toString('base64'))
  await second.gateway.reload('signal')
  const whole = await visit(there, { client: first.partner, session })
  assert.equal(whole.answer.status, 200)
  assert.equal((await second.auditOf(whole.answer))['resumed'], false)
  second.write('pki/tickets', 'c2hvcnQ=')
  const report = await second.gateway.reload('signal')
  assert.deepEqual(
    report.diagnostics.map(({ code }) => code),
    ['ticket-keys'],
  )
})
