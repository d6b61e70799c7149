import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SaxesParser } from 'saxes'
import { readShared } from '../support/shared.js'
import { clientName, day, makeTestPki } from '../support/pki.js'
import { valuesOf } from '../support/http-message.js'
import {
  authHost,
  capacityPath,
  fhirHost,
  makeStand,
  patchBody,
  permittedTarget,
  reasonOf,
  subjectOf,
} from './stand.js'

const tokenPath = '/auth/realms/ror/protocol/openid-connect/token'

test('a listed partner', async (context) => {
  const stand = await makeStand(context)

  await context.test('searches, and the query goes as it was sent', async () => {
    const target =
      '/ws-diffusion-fhir/HealthcareService?specialty=https://mos.esante.gouv.fr/NOS/x|227&_x=(a%20b)&a=1+2'
    const answer = await stand.send({ target })
    assert.equal(answer.status, 200)
    assert.equal(answer.body, 'ok')
    assert.equal((await stand.upstream.request(0)).startLine, `GET ${target} HTTP/1.1`)
  })

  await context.test('is told to the upstream by Client-Cert, whatever the client claims', async () => {
    const claims = [
      'Client-Cert: :Zm9v:',
      'X-SSL-Client-S-DN: CN=other',
      'ssl-client-cert: x',
      'X_Forwarded_For: 1.2.3.4',
      'Forwarded: for=1.2.3.4',
    ]
    await stand.send({ fields: claims })
    const request = await stand.upstream.request(1)
    assert.deepEqual(valuesOf(request, 'client-cert'), [
      `:${Buffer.from(stand.partner.der).toString('base64')}:`,
    ])
    assert.deepEqual(valuesOf(request, 'host'), [fhirHost])
    assert.deepEqual(valuesOf(request, 'x-forwarded-for'), ['127.0.0.1'])
    for (const name of ['x-ssl-client-s-dn', 'ssl-client-cert', 'x_forwarded_for'])
      assert.deepEqual(valuesOf(request, name), [])
    assert.equal(request.raw.includes('1.2.3.4'), false)
  })

  await context.test('asks for a token, and the form goes as it was sent', async () => {
    const [, form = ''] = readShared('samples', 'ror', 'http-token-mtls.http').split(/\r?\n\r?\n/)
    const fields = ['Content-Type: application/x-www-form-urlencoded']
    const answer = await stand.send({
      method: 'POST',
      host: authHost,
      target: tokenPath,
      body: form.trim(),
      fields,
    })
    assert.equal(answer.status, 200)
    assert.equal((await stand.upstream.request(2)).body, form.trim())
  })

  await context.test('has one audit event per request, without query, body or token', async () => {
    const answer = await stand.send({
      target: '/ws-diffusion-fhir/Location?identifier=secret-query',
      fields: ['Authorization: Bearer secret-token'],
    })
    const event = await stand.auditOf(answer)
    assert.equal(event['decision'], 'permit')
    assert.equal(event['partner'], 'eai-bretagne')
    assert.equal(event['api'], 'fhir-read')
    assert.equal(event['path'], '/ws-diffusion-fhir/Location')
    assert.equal(event['status'], 200)
    assert.equal(event['upstreamStatus'], 200)
    assert.equal(event['serialNumber'], stand.partner.serialNumber)
    assert.equal(JSON.stringify(event).includes('secret'), false)
  })
})

test('who is refused is told why, in its own language, and nothing reaches the upstream', async (context) => {
  const now = Date.now()
  const revoked = { serialNumber: '1f00000000000000000000000000000a' }
  const stand = await makeStand(context, {
    crl: (pki) => pki.crl([revoked]),
    whitelist: (subject) => `partners:
  - { id: all, name: Tout, solution: regional-eai, certificates: [{ subject: ${JSON.stringify(subject)} }], apis: [token, fhir-read, fhir-write], establishments: ["350054680"], rorHeaders: { Ror-Role-Metier-Code: AUTOMATE } }
  - { id: reader, name: Lecteur, solution: consumer, certificates: [{ subject: "CN=READER,OU=11B0073160,O=HOPITAL DES 3. DAMES,ST=Paris (75),C=FR" }], apis: [fhir-read] }
  - { id: ended, name: Fini, solution: consumer, certificates: [{ subject: "CN=ENDED,OU=11B0073160,O=HOPITAL DES 3. DAMES,ST=Paris (75),C=FR" }], apis: [fhir-read], validUntil: 2026-01-01 }
  - { id: early, name: Demain, solution: consumer, certificates: [{ subject: "CN=EARLY,OU=11B0073160,O=HOPITAL DES 3. DAMES,ST=Paris (75),C=FR" }], apis: [fhir-read], validFrom: 2099-01-01 }
`,
  })
  const { pki } = stand
  const other = await makeTestPki()
  const read = '/ws-diffusion-fhir/Location'
  const named = async (name: string) => pki.client({ subject: clientName(name) })
  const reader = await named('READER')
  const cases: readonly (readonly [string, number, Parameters<typeof stand.send>[0]])[] = [
    ['certificate-missing', 401, { client: null }],
    ['certificate-untrusted', 401, { client: await other.client() }],
    [
      'certificate-untrusted',
      401,
      { client: await other.client(), fields: ['Accept: application/fhir+xml'] },
    ],
    [
      'certificate-expired',
      401,
      { client: await pki.client({ notBefore: now - 3 * day, notAfter: now - 2 * day }) },
    ],
    [
      'certificate-not-yet-valid',
      401,
      { client: await pki.client({ notBefore: now + 2 * day, notAfter: now + 9 * day }) },
    ],
    ['certificate-purpose', 401, { client: await pki.client({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.4'] }) }],
    ['certificate-revoked', 401, { client: await pki.client(revoked) }],
    ['certificate-not-listed', 403, { client: await named('NOBODY') }],
    ['partner-expired', 403, { client: await named('ENDED') }],
    ['partner-not-yet-valid', 403, { client: await named('EARLY') }],
    ['api-unknown', 403, { target: '/elsewhere' }],
    ['api-unknown', 403, { host: 'unknown.example' }],
    ['api-not-granted', 403, { client: reader, method: 'PATCH', target: permittedTarget, body: patchBody }],
    [
      'certificate-not-listed',
      403,
      { target: '/csd', method: 'POST', body: '<x/>', fields: ['Content-Type: text/xml'] },
    ],
    ['ror-header-mismatch', 403, { fields: ['Ror-Role-Metier-Code: OTHER'] }],
    ['write-not-described', 403, { method: 'POST', target: read, body: '{}' }],
    ['method-not-supported', 405, { method: 'OPTIONS' }],
    ['method-not-supported', 405, { host: authHost, target: tokenPath }],
    ['request-ambiguous', 400, { fields: ['Host: other.example'] }],
    [
      'body-too-large',
      413,
      {
        method: 'PATCH',
        target: permittedTarget,
        fields: ['Content-Type: application/fhir+json', 'Content-Length: 99999999'],
      },
    ],
    ['request-too-long', 414, { target: `${read}?x=${'a'.repeat(9_000)}` }],
  ]
  const says: Readonly<Record<string, RegExp>> = {
    'api-unknown': /host: [a-z.-]+ \| path: \/(?:elsewhere|ws-diffusion-fhir\/Location) /,
    'certificate-purpose': /problem: expected extKeyUsage clientAuth, found emailProtection/,
    'certificate-untrusted':
      /problem: no configured authority stands above the issuer|problem: the authority/,
    'write-not-described': /method: POST \| path: \/ws-diffusion-fhir\/Location /,
  }
  // whose certificate is listed is named, whatever it is refused for behind that
  const partners: Readonly<Record<string, string>> = {
    'partner-expired': 'ended',
    'partner-not-yet-valid': 'early',
    'api-unknown': 'all',
    'api-not-granted': 'reader',
    'ror-header-mismatch': 'all',
    'write-not-described': 'all',
    'method-not-supported': 'all',
    'body-too-large': 'all',
  }
  for (const [reason, status, wish] of cases) {
    await context.test(`${reason} ${status}`, async () => {
      const answer = await stand.send({ target: read, ...wish })
      assert.equal(reasonOf(answer), reason, answer.raw)
      assert.equal(answer.status, status)
      const text = answer.body
      assert.ok(text.includes(reason), text)
      assert.ok(text.includes(valuesOf(answer, 'x-request-id')[0] ?? 'none'), text)
      assert.equal(stand.upstream.connections.length, 0)
      const event = await stand.auditOf(answer)
      assert.equal(event['decision'], 'deny')
      assert.equal(event['reason'], reason)
      assert.equal(event['status'], status)
      assert.equal(event['partner'], partners[reason])
      assert.match(text, says[reason] ?? /./)
    })
  }

  await context.test('as an OperationOutcome that says what the client itself sent', async () => {
    const answer = await stand.send({
      method: 'PATCH',
      target: `${capacityPath}1290004324/A`,
      body: patchBody,
    })
    // the shape is FHIR's
    const outcome = JSON.parse(answer.body) as {
      resourceType: string
      issue: { code: string; diagnostics: string; details: { coding: { code: string }[]; text: string } }[]
    }
    assert.equal(outcome.resourceType, 'OperationOutcome')
    const [issue] = outcome.issue
    assert.equal(issue?.details.coding[0]?.code, 'establishment-not-permitted')
    assert.ok(issue.diagnostics.includes('1290004324'))
    assert.ok(issue.diagnostics.includes(valuesOf(answer, 'x-request-id')[0] ?? 'none'))
    assert.equal(answer.body.includes('350054680'), false)
  })

  await context.test('and the name and key that were read, where the certificate is not listed', async () => {
    const client = await named('NOBODY')
    const answer = await stand.send({ client })
    const body = Buffer.from(answer.body, 'latin1').toString()
    assert.ok(body.includes(`subject: ${subjectOf(client)}`), body)
    assert.match(body, /publicKey: sha256:[A-Za-z0-9+/]{43}=/)
  })

  await context.test('as XML where the client reads that', async () => {
    const answer = await stand.send({ target: '/elsewhere', fields: ['Accept: application/fhir+xml'] })
    assert.match(valuesOf(answer, 'content-type')[0] ?? '', /^application\/fhir\+xml/)
    new SaxesParser({ xmlns: true }).write(Buffer.from(answer.body, 'latin1').toString()).close()
    assert.ok(answer.body.includes('api-unknown'))
  })

  await context.test('as an RFC 6749 error on the token path', async () => {
    const fields = ['Content-Type: application/x-www-form-urlencoded']
    const answer = await stand.send({
      client: reader,
      method: 'POST',
      host: authHost,
      target: tokenPath,
      body: 'grant_type=client_credentials',
      fields,
    })
    // the shape is RFC 6749's
    const error = JSON.parse(answer.body) as Record<string, unknown>
    assert.equal(error['error'], 'unauthorized_client')
    assert.equal(error['reason'], 'api-not-granted')
  })

  await context.test('as a SOAP Fault on the CSD, in the version of the request', async () => {
    for (const [type, mark] of [
      ['text/xml', 'soap:Client'],
      ['application/soap+xml', 'soap:Sender'],
    ] as const) {
      const answer = await stand.send({
        method: 'POST',
        target: '/csd',
        body: '<x/>',
        fields: [`Content-Type: ${type}`],
      })
      assert.ok(answer.body.includes(mark), answer.body)
      assert.ok(answer.body.includes('certificate-not-listed'))
    }
  })

  await context.test('and nothing of all this reached the upstream', () => {
    assert.equal(stand.upstream.connections.length, 0)
  })
})

test('a partner is matched by public key where the API says so, and by nothing else there', async (context) => {
  const stand = await makeStand(context, {
    whitelist: (subject) => `partners:
  - { id: by-key, name: Clé, solution: consumer, certificates: [{ publicKey: ../pki/key.pem }], apis: [csd] }
  - { id: by-name, name: Nom, solution: consumer, certificates: [{ subject: ${JSON.stringify(subject.replace('CN=EMA', 'CN=OTHER'))} }], apis: [csd, fhir-read] }
`,
    prepare: ({ write, partner }) => {
      write('pki/key.pem', partner.certPem)
    },
  })
  const fields = ['Content-Type: text/xml']
  const sample = readShared('samples', 'csd', 'openinfoman-get-all-facilities.xml')
  const answer = await stand.send({ method: 'POST', target: '/csd', body: sample, fields })
  assert.equal(answer.status, 200)
  assert.equal((await stand.upstream.request(0)).body, Buffer.from(sample).toString('latin1'))
  assert.equal(
    reasonOf(await stand.send({ target: '/ws-diffusion-fhir/Location' })),
    'certificate-not-listed',
  )
  const other = await stand.pki.client({ subject: clientName('OTHER') })
  assert.equal(reasonOf(await stand.send({ client: other, target: '/csd' })), 'certificate-not-listed')
  assert.equal((await stand.send({ client: other, target: '/ws-diffusion-fhir/Location' })).status, 200)
  assert.equal(stand.upstream.requests.length, 2)
})

test('a partner in report-only mode passes, and the audit says what would have been refused', async (context) => {
  const stand = await makeStand(context, {
    whitelist: (subject) => `partners:
  - { id: probation, name: Essai, solution: saas, certificates: [{ subject: ${JSON.stringify(subject)} }], apis: [fhir-write], establishments: ["350054680"], mode: report-only }
`,
  })
  const answer = await stand.send({ method: 'PATCH', target: `${capacityPath}1290004324/A`, body: patchBody })
  assert.equal(answer.status, 200)
  const event = await stand.auditOf(answer)
  assert.equal(event['enforced'], false)
  assert.equal(event['reason'], 'establishment-not-permitted')
  const undescribed = await stand.send({ method: 'DELETE', target: '/ws-synchro-dispo-lits-fhir/Location/1' })
  assert.equal(reasonOf(undescribed), 'write-not-described')
  assert.equal(stand.upstream.requests.length, 1)
})

test('a name with one attribute more, fewer, moved or spelled otherwise is another name', async (context) => {
  const stand = await makeStand(context)
  const { issuedName } = await import('../../src/x509/issue-name.js')
  const base: [string, string][] = [
    ['C', 'FR'],
    ['ST', 'Paris (75)'],
    ['O', 'HOPITAL DES 3. DAMES'],
    ['OU', '11B0073160'],
    ['CN', 'EMA'],
  ]
  const forged: [string, string][][] = [
    [...base, ['CN', 'EMA']],
    base.slice(0, -1),
    base.toReversed(),
    base.map(([type, value]) => [type, value === 'EMA' ? 'ema' : value]),
    base.map(([type, value]) => [type, value === 'EMA' ? 'EMA ' : value]),
    base.map(([type, value]) => [type, value === 'EMA' ? 'ЕМА' : value]),
    base.map(([type, value]) => [type, value === 'EMA' ? 'EMA,OU=11B0073160' : value]),
    [
      ['C', 'FR'],
      ['ST', 'Paris (75)'],
      ['O', 'HOPITAL DES 3. DAMES,OU=11B0073160,CN=EMA'],
    ],
  ]
  for (const name of forged) {
    const client = await stand.pki.client({ subject: issuedName(name) })
    assert.equal(reasonOf(await stand.send({ client })), 'certificate-not-listed', subjectOf(client))
  }
  const multiValued = await stand.pki.client({
    subject: [...issuedName(base.slice(0, 3)), [...issuedName(base.slice(3))].flat()],
  })
  assert.equal(reasonOf(await stand.send({ client: multiValued })), 'certificate-not-listed')
  assert.equal(stand.upstream.connections.length, 0)
})
