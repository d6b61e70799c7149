import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../support/http-message.js'
import { makeTestPki } from '../support/pki.js'
import { stand } from './stand.js'

const pki = makeTestPki()
const get = 'GET /a HTTP/1.1\r\nHost: bas-api-fhir.qualif.ror.esante.gouv.fr\r\n\r\n'

test('an https upstream is verified against its own name, and its connections are kept', async (t) => {
  const { caPem } = await pki
  const { chainPem, keyPem } = await (await pki).server(['127.0.0.1'])
  const stage = await stand(t, { upstreamTls: { cert: chainPem, key: keyPem }, authorities: [caPem] })
  const client = await stage.open()
  for (let round = 0; round < 3; round += 1) {
    client.send(get)
    assert.equal((await client.answer()).status, 200)
  }
  assert.equal(stage.recorder.connections.length, 1)
  assert.deepEqual(valuesOf(await stage.recorder.request(0), 'host'), [
    'bas-api-fhir.qualif.ror.esante.gouv.fr',
  ])
})

test('an https upstream of another name is refused before anything is sent', async (t) => {
  const { caPem } = await pki
  const { chainPem, keyPem } = await (await pki).server(['bas-api-fhir.qualif.ror.esante.gouv.fr'])
  const stage = await stand(t, { upstreamTls: { cert: chainPem, key: keyPem }, authorities: [caPem] })
  const client = await stage.open()
  client.send(get)
  assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-refused'])
  assert.equal(stage.recorder.requests.length, 0)
})

test('an https upstream of an unknown authority is refused before anything is sent', async (t) => {
  const { chainPem, keyPem } = await (await pki).server(['127.0.0.1'])
  const stage = await stand(t, { upstreamTls: { cert: chainPem, key: keyPem } })
  const client = await stage.open()
  client.send('PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc')
  assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-refused'])
  assert.equal(stage.recorder.requests.length, 0)
})
