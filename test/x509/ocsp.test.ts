import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fc } from '../support/fast-check.js'
import { generateKeys, privateKeyPem } from '../../src/x509/keys.js'
import { judgeOcspResponse, type OcspQuestion } from '../../src/x509/ocsp.js'
import { buildOcspRequest } from '../../src/x509/ocsp-request.js'
import { toPem } from '../../src/x509/pem.js'
import { authorityName, createPki, now, openssl, problemOf, read, start, valueOf } from './issuing.js'
import { answerOf, ocspRefusal, ocspResponse, type ResponseWish, type SingleWish } from './ocsp-responding.js'

const hour = 3_600_000
const ocspSigning = '1.3.6.1.5.5.7.3.9'
const pki = await createPki()
const issuer = read(pki.intermediate.certificate)
const certificate = pki.client()
const single: SingleWish = { certificate, issuer, thisUpdate: now - hour, nextUpdate: now + hour }

function judge(response: Uint8Array, more: Partial<OcspQuestion> = {}) {
  const question = { certificate, issuer, at: now, clockSkewMs: 0, nonce: undefined, maxAgeMs: hour }
  return judgeOcspResponse({ ...question, response, ...more })
}

const answer = (more: Partial<SingleWish> = {}, wish: Partial<ResponseWish> = {}) =>
  answerOf(pki.intermediate, { singles: [{ ...single, ...more }], ...wish })

const codeOf = (response: Uint8Array, more: Partial<OcspQuestion> = {}) =>
  problemOf(judge(response, more)).code

// a certificate for a responder, issued as asked
async function delegated(more: Parameters<typeof pki.clientDer>[0] = {}) {
  const keys = await generateKeys('ec-p256')
  const der = pki.clientDer({
    publicKey: keys.publicKey,
    subject: authorityName('TEST OCSP'),
    extendedKeyUsage: [ocspSigning],
    ...more,
  })
  return { keys, der, certificate: read(der) }
}

function delegatedAnswer({ keys, der, certificate: responder }: Awaited<ReturnType<typeof delegated>>) {
  return ocspResponse({ singles: [single], keys, responder, certificates: [der] })
}

// what `openssl ocsp` answers from an index, given a request
function opensslAnswer(
  context: TestContext,
  { request, index }: { request: Uint8Array; index: string },
): { response: Uint8Array; text: string } {
  const folder = mkdtempSync(join(tmpdir(), 'ror-ocsp-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const file = (name: string) => join(folder, name)
  writeFileSync(file('request'), request)
  writeFileSync(file('index.txt'), index)
  writeFileSync(file('ca.pem'), toPem('CERTIFICATE', pki.intermediate.certificate))
  writeFileSync(file('ca.key'), privateKeyPem(pki.intermediate.keys))
  const responder = ['-index', file('index.txt'), '-CA', file('ca.pem'), '-rsigner', file('ca.pem')]
  const text = openssl([
    'ocsp',
    ...responder,
    ...['-rkey', file('ca.key'), '-reqin', file('request'), '-respout', file('response')],
    ...['-ndays', '1', '-req_text', '-text'],
  ])
  return { response: readFileSync(file('response')), text }
}

const indexLine = (serialNumber: string, revoked?: string) =>
  `${revoked === undefined ? 'V' : 'R'}\t291231235959Z\t${revoked ?? ''}\t${serialNumber.toUpperCase()}\tunknown\t/CN=x\n`

for (const hash of ['sha1', 'sha256'] as const) {
  test(`openssl understands a question by ${hash}, and its answers are understood`, (context) => {
    const nonce = randomBytes(32)
    const request = buildOcspRequest({ certificate, issuer, hash, nonce })
    const question = { at: Date.now(), nonce }
    const good = opensslAnswer(context, { request, index: indexLine(certificate.serialNumber) })
    assert.match(good.text, new RegExp(`Hash Algorithm: ${hash}`))
    assert.equal(valueOf(judge(good.response, question)).status, 'good')
    const revokedIndex = indexLine(certificate.serialNumber, '260101000000Z')
    const revoked = opensslAnswer(context, { request, index: revokedIndex })
    const found = valueOf(judge(revoked.response, question))
    assert.deepEqual([found.status, found.revokedAt], ['revoked', Date.UTC(2026, 0, 1)])
    const unknown = opensslAnswer(context, { request, index: indexLine('01') })
    assert.equal(valueOf(judge(unknown.response, question)).status, 'unknown')
  })
}

test('a question without a nonce is one that openssl answers', (context) => {
  const request = buildOcspRequest({ certificate, issuer, hash: 'sha1', nonce: undefined })
  const { response } = opensslAnswer(context, { request, index: indexLine(certificate.serialNumber) })
  assert.equal(valueOf(judge(response, { at: Date.now() })).status, 'good')
})

test('an answer of the issuer is taken, named by its key or by its name', () => {
  assert.equal(valueOf(judge(answer())).status, 'good')
  assert.equal(valueOf(judge(answer({}, { byName: pki.intermediate.name }))).status, 'good')
  assert.equal(valueOf(judge(answer({ hash: 'sha256' }))).status, 'good')
})

test('an answer about another serial, another issuer or another key is none', async () => {
  const other = pki.client()
  assert.equal(codeOf(answer({ certificate: other })), 'ocsp-other-certificate')
  const hash = '00'.repeat(20)
  assert.equal(codeOf(answer({ certId: { issuerNameHash: hash } })), 'ocsp-other-certificate')
  assert.equal(codeOf(answer({ certId: { issuerKeyHash: hash } })), 'ocsp-other-certificate')
  const twin = pki.authority({ name: 'TEST AC ORGANISATIONS', keys: await generateKeys('ec-p256') })
  assert.equal(codeOf(answer({ issuer: read(twin.certificate) })), 'ocsp-other-certificate')
})

test('an answer beside others is found, and a revocation among several counts', () => {
  const singles = [{ ...single, certificate: pki.client(), status: 'revoked' as const }, single]
  assert.equal(valueOf(judge(answerOf(pki.intermediate, { singles }))).status, 'good')
  const both = [single, { ...single, hash: 'sha256' as const, status: 'revoked' as const }]
  assert.equal(valueOf(judge(answerOf(pki.intermediate, { singles: both }))).status, 'revoked')
})

test('a forged answer is refused: another key, a changed byte, a weak hash', async () => {
  const stranger = await generateKeys('ec-p256')
  assert.equal(codeOf(answer({}, { keys: stranger })), 'ocsp-signature')
  const changed = Buffer.from(answer({ status: 'revoked' }))
  const place = changed.indexOf(Buffer.from(certificate.serialNumber, 'hex'))
  changed.writeUInt8((changed[place] ?? 0) ^ 1, place)
  assert.equal(codeOf(changed), 'ocsp-signature')
  assert.equal(codeOf(answer({}, { hash: 'sha1' })), 'ocsp-signature')
})

test('a responder that the issuer named answers for it', async () => {
  assert.equal(valueOf(judge(delegatedAnswer(await delegated()))).status, 'good')
})

test('a responder that the issuer did not name for this answers for nobody', async () => {
  const stranger = pki.authority({ name: 'TEST AC ORGANISATIONS', keys: await generateKeys('ec-p256') })
  const unfit: Record<string, Parameters<typeof pki.clientDer>[0]> = {
    'an ordinary client certificate': { extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] },
    'any purpose': { extendedKeyUsage: ['2.5.29.37.0'] },
    'no purpose': { extendedKeyUsage: 'none' },
    'not for signatures': { keyUsage: ['keyEncipherment'] },
    'the root, not the issuer': { issuer: pki.root },
    'another authority of the same name': { issuer: stranger },
    expired: { notAfter: now - hour },
    'still to come': { notBefore: now + hour },
    'with a critical extension': {
      extensions: [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }],
    },
  }
  for (const [what, more] of Object.entries(unfit)) {
    assert.equal(codeOf(delegatedAnswer(await delegated(more))), 'ocsp-responder', what)
  }
  const { keys, certificate: responder } = await delegated()
  assert.equal(
    codeOf(ocspResponse({ singles: [single], keys, responder })),
    'ocsp-responder',
    'not sent along',
  )
})

test('an answer counts from thisUpdate to nextUpdate, and five minutes before', () => {
  const window = { thisUpdate: now - hour, nextUpdate: now }
  assert.equal(codeOf(answer(window)), 'ocsp-stale')
  assert.ok(judge(answer(window), { at: now - 1 }).ok)
  assert.ok(judge(answer(window), { clockSkewMs: 1 }).ok)
  const early = answer({ thisUpdate: now + 300_000, nextUpdate: now + hour })
  assert.ok(judge(early).ok)
  assert.equal(codeOf(early, { at: now - 1000 }), 'ocsp-stale')
  assert.equal(codeOf(answer({ thisUpdate: now - 1000, nextUpdate: now - 2000 })), 'ocsp-stale')
})

test('an answer without nextUpdate counts for as long as it may be kept', () => {
  const response = answerOf(pki.intermediate, { singles: [{ certificate, issuer, thisUpdate: now - hour }] })
  assert.equal(codeOf(response), 'ocsp-stale')
  assert.ok(judge(response, { maxAgeMs: hour + 1 }).ok)
})

test('a revocation counts on a stale answer too', () => {
  const stale = answer({ status: 'revoked', thisUpdate: start, nextUpdate: start + hour })
  assert.equal(valueOf(judge(stale)).status, 'revoked')
})

test('a nonce that is repeated must be the one sent; none repeated is taken', () => {
  const nonce = randomBytes(32)
  assert.ok(judge(answer({}, { nonce }), { nonce }).ok)
  assert.ok(judge(answer(), { nonce }).ok)
  assert.equal(codeOf(answer({}, { nonce: randomBytes(32) }), { nonce }), 'ocsp-nonce')
})

test('a response without an answer says why', () => {
  assert.deepEqual(problemOf(judge(ocspRefusal(3))), {
    code: 'ocsp-refused',
    message: 'the responder answers tryLater',
  })
  assert.equal(codeOf(ocspRefusal(0)), 'ocsp-malformed')
})

test('what is not understood and must be is refused', () => {
  assert.equal(codeOf(answer({}, { criticalExtension: true })), 'ocsp-malformed')
})

test('any bytes give a value, and no changed response is an answer', () => {
  const whole = answer()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(judge(bytes).ok, false)
    }),
    { numRuns: 200 },
  )
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(whole)
      bytes.writeUInt8((bytes[at] ?? 0) ^ change, at)
      const judged = judge(bytes)
      // a signature may be spelt otherwise, what it signs may not
      if (judged.ok) assert.equal(judged.value.status, 'good')
    }),
    { numRuns: 300 },
  )
  for (let length = 0; length < whole.length; length += 7)
    assert.equal(judge(whole.subarray(0, length)).ok, false)
  assert.equal(judge(Buffer.concat([whole, Buffer.of(0)])).ok, false)
})

test('a responder that a CRL revokes answers for nobody', async () => {
  const responder = await delegated()
  assert.ok(judge(delegatedAnswer(responder)).ok)
  const isRevoked = ({ serialNumber }: { serialNumber: string }) =>
    serialNumber === responder.certificate.serialNumber
  assert.equal(codeOf(delegatedAnswer(responder), { isRevoked }), 'ocsp-responder')
})
