import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import { clientName, day, makeTestPki, type TestCertificate } from '../support/pki.js'
import { read } from '../x509/issuing.js'
import { answerOf } from '../x509/ocsp-responding.js'
import { startScripted } from './revocation-responder.js'
import { makeStand, rawRequest, reasonOf, subjectOf } from './stand.js'

const now = Date.now()
const revoked = { serialNumber: '1f00000000000000000000000000000b' }

test('handshake strict refuses before the first request, and says in audit and metric who and why', async (context) => {
  const stand = await makeStand(context, {
    config: (text) => text.replace('crlPolicy: require', 'crlPolicy: require\n      handshake: strict'),
    crl: (pki) => pki.crl([revoked]),
  })
  const refused: readonly (readonly [reason: string, client: TestCertificate | null])[] = [
    ['certificate-missing', null],
    ['certificate-untrusted', await (await makeTestPki()).client()],
    ['certificate-revoked', await stand.pki.client(revoked)],
    ['certificate-expired', await stand.pki.client({ notBefore: now - 9 * day, notAfter: now - day })],
  ]
  for (const [index, [reason, client]] of refused.entries()) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const tls = stand.tls(client ?? undefined, { minVersion: version, maxVersion: version })
      const shown = client === null ? { ...tls, cert: undefined, key: undefined } : tls
      assert.equal(await heardFrom(stand.port, shown), '')
      const events = await handshakesOf(stand.folder, () => stand.gateway.flushAudit())
      assert.equal(events.length, index * 2 + (version === 'TLSv1.2' ? 1 : 2))
      const event = events.at(-1)
      assert.equal(event?.['reason'], reason)
      assert.equal(event['decision'], 'deny')
      assert.equal(event['tlsVersion'], version)
      assert.equal(event['serialNumber'], client?.serialNumber)
      assert.equal(event['subject'], client === null ? undefined : subjectOf(client))
    }
  }
  assert.equal(stand.upstream.connections.length, 0)
  assert.equal((await stand.send({})).status, 200)
  const unlisted = await stand.pki.client({ subject: clientName('NOBODY') })
  assert.equal(reasonOf(await stand.send({ client: unlisted })), 'certificate-not-listed')
  const { host, port } = stand.gateway.admin ?? { host: '', port: 0 }
  const metrics = await (await fetch(`http://${host}:${port}/metrics`)).text()
  assert.match(metrics, /handshakes_total\{environment="sandbox",result="refused"\} 8\n/)
  assert.match(metrics, /ror_gateway_connections\{environment="sandbox"\} [01]\n/)
})

test('handshake strict knows what a responder has said of a certificate before', async (context) => {
  const responder = await startScripted(context)
  const stand = await makeStand(context, {
    config: (text) =>
      text.replace(
        'crlPolicy: require',
        `crlPolicy: require\n      handshake: strict\n      ocsp: { mode: hard, url: "${responder.url}" }`,
      ),
  })
  const { pki, partner } = stand
  responder.answer = (response) => {
    const singles = [
      {
        certificate: read(partner.der),
        issuer: read(pki.intermediate.certificate),
        status: 'revoked' as const,
        thisUpdate: now - day,
        nextUpdate: now + day,
      },
    ]
    response.setHeader('Content-Type', 'application/ocsp-response')
    response.end(answerOf(pki.intermediate, { singles }))
  }
  const first = await stand.send({})
  assert.equal(reasonOf(first), 'certificate-revoked')
  assert.equal(await heardFrom(stand.port, stand.tls()), '')
  const [event] = await handshakesOf(stand.folder, () => stand.gateway.flushAudit())
  assert.equal(event?.['reason'], 'certificate-revoked')
  assert.equal(event['serialNumber'], partner.serialNumber)
  assert.equal(stand.upstream.connections.length, 0)
})

/** What a server says to a client that sends a request as soon as it may, until the connection is closed. */
async function heardFrom(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', ...options })
  let heard = ''
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
  // a reset, before or after the client thinks the handshake done
  socket.on('error', () => undefined)
  socket.write(rawRequest({}))
  await new Promise((resolve) => socket.once('close', resolve))
  return heard
}

/** The handshake events of the audit trail. */
async function handshakesOf(
  folder: string,
  flush: () => Promise<boolean>,
): Promise<Record<string, unknown>[]> {
  await flush()
  return readFileSync(join(folder, 'audit.ndjson'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event":"handshake"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>) // an object, as the audit writes
}
