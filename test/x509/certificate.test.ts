import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { fc } from '../support/fast-check.js'
import { parseCertificate } from '../../src/x509/certificate.js'
import { DerReader } from '../../src/x509/der-reader.js'
import { encode, encoded, integer, objectIdentifier, sequence } from '../../src/x509/der-writer.js'
import { issueCertificate } from '../../src/x509/issue.js'
import { generateKeys, type KeyKind } from '../../src/x509/keys.js'
import { makeTestPki } from '../support/pki.js'
import { sharedPath } from '../support/shared.js'
import { createPki, end, holder, openssl, problemOf, read, replaced, start } from './issuing.js'

const igc = ['igc-ACI-EL-ORG.cer', 'igc-ACR-EL.cer'].map((name) =>
  readFileSync(sharedPath('samples', 'igc', name)),
)
const pki = await createPki()

// what OpenSSL says of the same bytes
function opensslFacts(der: Uint8Array) {
  const flags = [
    '-noout',
    '-serial',
    '-fingerprint',
    '-sha256',
    '-startdate',
    '-enddate',
    '-dateopt',
    'iso_8601',
  ]
  const text = openssl(['x509', '-inform', 'DER', ...flags], der)
  const field = (name: RegExp) => name.exec(text)?.[1] ?? ''
  const key = openssl(['x509', '-inform', 'DER', '-noout', '-pubkey'], der)
  const spki = Buffer.from(key.replaceAll(/-----.*-----|\s/g, ''), 'base64')
  return {
    serialNumber: field(/serial=(\w+)/).toLowerCase(),
    sha256: field(/ingerprint=(\S+)/)
      .replaceAll(':', '')
      .toLowerCase(),
    notBefore: Date.parse(field(/notBefore=(.+)/)),
    notAfter: Date.parse(field(/notAfter=(.+)/)),
    spkiSha256: createHash('sha256').update(spki).digest('hex'),
  }
}

function assertAsOpenssl(der: Uint8Array): void {
  const { serialNumber, sha256, notBefore, notAfter, spkiSha256 } = read(der)
  assert.deepEqual({ serialNumber, sha256, notBefore, notAfter, spkiSha256 }, opensslFacts(der))
}

test('reads the real IGC-Santé authorities, two OUs and all', () => {
  const [intermediate, root] = igc.map(read)
  assert.ok(intermediate !== undefined && root !== undefined)
  assert.deepEqual(
    intermediate.subject.map((rdn) => rdn.map(({ type, value }) => `${type}=${value}`).join('+')),
    [
      '2.5.4.6=FR',
      '2.5.4.10=ASIP-SANTE',
      '2.5.4.11=0002 187512751',
      '2.5.4.11=IGC-SANTE',
      '2.5.4.3=AC IGC-SANTE ELEMENTAIRE ORGANISATIONS',
    ],
  )
  assert.equal(intermediate.issuerKey, root.subjectKey)
  assert.equal(intermediate.authorityKeyIdentifier, root.subjectKeyIdentifier)
  assert.deepEqual(intermediate.basicConstraints, { ca: true, pathLength: 0 })
  assert.deepEqual(root.basicConstraints, { ca: true })
  assert.deepEqual([...(intermediate.keyUsage ?? [])], ['keyCertSign', 'cRLSign'])
  assert.deepEqual(intermediate.keyAlgorithm, { kind: 'rsa', bits: 4096 })
  assert.equal(intermediate.crlDistributionPoints[0], 'http://igc-sante.esante.gouv.fr/CRL/ACR-EL.crl')
  assert.deepEqual(intermediate.unknownCriticalExtensions, [])
})

test('says what OpenSSL says of serial, digest, dates and pin of the real authorities', () => {
  for (const der of igc) assertAsOpenssl(der)
})

const algorithms: readonly (readonly [KeyKind, object])[] = [
  ['rsa-2048', { kind: 'rsa', bits: 2048 }],
  ['rsa-pss-2048', { kind: 'rsa-pss', bits: 2048 }],
  ['ec-p256', { kind: 'ec', curve: 'P-256' }],
  ['ec-p384', { kind: 'ec', curve: 'P-384' }],
  ['ec-secp256k1', { kind: 'ec', curve: 'secp256k1' }],
  ['ed25519', { kind: 'ed25519' }],
]
for (const [kind, algorithm] of algorithms) {
  test(`says what OpenSSL says of a certificate with a key ${kind}`, async () => {
    const { publicKey } = await generateKeys(kind)
    const der = pki.clientDer({
      publicKey,
      serialNumber: 'ff00000000000000000000000000000a',
      notAfter: Date.UTC(2051, 1, 3),
    })
    assertAsOpenssl(der)
    assert.deepEqual(read(der).keyAlgorithm, algorithm)
  })
}

test('reads what a client certificate of IGC-Santé says', () => {
  const certificate = pki.client({
    serialNumber: '00c9',
    keyUsage: ['digitalSignature', 'keyEncipherment', 'decipherOnly'],
    crlDistributionPoints: ['http://igc-sante.esante.gouv.fr/CRL/ACI-EL-ORG-TEST.crl', 'ldap://x/CN=a?b'],
    ocspUrls: ['http://ocsp.esante.gouv.fr'],
  })
  assert.equal(certificate.serialNumber, 'c9')
  assert.deepEqual([...(certificate.keyUsage ?? [])], ['digitalSignature', 'keyEncipherment', 'decipherOnly'])
  assert.deepEqual(certificate.extendedKeyUsage, ['1.3.6.1.5.5.7.3.2'])
  assert.equal(certificate.basicConstraints, undefined)
  assert.deepEqual(certificate.crlDistributionPoints, [
    'http://igc-sante.esante.gouv.fr/CRL/ACI-EL-ORG-TEST.crl',
    'ldap://x/CN=a?b',
  ])
  assert.deepEqual(certificate.ocspUrls, ['http://ocsp.esante.gouv.fr'])
  assert.equal(certificate.notBefore, start)
  assert.equal(certificate.notAfter, end)
  assert.equal(certificate.signatureAlgorithm.name, 'ecdsa-with-SHA256')
})

test('a bare certificate says nothing where it has no extension', () => {
  const { keyUsage, extendedKeyUsage, basicConstraints, ocspUrls } = pki.client({
    keyUsage: 'none',
    extendedKeyUsage: 'none',
  })
  assert.deepEqual(
    { keyUsage, extendedKeyUsage, basicConstraints, ocspUrls },
    {
      keyUsage: undefined,
      extendedKeyUsage: undefined,
      basicConstraints: undefined,
      ocspUrls: [],
    },
  )
})

test('names critical extensions it does not judge, and name constraints even where they are not critical', () => {
  const value = Uint8Array.of(0x05, 0x00)
  const certificate = pki.client({
    extensions: [
      { oid: '1.2.250.1.71.4.2.5', critical: true, value },
      { oid: '1.2.250.1.71.4.2.6', critical: false, value },
      { oid: '2.5.29.30', critical: false, value },
      { oid: '2.5.29.32', critical: true, value: Uint8Array.of(0x30, 0x00) },
    ],
  })
  assert.deepEqual(certificate.unknownCriticalExtensions, ['1.2.250.1.71.4.2.5', '2.5.29.30'])
})

test('keeps the bytes it read when the caller changes its own', () => {
  const der = Buffer.from(pki.clientDer())
  const certificate = read(der)
  const { sha256 } = certificate
  der.fill(0)
  assert.equal(createHash('sha256').update(certificate.der).digest('hex'), sha256)
})

test('crosses a thread as it is', () => {
  const certificate = pki.client()
  assert.deepEqual(structuredClone(certificate), certificate)
})

test('refuses an extension that stands there twice', () => {
  const extension = { oid: '2.5.29.14', critical: false, value: Uint8Array.of(0x04, 0x01, 0x00) }
  const { code, message } = problemOf(parseCertificate(pki.clientDer({ extensions: [extension] })))
  assert.equal(code, 'certificate-malformed')
  assert.match(message, /2\.5\.29\.14 once, found it twice/)
})

const der = pki.clientDer({ serialNumber: '7a7b7c7d', ocspUrls: ['http://ocsp.esante.gouv.fr'] })
const sha256 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]
const malformed: readonly (readonly [name: string, bytes: Uint8Array, message: RegExp])[] = [
  ['no bytes at all', new Uint8Array(), /found the end/],
  [
    'trailing bytes',
    Buffer.concat([der, Uint8Array.of(0)]),
    /expected the end of the certificate .* found 1 more/,
  ],
  ['a cut certificate', der.subarray(0, -1), /cut short/],
  [
    'an indefinite length',
    Buffer.concat([Uint8Array.of(0x30, 0x80), der.subarray(4), Uint8Array.of(0, 0)]),
    /indefinite/,
  ],
  [
    'a length with a zero in front',
    Buffer.concat([Uint8Array.of(0x30, 0x83, 0), der.subarray(2)]),
    /shortest form/,
  ],
  ['a negative serial number', replaced(der, [0x02, 0x04, 0x7a], [0x02, 0x04, 0xfa]), /negative/],
  ['a serial number with a zero too many', replaced(der, [0x7a, 0x7b], [0x00, 0x7b]), /shortest form/],
  [
    'two signature algorithms',
    replaced(der, sha256, [...sha256.slice(0, -1), 0x03]),
    /found two that differ/,
  ],
  ['month 13', replaced(der, '260101000000Z', '261301000000Z'), /date that exists/],
  ['31 February', replaced(der, '260101000000Z', '260231000000Z'), /date that exists/],
  ['a date without seconds', replaced(der, '260101000000Z', '2601010000+01'), /in digits/],
  ['a local date', replaced(der, '260101000000Z', '260101000000A'), /end in `Z`/],
  [
    'version 4',
    replaced(der, [0xa0, 0x03, 0x02, 0x01, 0x02], [0xa0, 0x03, 0x02, 0x01, 0x03]),
    /version 1, 2 or 3/,
  ],
  [
    'extensions in version 1',
    replaced(der, [0xa0, 0x03, 0x02, 0x01, 0x02], [0xa0, 0x03, 0x02, 0x01, 0x00]),
    /expected the end of tbsCertificate/,
  ],
  ['critical written as BER', replaced(der, [0x01, 0x01, 0xff], [0x01, 0x01, 0x01]), /DER boolean/],
  ['a tag of two octets', replaced(der, [0x0c, 0x10], [0x1f, 0x0f]), /tag above 30/],
  ['a URL with a control character', replaced(der, 'http://ocsp', '\x1fttp://ocsp'), /visible ASCII/],
]
for (const [name, bytes, message] of malformed) {
  test(`refuses ${name}`, () => {
    const problem = problemOf(parseCertificate(bytes))
    assert.equal(problem.code, 'certificate-malformed')
    assert.match(problem.message, message)
  })
}

test('refuses more than 64 KiB, and thousands of sequences inside each other', () => {
  assert.equal(problemOf(parseCertificate(new Uint8Array(65_537))).code, 'certificate-too-large')
  let nested: Uint8Array = Uint8Array.of(0x30, 0x00)
  while (nested.length < 8000) nested = encode(sequence(encoded(nested)))
  assert.equal(problemOf(parseCertificate(nested)).code, 'certificate-malformed')
})

test('takes `critical FALSE` written out, as some authorities do', () => {
  const value = sequence(objectIdentifier('1.3.6.1.5.5.7.3.2'))
  const oid = Buffer.from(encode(objectIdentifier('1.2.3.4')))
  const bytes = pki.clientDer({ extensions: [{ oid: '1.2.3.4', critical: true, value: encode(value) }] })
  const certificate = read(replaced(bytes, [...oid, 0x01, 0x01, 0xff], [...oid, 0x01, 0x01, 0x00]))
  assert.deepEqual(certificate.unknownCriticalExtensions, [])
})

test('reads a version 1 certificate as one that says nothing of itself', () => {
  const whole = pki.client()
  const outer = new DerReader(whole.der).enter(0x30, 'certificate')
  const tbs = outer.enter(0x30, 'tbsCertificate')
  tbs.next('version')
  const six = Array.from({ length: 6 }, () => encoded(tbs.slice(tbs.next('a field of version 1'))))
  const tail = Array.from({ length: 2 }, () => encoded(outer.slice(outer.next('what follows'))))
  const bytes = encode(sequence(sequence(...six), ...tail))
  const certificate = read(bytes)
  assert.equal(certificate.subjectKey, whole.subjectKey)
  assert.equal(certificate.basicConstraints, undefined)
})

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      (bytes) => typeof parseCertificate(bytes).ok === 'boolean',
    ),
  )
})

test('no change of a real certificate makes it throw, and none passes for the original', () => {
  const samples = [...igc, Buffer.from(der)]
  const change = fc.record({ place: fc.nat(), value: fc.nat(255) })
  const changes = fc.array(change, { minLength: 1, maxLength: 3 })
  const input = fc.record({
    sample: fc.nat(samples.length - 1),
    changes,
    cut: fc.option(fc.nat(), { freq: 4 }),
  })
  fc.assert(
    fc.property(input, ({ sample, changes, cut }) => {
      const original = samples[sample] ?? new Uint8Array()
      const bytes = Buffer.from(original)
      for (const { place, value } of changes) bytes[place % bytes.length] = value
      const end = cut === null ? bytes.length : cut % (bytes.length + 1)
      const parsed = parseCertificate(bytes.subarray(0, end))
      const isUnchanged = end === bytes.length && bytes.equals(original)
      if (parsed.ok && !isUnchanged) assert.notEqual(parsed.value.sha256, read(original).sha256)
    }),
    { numRuns: 2000 },
  )
})

test('every single byte of a certificate can be wrong without a throw', () => {
  for (let place = 0; place < der.length; place++) {
    for (const value of [0x00, 0x80, 0xff, 0x30]) {
      const bytes = Buffer.from(der)
      bytes[place] = value
      parseCertificate(bytes)
    }
  }
})

test('an integer too long for a serial number is refused', () => {
  const bytes = pki.clientDer({ serialNumber: '11'.repeat(21) })
  assert.match(problemOf(parseCertificate(bytes)).message, /at most 20 octets/)
  assert.equal(read(pki.clientDer({ serialNumber: 'ff'.repeat(20) })).serialNumber, 'ff'.repeat(20))
})

test('serial number zero is `00`, as OpenSSL prints it', () => {
  const { root, clientKeys } = pki
  const bytes = issueCertificate({
    issuer: root,
    publicKey: clientKeys.publicKey,
    subject: holder('ZERO'),
    serialNumber: '0',
    notBefore: start,
    notAfter: end,
  })
  assert.equal(read(bytes).serialNumber, '00')
  assert.equal(encode(integer(0)).toString('hex'), '020100')
})

// 62 arcs of one octet each
const longOid = (last: number): string => `1.2${'.7'.repeat(61)}.${last}`

test('takes as many purposes and URLs as anybody needs, and refuses thousands', async () => {
  const own = await makeTestPki()
  const many = Array.from({ length: 65 }, (_, index) => `1.2.3.${index}`)
  const urls = many.map((each) => `http://crl.example/${each}`)
  assert.ok(parseCertificate((await own.client({ extendedKeyUsage: many.slice(1) })).der).ok)
  assert.ok(parseCertificate((await own.client({ crlDistributionPoints: urls.slice(1) })).der).ok)
  for (const wishes of [{ extendedKeyUsage: many }, { crlDistributionPoints: urls }]) {
    const parsed = parseCertificate((await own.client(wishes)).der)
    assert.ok(!parsed.ok)
    assert.match(parsed.problem.message, /^expected at most 64 (?:purposes|URLs)/)
  }
})

test('what is read of a certificate takes a few times its bytes', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void // the flag defines it
  const own = await makeTestPki()
  const { der } = await own.client({
    extendedKeyUsage: Array.from({ length: 64 }, (_, last) => longOid(last)),
  })
  const kept = [parseCertificate(der)]
  const heap = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = heap()
  for (let each = 0; each < 100; each += 1) kept.push(parseCertificate(der))
  // 43 times where OIDs are added up arc by arc
  assert.ok((heap() - before) / 100 < 12 * der.length)
  assert.ok(kept.every(({ ok }) => ok))
})
