import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { SaxesParser } from 'saxes'
import { sharedPath } from '../support/shared.js'
import { valuesOf } from '../support/http-message.js'
import { fhirHost, makeStand, reasonOf, type StandWish } from './stand.js'
import { openRaw } from '../support/raw-client.js'

const samples = readdirSync(sharedPath('samples', 'csd')).filter((name) => name.endsWith('.xml'))
const listed: StandWish = {
  whitelist: () => 'partners:\n  - { id: csd, certificates: [{ publicKey: ../pki/key.pem }], apis: [csd] }\n',
  prepare: ({ write, partner }) => {
    write('pki/key.pem', partner.certPem)
  },
}

test('a CSD request', async (context) => {
  const stand = await makeStand(context, listed)
  let forwarded = 0

  await context.test('of every generic IHE sample goes through byte for byte', async () => {
    assert.ok(samples.length >= 10)
    const types = ['text/xml; charset=utf-8', 'application/soap+xml; charset=utf-8; action="urn:x"']
    for (const name of samples) {
      const body = readFileSync(sharedPath('samples', 'csd', name))
      for (const type of types) {
        const client = await openRaw(stand.port, stand.tls())
        client.send(
          `POST /csd/csr/x/careServicesRequest HTTP/1.1\r\nHost: ${fhirHost}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
        )
        client.send(body)
        assert.equal((await client.answer()).status, 200, name)
        client.destroy()
        const request = await stand.upstream.request(forwarded++)
        assert.ok(Buffer.from(request.body, 'latin1').equals(body), name)
        assert.deepEqual(valuesOf(request, 'content-type'), [type])
      }
    }
  })

  await context.test('keeps its SOAPAction, however odd', async () => {
    const actions = [
      '""',
      '',
      '"urn:ihe:iti:2014:CSD"',
      'urn:x y',
      '"<&>;,=\\"',
      "''",
      `"${'a'.repeat(2_000)}"`,
    ]
    for (const action of actions) {
      const fields = ['Content-Type: text/xml', `SOAPAction: ${action}`]
      assert.equal((await stand.send({ method: 'POST', target: '/csd', body: '<x/>', fields })).status, 200)
      assert.deepEqual(valuesOf(await stand.upstream.request(forwarded++), 'soapaction'), [action])
    }
  })

  await context.test('is passed on whatever its body holds: nothing of it is judged', async () => {
    const bodies = ['', 'no xml', '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', '\u0000\u00ff', '\ufeff<x/>']
    for (const body of bodies) {
      const fields = ['Content-Type: multipart/related; type="application/xop+xml"; boundary=x']
      assert.equal((await stand.send({ method: 'POST', target: '/csd', body, fields })).status, 200)
      assert.equal((await stand.upstream.request(forwarded++)).body, Buffer.from(body).toString('latin1'))
    }
  })

  await context.test('may be the GET extraction, whose answer comes down untouched', async () => {
    const file = readFileSync(
      sharedPath('samples', 'csd', 'openinfoman-CSD-Organizations-Connectathon-20150120.xml'),
    )
    stand.upstream.answer = () =>
      Buffer.concat([
        Buffer.from(
          `HTTP/1.1 200 OK\r\nContent-Type: application/xml; charset=ISO-8859-1\r\nContent-Length: ${file.length}\r\n\r\n`,
        ),
        file,
      ])
    const target = '/csd/extraction?date=2026-11-01T00:00:00%2B01:00&region=|53|'
    const answer = await stand.send({ target })
    assert.equal(answer.status, 200)
    assert.ok(Buffer.from(answer.body, 'latin1').equals(file))
    assert.deepEqual(valuesOf(answer, 'content-type'), ['application/xml; charset=ISO-8859-1'])
    assert.equal((await stand.upstream.request(forwarded++)).startLine, `GET ${target} HTTP/1.1`)
  })

  await context.test('that the service answers with a Fault gets that Fault', async () => {
    const fault =
      '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Server</faultcode><faultstring>panne</faultstring></s:Fault></s:Body></s:Envelope>'
    stand.upstream.answer = () =>
      `HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/xml\r\nContent-Length: ${fault.length}\r\n\r\n${fault}`
    const fields = ['Content-Type: text/xml']
    const answer = await stand.send({ method: 'POST', target: '/csd', body: '<x/>', fields })
    assert.equal(answer.status, 500)
    assert.equal(answer.body, fault)
    assert.equal(reasonOf(answer), undefined)
    forwarded += 1
  })

  await context.test('by another method is a Fault in the version of the request', async () => {
    const soap12 = [
      'application/soap+xml',
      'Application/SOAP+XML; charset=utf-8; action="x"',
      'multipart/related; type="application/xop+xml"; start-info="application/soap+xml"; boundary=x',
    ]
    const soap11 = [
      'text/xml',
      'application/xml',
      'application/soap+xmlx',
      'multipart/related; type="application/xop+xml"; start-info="text/xml"; boundary=x',
    ]
    for (const type of [...soap12, ...soap11]) {
      const answer = await stand.send({
        method: 'PUT',
        target: '/csd',
        body: '<x/>',
        fields: [`Content-Type: ${type}`],
      })
      assert.equal(answer.status, 405)
      assert.equal(reasonOf(answer), 'method-not-supported')
      const namespace = soap12.includes(type)
        ? 'http://www.w3.org/2003/05/soap-envelope'
        : 'http://schemas.xmlsoap.org/soap/envelope/'
      assert.ok(answer.body.includes(namespace), type)
      new SaxesParser({ xmlns: true }).write(Buffer.from(answer.body, 'latin1').toString()).close()
    }
    assert.equal(stand.upstream.requests.length, forwarded)
    assert.deepEqual(stand.upstream.oddities, [])
  })
})

test('an upstream that fails is told as a Fault with the request id, and nothing else', async (context) => {
  const stand = await makeStand(context, listed)
  await stand.upstream.close()
  const answer = await stand.send({
    method: 'POST',
    target: '/csd',
    body: '<x/>',
    fields: ['Content-Type: application/soap+xml'],
  })
  assert.equal(answer.status, 502)
  assert.ok(answer.body.includes('<soap:Value>soap:Receiver</soap:Value>'), answer.body)
  assert.ok(answer.body.includes(valuesOf(answer, 'x-request-id')[0] ?? 'none'))
})

test('what reads by POST is not turned into a write by a form', async (context) => {
  const stand = await makeStand(context, {
    ...listed,
    whitelist: () =>
      'partners:\n  - { id: csd, certificates: [{ publicKey: ../pki/key.pem }], apis: [csd, fhir-read] }\n',
    config: (text) =>
      text.replace(
        /path: \/ws-diffusion-fhir\n +match: subject/,
        'path: /ws-diffusion-fhir\n        searchByPost: true',
      ),
  })
  const form = 'Content-Type: application/x-www-form-urlencoded'
  const search = '/ws-diffusion-fhir/Location/_search'
  const multipart = 'Content-Type: multipart/form-data; boundary=b'
  const part = '--b\r\nContent-Disposition: form-data; name="_method"\r\n\r\nDELETE\r\n--b--\r\n'
  for (const [target, field, body] of [
    [search, form, '_method=DELETE'],
    [search, form, 'name=a&%5Fmethod=PUT'],
    [search, form, 'name=a;_METHOD=PUT'],
    [search, multipart, part],
    ['/csd', form, '_method=PUT'],
    ['/csd', form, `${'%&'.repeat(20_000)}%25255fmethod=PUT`],
  ] as const) {
    const answer = await stand.send({ method: 'POST', target, body, fields: [field] })
    assert.equal(answer.status, 400, body)
    assert.equal(reasonOf(answer), 'request-ambiguous')
  }
  assert.equal(stand.upstream.requests.length, 0)
  for (const body of ['name=_method', 'name=a&identifier=b%7C_method']) {
    assert.equal((await stand.send({ method: 'POST', target: search, body, fields: [form] })).status, 200)
  }
  assert.deepEqual(
    stand.upstream.requests.map(({ body }) => body),
    ['name=_method', 'name=a&identifier=b%7C_method'],
  )
})
