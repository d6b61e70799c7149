import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { jwtOf } from '../oauth/jwt.js'
import { readShared } from '../support/shared.js'
import { valuesOf } from '../support/http-message.js'
import type { TestCertificate } from '../support/pki.js'
import {
  authHost,
  makeStand,
  patchBody,
  permittedTarget,
  reasonOf,
  standardWhitelist,
  type RequestWish,
} from './stand.js'

const read = '/ws-diffusion-fhir/Location'
const patch = { method: 'PATCH', target: permittedTarget, body: patchBody }
const formType = 'Content-Type: application/x-www-form-urlencoded'
const tokenRequest = {
  method: 'POST',
  host: authHost,
  target: '/auth/realms/ror/protocol/openid-connect/token',
  fields: [formType],
} as const

function boundTo(client: TestCertificate): string {
  const fingerprint = client.certificate.fingerprint256.replaceAll(':', '')
  return jwtOf({ cnf: { 'x5t#S256': Buffer.from(fingerprint, 'hex').toString('base64url') } })
}

test('an access token bound to a certificate (RFC 8705 section 3)', async (context) => {
  const stand = await makeStand(context, {
    config: (text) =>
      text
        .replace(
          'path: /ws-diffusion-fhir\n',
          'path: /ws-diffusion-fhir\n        tokenBinding: if-present\n        searchByPost: true\n',
        )
        .replace('path: /ws-synchro', 'tokenBinding: required\n        path: /ws-synchro'),
  })
  const own = boundTo(stand.partner)
  const foreign = boundTo(await stand.pki.client())
  const bearer = (token: string): readonly string[] => [`Authorization: Bearer ${token}`]
  let forwarded = 0

  await context.test('passes on the connection of that certificate, and goes as it was sent', async () => {
    for (const wish of [{ target: read }, patch]) {
      assert.equal((await stand.send({ ...wish, fields: bearer(own) })).status, 200)
      const request = await stand.upstream.request(forwarded++)
      assert.deepEqual(valuesOf(request, 'authorization'), [`Bearer ${own}`])
    }
  })

  await context.test('is refused on any other, before the body is read', async () => {
    const malformed = jwtOf('{"cnf":{},"cnf":{}}')
    for (const wish of [{ target: read }, patch]) {
      for (const token of [foreign, malformed]) {
        const answer = await stand.send({ ...wish, fields: bearer(token) })
        assert.equal(answer.status, 401)
        assert.equal(reasonOf(answer), 'token-binding-mismatch')
        assert.deepEqual(valuesOf(answer, 'www-authenticate'), ['Bearer realm="ROR", error="invalid_token"'])
        const event = await stand.auditOf(answer)
        assert.equal(event['partner'], 'eai-bretagne')
        assert.equal(JSON.stringify(event).includes(token.slice(0, 20)), false)
        assert.equal(answer.raw.includes(token.slice(0, 20)), false)
      }
    }
    // no byte of a body follows these fields, and the answer comes all the same
    const announced = [...bearer(foreign), 'Content-Type: application/fhir+json', 'Content-Length: 100']
    const early = await stand.send({ method: 'PATCH', target: permittedTarget, fields: announced })
    assert.equal(reasonOf(early), 'token-binding-mismatch')
    assert.equal(stand.upstream.requests.length, forwarded)
  })

  await context.test('is asked of the API that requires it, and of no other', async () => {
    for (const fields of [[], bearer('opaque'), bearer(jwtOf({ sub: 'x' }))]) {
      assert.equal(reasonOf(await stand.send({ ...patch, fields })), 'token-binding-mismatch')
      assert.equal(stand.upstream.requests.length, forwarded)
      assert.equal((await stand.send({ target: read, fields })).status, 200)
      forwarded += 1
    }
  })

  await context.test('is not got round by a second place or spelling of the token', async () => {
    const slips: (readonly [reason: string, wish: RequestWish])[] = [
      ['token-binding-mismatch', { target: `${read}?access_token=${foreign}` }],
      ['token-binding-mismatch', { target: `${read}?access%5Ftoken=${foreign}`, fields: bearer(own) }],
      ['token-binding-mismatch', { target: read, fields: [`Authorization: Bearer\t${foreign}`] }],
      ['token-binding-mismatch', { target: read, fields: [`Authorization: DPoP ${foreign}`] }],
      ['request-ambiguous', { target: read, fields: [...bearer(own), ...bearer(foreign)] }],
      [
        'request-ambiguous',
        { target: read, fields: ['Authorization_: x', `authorizatioN: Bearer ${own}`, ...bearer(own)] },
      ],
    ]
    const form = { method: 'POST', target: `${read}/_search`, fields: [formType] }
    for (const body of [`access_token=${foreign}`, `_id=1&access%5ftoken=${foreign}`, `a=1;access_token=x`])
      slips.push(['token-binding-mismatch', { ...form, body }])
    slips.push([
      'media-type-unsupported',
      { ...form, body: 'x', fields: [formType, 'Content-Encoding: gzip'] },
    ])
    for (const [reason, wish] of slips) assert.equal(reasonOf(await stand.send(wish)), reason)
    assert.equal(stand.upstream.requests.length, forwarded)
    const search = 'identifier=access_token&_count=1'
    assert.equal((await stand.send({ ...form, body: search })).status, 200)
    assert.equal((await stand.upstream.request(forwarded++)).body, search)
  })
})

test('a report-only partner is refused a token of another certificate all the same', async (context) => {
  const stand = await makeStand(context, {
    whitelist: (subject) => `${standardWhitelist(subject)}    mode: report-only\n`,
    config: (text) =>
      text.replace(
        'path: /ws-diffusion-fhir\n',
        'path: /ws-diffusion-fhir\n        tokenBinding: required\n',
      ),
  })
  assert.equal(reasonOf(await stand.send({ target: read })), 'token-binding-mismatch')
  assert.equal(stand.upstream.connections.length, 0)
})

test('the token endpoint is told the certificate as Keycloak’s nginx lookup reads it', async (context) => {
  const stand = await makeStand(context, {
    config: (text) =>
      text.replace(
        '    apis:\n',
        '    identityHeaders: [{ name: ssl-client-cert, value: pem-urlencoded }]\n    apis:\n',
      ),
  })
  const claims = ['ssl-client-cert: forged', 'SSL_CLIENT_CERT: forged', 'Client-Cert: :Zm9yZ2Vk:']
  const answer = await stand.send({
    ...tokenRequest,
    body: 'grant_type=client_credentials&client_id=any',
    fields: [formType, ...claims],
  })
  assert.equal(answer.status, 200)
  const request = await stand.upstream.request(0)
  const [told = '', ...more] = valuesOf(request, 'ssl-client-cert')
  assert.deepEqual(more, [])
  const { raw } = new X509Certificate(decodeURIComponent(told))
  assert.ok(raw.equals(stand.partner.der))
  assert.deepEqual(valuesOf(request, 'client-cert'), [`:${raw.toString('base64')}:`])
  assert.equal(/forged|Zm9yZ2Vk/.test(request.raw), false)
})

test('a partner with a client id of its own', async (context) => {
  const stand = await makeStand(context, {
    whitelist: (subject) => `${standardWhitelist(subject)}    clientId: ror-consumer\n`,
  })
  let forwarded = 0
  const basic = (credentials: string): string =>
    `Authorization: Basic ${Buffer.from(credentials).toString('base64')}`

  await context.test('asks for tokens by it, and the form goes byte for byte', async () => {
    const sample = readShared('samples', 'ror', 'http-token-mtls.http').trim().split('\n').at(-1) ?? ''
    const bodies = [
      sample.replace(/client_id=[^&]*/, 'client_id=ror-consumer'),
      '&grant_type=client_credentials&&client%5Fid=ror%2Dconsumer&scope=a+b%20c&',
      'grant_type=client_credentials',
    ]
    for (const [index, body] of bodies.entries()) {
      const fields = index === 2 ? [formType, basic('ror-consumer:secret')] : [formType]
      const answer = await stand.send({ ...tokenRequest, body, fields })
      assert.equal(answer.status, 200, answer.raw)
      assert.equal((await stand.upstream.request(forwarded++)).body, body)
    }
  })

  await context.test(
    'is refused another one, told so as RFC 6749 says, and nothing is forwarded',
    async () => {
      const good = 'client_id=ror-consumer'
      const cases: readonly (readonly [reason: string, wish: RequestWish])[] = [
        ['client-id-mismatch', { body: 'client_id=other' }],
        ['client-id-mismatch', { body: 'grant_type=client_credentials' }],
        ['client-id-mismatch', { body: '' }],
        ['client-id-mismatch', { body: good, fields: [formType, basic('other:secret')] }],
        ['client-id-mismatch', { body: good, target: `${tokenRequest.target}?client_id=other` }],
        [
          'client-id-mismatch',
          { body: `${good}&client_assertion=${jwtOf({ iss: 'ror-consumer', sub: 'other' })}` },
        ],
        ['body-unreadable', { body: `${good}&client_id=other` }],
        ['body-unreadable', { body: `${good}&client%5fid=other` }],
        ['body-unreadable', { body: `${good};client_id=other` }],
        ['media-type-unsupported', { body: good, fields: ['Content-Type: application/json'] }],
        ['media-type-unsupported', { body: good, fields: [formType, 'Content-Encoding: gzip'] }],
        ['media-type-unsupported', { body: good, fields: [`${formType}; charset=utf-16`] }],
        ['body-unreadable', { body: gzipSync(good).toString('latin1') }],
        ['body-too-large', { body: `${good}&x=${'a'.repeat(65_536)}` }],
      ]
      for (const [reason, wish] of cases) {
        const answer = await stand.send({ ...tokenRequest, ...wish })
        const label = wish.body?.slice(0, 40)
        assert.equal(reasonOf(answer), reason, label)
        // the shape is RFC 6749's
        const error = JSON.parse(answer.body) as Record<string, unknown>
        if (reason === 'client-id-mismatch') {
          assert.equal(answer.status, 403)
          assert.equal(error['error'], 'invalid_client', label)
        }
        assert.equal(answer.raw.includes('secret'), false)
      }
      assert.equal(stand.upstream.requests.length, forwarded)
    },
  )
})

test('a client id is only noted for a partner in report-only mode', async (context) => {
  const stand = await makeStand(context, {
    whitelist: (subject) =>
      `${standardWhitelist(subject)}    clientId: ror-consumer\n    mode: report-only\n`,
  })
  const answer = await stand.send({ ...tokenRequest, body: 'client_id=other' })
  assert.equal(answer.status, 200)
  assert.equal((await stand.upstream.request(0)).body, 'client_id=other')
  assert.equal((await stand.auditOf(answer))['reason'], 'client-id-mismatch')
})
