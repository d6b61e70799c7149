import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../support/http-message.js'
import { authHost, makeStand, patchBody, permittedTarget, reasonOf } from './stand.js'

const read = '/ws-diffusion-fhir/Location'
const code = 'Ror-Role-Metier-Code'
const system = 'Ror-Role-Metier-System'
const organization = JSON.stringify({
  resourceType: 'Organization',
  identifier: [{ system: 'https://finess.esante.gouv.fr', value: '350054680' }],
})
const openWrite = (text: string): string =>
  text.replace(
    'form: idnatstruct/unit }\n',
    'form: idnatstruct/unit }\n          - { method: POST, path: /Organization, establishment: { body: organization-identifier } }\n',
  )
const post = { method: 'POST', target: '/ws-synchro-dispo-lits-fhir/Organization', body: organization }
const patch = { method: 'PATCH', target: permittedTarget, body: patchBody }

function listed(more: string): (subject: string) => string {
  return (subject) => `partners:
  - { id: partner, certificates: [{ subject: ${JSON.stringify(subject)} }], apis: [token, fhir-read, fhir-write], establishments: ["350054680"], rorHeaders: { ${code}: AUTOMATE, ${system}: "urn:oid:1.2" }, ${more} }
`
}

// every way in which another spelling could slip past, and be taken for the field by a loose reader
const spellings = [
  'Ror_Role_Metier_Code: OTHER',
  'ROR-ROLE_METIER-CODE: OTHER',
  'Ror.Role.Metier.Code: OTHER',
  `${code}: AUTOMATE\r\n${code}: OTHER`,
  `${code}: AUTOMATE\r\nRor_Role_Metier_Code: OTHER`,
  `Connection: ${code}\r\n${code}: AUTOMATE`,
]

test('pinned Ror-* fields', async (context) => {
  const stand = await makeStand(context, { whitelist: listed('name: x'), config: openWrite })
  let forwarded = 0

  for (const [what, wish] of [
    ['a read', { target: read }],
    ['another write', post],
  ] as const) {
    await context.test(`pass on ${what} as they were given, or not at all`, async () => {
      for (const fields of [[], [`${code}: AUTOMATE`], [`${code.toUpperCase()}: AUTOMATE`, 'Ror-Other: x']]) {
        const answer = await stand.send({ ...wish, fields })
        assert.equal(answer.status, 200, answer.raw)
        const request = await stand.upstream.request(forwarded++)
        assert.deepEqual(valuesOf(request, code), fields.length === 0 ? [] : ['AUTOMATE'])
        assert.deepEqual(valuesOf(request, system), [])
      }
    })

    await context.test(`are refused on ${what} with another value`, async () => {
      for (const value of ['OTHER', 'automate', '', 'AUTOMATE,OTHER', '"AUTOMATE"']) {
        const answer = await stand.send({ ...wish, fields: [`${code}: ${value}`] })
        assert.equal(reasonOf(answer), 'ror-header-mismatch', value)
      }
      assert.equal(stand.upstream.requests.length, forwarded)
    })
  }

  await context.test('do not slip past in another spelling', async () => {
    for (const field of spellings) {
      const answer = await stand.send({ target: read, fields: [field] })
      assert.equal(reasonOf(answer), 'request-ambiguous', field)
    }
    assert.equal(stand.upstream.requests.length, forwarded)
  })

  await context.test('must be absent on the capacity PATCH, whatever their value', async () => {
    for (const field of [`${code}: AUTOMATE`, 'Ror-Anything: x', `${code}:`]) {
      assert.equal(reasonOf(await stand.send({ ...patch, fields: [field] })), 'ror-header-mismatch', field)
    }
    assert.equal(stand.upstream.requests.length, forwarded)
    assert.equal((await stand.send(patch)).status, 200)
  })
})

test('injected Ror-* fields', async (context) => {
  const stand = await makeStand(context, { whitelist: listed('rorHeadersMode: inject'), config: openWrite })
  let forwarded = 0

  await context.test('reach the upstream once, whether the client sent them or not', async () => {
    for (const wish of [{ target: read }, post]) {
      for (const fields of [[], [`${code}: AUTOMATE`, 'Ror-Profil-Utilisateur-Code: 1']]) {
        assert.equal((await stand.send({ ...wish, fields })).status, 200)
        const request = await stand.upstream.request(forwarded++)
        assert.deepEqual(valuesOf(request, code), ['AUTOMATE'])
        assert.deepEqual(valuesOf(request, system), ['urn:oid:1.2'])
        assert.deepEqual(valuesOf(request, 'ror-profil-utilisateur-code'), fields.length === 0 ? [] : ['1'])
      }
    }
  })

  await context.test('are refused with another value, in any spelling', async () => {
    assert.equal(reasonOf(await stand.send({ target: read, fields: [`${code}: x`] })), 'ror-header-mismatch')
    for (const field of spellings)
      assert.equal(reasonOf(await stand.send({ target: read, fields: [field] })), 'request-ambiguous')
    assert.equal(stand.upstream.requests.length, forwarded)
  })

  await context.test('stay off the capacity PATCH and the token endpoint', async () => {
    assert.equal(
      reasonOf(await stand.send({ ...patch, fields: [`${code}: AUTOMATE`] })),
      'ror-header-mismatch',
    )
    assert.equal(stand.upstream.requests.length, forwarded)
    assert.equal((await stand.send(patch)).status, 200)
    const token = await stand.send({
      method: 'POST',
      host: authHost,
      target: '/auth/realms/ror/protocol/openid-connect/token',
      body: 'grant_type=client_credentials',
      fields: ['Content-Type: application/x-www-form-urlencoded'],
    })
    assert.equal(token.status, 200)
    for (const index of [forwarded, forwarded + 1]) {
      const { fields } = await stand.upstream.request(index)
      assert.deepEqual(
        fields.filter(([name]) => name.toLowerCase().startsWith('ror-')),
        [],
      )
    }
  })
})

test('a partner in report-only mode that sends another value gets the one that is injected', async (context) => {
  const stand = await makeStand(context, { whitelist: listed('rorHeadersMode: inject, mode: report-only') })
  const answer = await stand.send({ target: read, fields: [`${code}: OTHER`] })
  assert.equal(answer.status, 200)
  assert.deepEqual(valuesOf(await stand.upstream.request(0), code), ['AUTOMATE'])
  assert.equal((await stand.auditOf(answer))['reason'], 'ror-header-mismatch')
})
