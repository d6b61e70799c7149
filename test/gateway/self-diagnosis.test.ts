import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectionReport } from '../../src/gateway/connection-report.js'
import { selfDiagnosisPath } from '../../src/gateway/self-diagnosis.js'
import { clientName, day, makeTestPki } from '../support/pki.js'
import { valuesOf } from '../support/http-message.js'
import { makeStand, reasonOf, subjectOf } from './stand.js'

test('the connection page', async (context) => {
  const stand = await makeStand(context)
  const ask = async (wish: Parameters<typeof stand.send>[0]) => {
    const answer = await stand.send({ target: selfDiagnosisPath, ...wish })
    assert.equal(answer.status, 200, answer.raw)
    return JSON.parse(Buffer.from(answer.body, 'latin1').toString()) as ConnectionReport // the page's own shape
  }

  await context.test(
    'tells a listed partner what the gateway sees, its APIs and its establishments',
    async () => {
      const report = await ask({})
      assert.equal(report.certificate.subject, subjectOf(stand.partner))
      assert.equal(report.certificate.serialNumber, stand.partner.serialNumber)
      assert.match(report.certificate.publicKey, /^sha256:[A-Za-z0-9+/]{43}=$/)
      assert.equal(report.certificate.daysLeft, 364)
      assert.equal(report.listed, true)
      assert.equal(report.partner?.id, 'eai-bretagne')
      assert.equal(report.establishments.count, 2)
      assert.deepEqual(
        report.apis.map(({ name, listed, granted }) => [name, listed, granted]),
        [
          ['token', true, true],
          ['fhir-read', true, true],
          ['fhir-write', true, true],
          ['csd', false, false],
        ],
      )
    },
  )

  await context.test('tells whether one establishment may be written, in both spellings', async () => {
    for (const [asked, permitted] of [
      ['350054680', true],
      ['1350054680', true],
      ['1350054680/SSR38888', true],
      ['350000000', false],
    ] as const) {
      const report = await ask({ target: `${selfDiagnosisPath}?establishment=${asked}` })
      assert.equal(report.asked?.permitted, permitted, asked)
      assert.equal(report.advice.fr.includes('ne peut pas écrire pour 1350000000'), !permitted, asked)
    }
    const odd = await ask({ target: `${selfDiagnosisPath}?establishment=52%2F192675` })
    assert.equal(odd.asked?.permitted, false)
    assert.ok((odd.asked.problem ?? '').length > 10)
  })

  await context.test('tells an unlisted partner what to send, and nothing about others', async () => {
    const stranger = await stand.pki.client({
      subject: clientName('STRANGER'),
      notAfter: Date.now() + 20 * day,
    })
    const report = await ask({ client: stranger })
    assert.equal(report.listed, false)
    assert.equal(report.partner, undefined)
    assert.ok(report.advice.fr.includes(subjectOf(stranger)))
    assert.equal(JSON.stringify(report).includes('eai-bretagne'), false)
    assert.ok(report.apis.every(({ listed, granted }) => !listed && !granted))
  })

  await context.test('is a page for a browser, with no way to inject into it', async () => {
    const nasty = await stand.pki.client({ subject: clientName('<script>alert(1)</script>"&') })
    const answer = await stand.send({
      target: `${selfDiagnosisPath}?establishment=%3Cimg%3E`,
      client: nasty,
      fields: ['Accept: text/html'],
    })
    assert.match(valuesOf(answer, 'content-type')[0] ?? '', /^text\/html/)
    assert.match(valuesOf(answer, 'content-security-policy')[0] ?? '', /default-src 'none'/)
    assert.ok(answer.body.includes('&lt;script'), answer.body)
    assert.equal(/<script|<img/.test(answer.body), false)
  })

  await context.test('is refused to whom the environment does not trust', async () => {
    assert.equal(
      reasonOf(await stand.send({ target: selfDiagnosisPath, client: null })),
      'certificate-missing',
    )
    const expired = await stand.pki.client({ notBefore: Date.now() - 9 * day, notAfter: Date.now() - day })
    assert.equal(
      reasonOf(await stand.send({ target: selfDiagnosisPath, client: expired })),
      'certificate-expired',
    )
  })

  await context.test(
    'is refused as a page to a browser, which reads a refusal elsewhere as all do',
    async () => {
      const browser = ['Accept: text/html,*/*;q=0.8']
      const client = await (await makeTestPki()).client({ subject: clientName('<b>NOBODY</b>') })
      const answer = await stand.send({ target: `${selfDiagnosisPath}?x=1`, client, fields: browser })
      assert.equal(answer.status, 401)
      assert.equal(reasonOf(answer), 'certificate-untrusted')
      assert.deepEqual(valuesOf(answer, 'content-type'), ['text/html; charset=utf-8'])
      assert.match(valuesOf(answer, 'content-security-policy')[0] ?? '', /^default-src 'none'/)
      for (const shown of [
        'certificate-untrusted',
        '\\&lt;b\\&gt;NOBODY',
        valuesOf(answer, 'x-request-id')[0] ?? '?',
      ])
        assert.ok(answer.body.includes(shown), shown)
      assert.equal(/<b\\?>/.test(answer.body), false)
      const elsewhere = await stand.send({ target: '/ws-diffusion-fhir/Location', client, fields: browser })
      assert.match(valuesOf(elsewhere, 'content-type')[0] ?? '', /^application\/fhir\+json/)
    },
  )

  await context.test('never reaches the upstream', () => {
    assert.equal(stand.upstream.connections.length, 0)
  })
})
