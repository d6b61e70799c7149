import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { nameKey } from '../../src/core/distinguished-name.js'
import { formatName } from '../../src/core/name-text.js'
import { parseCertificate } from '../../src/x509/certificate.js'
import { readCrls } from '../../src/x509/crl.js'
import { readCertificates, readPins } from '../../src/x509/material.js'
import { makeTestPki } from '../support/pki.js'
import { sharedPath } from '../support/shared.js'
import { inFewWords, type FuzzTarget } from './target.js'

const pki = await makeTestPki()
const client = await pki.client({ key: 'rsa-2048' })
const igc = ['igc-ACI-EL-ORG.cer', 'igc-ACR-EL.cer'].map((name) =>
  readFileSync(sharedPath('samples', 'igc', name)),
)
const crlPem = pki.crl([{ serialNumber: '1f00' }, { serialNumber: '1f01', reason: 1 }])
const crlDer = Buffer.from(/-----\n([^-]*)-----/.exec(crlPem)?.[1] ?? '', 'base64')
const der = [
  '\u0030\u0003',
  '\u0002\u0001',
  '\u0006\u0003\u0055\u0004\u0003',
  '\u000c\u0001',
  '\u0013\u0002FR',
  '\u0030\u0080',
  '\u0005\u0000',
  '\u0017\u000d',
]

function publicKeyOf(input: Uint8Array): string | undefined {
  try {
    const key = new X509Certificate(input).publicKey.export({ type: 'spki', format: 'der' })
    return createHash('sha256').update(key).digest('hex')
  } catch {
    return undefined
  }
}

const certificate: FuzzTarget = {
  name: 'certificate',
  seeds: [client.der, ...igc],
  dictionary: der,
  check: (input) => {
    const read = parseCertificate(input)
    if (!read.ok) return inFewWords(read.problem.message)
    const { subject, issuer, sha256, spkiSha256, notBefore, notAfter } = read.value
    assert.equal(sha256, createHash('sha256').update(input).digest('hex'))
    assert.ok(Number.isFinite(notBefore) && Number.isFinite(notAfter))
    for (const name of [subject, issuer]) assert.ok(nameKey(name).length > 0 || formatName(name) === '')
    const expected = publicKeyOf(input)
    // OpenSSL writes a key anew: what it read otherwise than it was written is another digest
    return expected === spkiSha256 ? 'read' : 'read; OpenSSL differs'
  },
}

const material: FuzzTarget = {
  name: 'material',
  seeds: [client.chainPem, client.certPem, client.der, pki.caPem, ...igc],
  dictionary: [
    '-----BEGIN CERTIFICATE-----\n',
    '-----END CERTIFICATE-----\n',
    '-----BEGIN PUBLIC KEY-----\n',
    '-----BEGIN PKCS7-----',
    '\n',
    '\r\n',
    '=',
    ...der,
  ],
  check: (input) => {
    const certificates = readCertificates(input)
    const pins = readPins(input)
    if (pins.ok) for (const pin of pins.value) assert.match(pin, /^[0-9a-f]{64}$/)
    const told = certificates.ok ? `${certificates.value.length} certificates` : certificates.problem.message
    return `${inFewWords(told)}; ${pins.ok ? 'pins' : inFewWords(pins.problem.message)}`
  },
}

const crl: FuzzTarget = {
  name: 'crl',
  seeds: [crlPem, crlDer],
  dictionary: ['-----BEGIN X509 CRL-----\n', '-----END X509 CRL-----\n', ...der],
  check: (input) => {
    const read = readCrls(input)
    if (!read.ok) return inFewWords(read.problem.message)
    for (const { nextUpdate, thisUpdate } of read.value) {
      assert.ok(Number.isFinite(nextUpdate) && Number.isFinite(thisUpdate))
    }
    return `${read.value.length} lists`
  },
}

export const x509Targets: readonly FuzzTarget[] = [certificate, material, crl]
