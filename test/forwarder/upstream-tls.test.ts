import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { UpstreamTls } from '../../src/http/forwarder.js'
import { valuesOf } from '../support/http-message.js'
import { day, makeTestPki } from '../support/pki.js'
import type { RecorderTls } from '../support/recorder.js'
import { everyEngine, type OpenStand } from './stand.js'

const pki = makeTestPki()
const clientPki = makeTestPki({ prefix: 'UPSTREAM ' })
const get = 'GET /a HTTP/1.1\r\nHost: bas-api-fhir.qualif.ror.esante.gouv.fr\r\n\r\n'
const patch = 'PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc'

everyEngine(
  'an https upstream is verified against its own name, and its connections are kept',
  async (t, stand) => {
    const { chainPem, keyPem } = await (await pki).server(['127.0.0.1'])
    const stage = await stand(t, {
      upstreamTls: { cert: chainPem, key: keyPem },
      showing: { id: 'own', authorities: [(await pki).caPem] },
    })
    const client = await stage.open()
    for (let round = 0; round < 3; round += 1) {
      client.send(get)
      assert.equal((await client.answer()).status, 200)
    }
    assert.equal(stage.recorder.connections.length, 1)
    assert.deepEqual(valuesOf(await stage.recorder.request(0), 'host'), [
      'bas-api-fhir.qualif.ror.esante.gouv.fr',
    ])
  },
)

everyEngine('an https upstream is verified against the name that is configured for it', async (t, stand) => {
  const { chainPem, keyPem } = await (await pki).server(['ror.interne.example'])
  const stage = await stand(t, {
    upstreamTls: { cert: chainPem, key: keyPem },
    showing: { id: 'named', authorities: [(await pki).caPem], serverName: 'ror.interne.example' },
  })
  const client = await stage.open()
  client.send(get)
  assert.equal((await client.answer()).status, 200)
})

everyEngine('an https upstream that asks for a certificate is shown the configured one', async (t, stand) => {
  const { certificate, keyPem, chainPem } = await (await clientPki).client()
  const stage = await stand(t, {
    upstreamTls: await serverTls(['127.0.0.1'], { clientCa: (await clientPki).rootPem }),
    showing: { id: 'mutual', authorities: [(await pki).caPem], certificate: chainPem, key: keyPem },
  })
  const client = await stage.open()
  client.send(get)
  assert.equal((await client.answer()).status, 200)
  const socket = stage.recorder.connections[0]?.socket
  assert.ok(socket !== undefined && 'getPeerX509Certificate' in socket)
  const shown: unknown = Reflect.apply(socket.getPeerX509Certificate as () => unknown, socket, []) // a TLS socket has it
  assert.ok(shown instanceof Object && 'serialNumber' in shown)
  assert.equal(shown.serialNumber, certificate.serialNumber)
})

everyEngine('other material of TLS travels on connections of its own', async (t, stand) => {
  const showing = { id: 'first', authorities: [(await pki).caPem] }
  const stage = await stand(t, { upstreamTls: await serverTls(['127.0.0.1']), showing })
  const client = await stage.open()
  client.send(get)
  assert.equal((await client.answer()).status, 200)
  // the authority is trusted no more: the connection that it opened is used no more
  showing.id = 'second'
  showing.authorities = [(await clientPki).caPem]
  client.send(get)
  assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-tls'])
  assert.equal(stage.recorder.requests.length, 1)
})

const refused: readonly (readonly [
  what: string,
  upstream: () => Promise<RecorderTls>,
  showing: () => Promise<UpstreamTls | undefined>,
])[] = [
  ['of another name', () => serverTls(['bas-api-fhir.qualif.ror.esante.gouv.fr']), () => trusting(pki)],
  [
    'of another name than the configured one',
    () => serverTls(['127.0.0.1']),
    async () => ({ ...(await trusting(pki)), serverName: 'ror.interne.example' }),
  ],
  ['of another authority', () => serverTls(['127.0.0.1']), () => trusting(clientPki)],
  [
    'of an authority that Node does not know',
    () => serverTls(['127.0.0.1']),
    () => Promise.resolve(undefined),
  ],
  [
    'whose certificate has ended',
    async () => {
      const ended = await (await pki).server(['127.0.0.1'], { notAfter: Date.now() - day })
      return { cert: ended.chainPem, key: ended.keyPem }
    },
    () => trusting(pki),
  ],
]
for (const [what, upstream, showing] of refused) {
  for (const [method, request] of [
    ['a read', get],
    ['a write', patch],
  ] as const) {
    everyEngine(
      `an https upstream ${what} fails as upstream-tls, and ${method} sends it nothing`,
      async (t, stand) => {
        const stage = await tlsStand({ t, stand }, await upstream(), await showing())
        const client = await stage.open()
        client.send(request)
        assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-tls'])
        const outcome = await stage.outcome(0)
        assert.equal(outcome.kind === 'failed' ? outcome.reach : outcome.kind, 'unsent')
        await stage.forwarder.close()
        assert.equal(stage.recorder.requests.length, 0)
        assert.deepEqual(
          stage.recorder.connections.map(({ text }) => text),
          stage.recorder.connections.map(() => ''),
        )
      },
    )
  }
}

everyEngine(
  'an https upstream that is not shown the certificate it asks for fails as upstream-tls, and handles nothing',
  async (t, stand) => {
    const stage = await tlsStand(
      { t, stand },
      await serverTls(['127.0.0.1'], { clientCa: (await clientPki).rootPem }),
      await trusting(pki),
    )
    const client = await stage.open()
    client.send(patch)
    assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-tls'])
    assert.equal(stage.recorder.requests.length, 0)
  },
)

async function serverTls(hosts: readonly string[], more: { clientCa?: string } = {}): Promise<RecorderTls> {
  const { chainPem, keyPem } = await (await pki).server(hosts)
  return { cert: chainPem, key: keyPem, ...more }
}

async function trusting(authority: typeof pki): Promise<UpstreamTls> {
  return { id: 'trusting', authorities: [(await authority).caPem] }
}

function tlsStand(
  { t, stand }: { t: TestContext; stand: OpenStand },
  upstreamTls: RecorderTls,
  showing: UpstreamTls | undefined,
) {
  return stand(t, { upstreamTls, ...(showing !== undefined && { showing }) })
}
