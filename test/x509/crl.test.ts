import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { covers, isRevoked, parseCrl, readCrls, verifyCrl, type RevocationList } from '../../src/x509/crl.js'
import {
  boolean,
  encode,
  explicit,
  implicit,
  implicitBytes,
  integer,
  sequence,
  type DerElement,
} from '../../src/x509/der-writer.js'
import { issueCrl, type CrlRequest } from '../../src/x509/issue.js'
import { generateKeys } from '../../src/x509/keys.js'
import { toPem } from '../../src/x509/pem.js'
import {
  authorityName,
  createPki,
  end,
  openssl,
  problemOf,
  read,
  replaced,
  start,
  valueOf,
} from './issuing.js'

const pki = await createPki()
const { root, intermediate } = pki
const authorities = [root, intermediate].map(({ certificate }) => read(certificate))
const nextDay = start + 24 * 60 * 60 * 1000

function crlDer(more: Partial<CrlRequest> = {}): Uint8Array {
  return issueCrl({
    issuer: intermediate,
    thisUpdate: start,
    nextUpdate: nextDay,
    crlNumber: 300,
    revoked: [],
    ...more,
  })
}

const revoke = (...serialNumbers: string[]) =>
  serialNumbers.map((serialNumber) => ({ serialNumber, at: start }))

function codeOf(der: Uint8Array): string {
  return problemOf(parseCrl(der)).code
}

/** An issuing distribution point around these parts. */
function pointing(...parts: readonly DerElement[]): Partial<CrlRequest> {
  return { extensions: [{ oid: '2.5.29.28', critical: true, value: encode(sequence(...parts)) }] }
}

const flag = (tag: number) => implicitBytes(tag, Uint8Array.of(0xff))
const point = (url: string) => explicit(0, implicit(0, [implicitBytes(6, url)]))

test('knows each revoked serial and no other, whatever their lengths and order', () => {
  const serials = ['ff', '01', '0100', '7f'.repeat(16), '00c9', 'ff'.repeat(20), '0a', '80', 'ff00']
  const crl = valueOf(parseCrl(crlDer({ revoked: revoke(...serials) })))
  assert.equal(crl.revoked.count, serials.length)
  for (const serial of ['ff', '01', '0100', '7f'.repeat(16), 'c9', 'ff'.repeat(20), '0a', '80', 'ff00']) {
    assert.ok(isRevoked(crl, serial), serial)
  }
  for (const serial of [
    '02',
    '0101',
    '7f'.repeat(15),
    'c900',
    '0000',
    'fe',
    'ff'.repeat(19),
    'ff'.repeat(21),
    '00',
    '',
  ]) {
    assert.ok(!isRevoked(crl, serial), serial)
  }
})

test('finds exactly the serials of the certificates revoked', () => {
  const [good, bad] = [pki.client(), pki.client({ serialNumber: 'f00dfeed' })]
  const crl = valueOf(parseCrl(crlDer({ revoked: revoke(bad.serialNumber) })))
  assert.deepEqual([isRevoked(crl, good.serialNumber), isRevoked(crl, bad.serialNumber)], [false, true])
})

test('any set of serials answers as a set does', () => {
  const serial = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((octets) => {
    const hex = Buffer.from(octets)
      .toString('hex')
      .replace(/^(?:00)+/, '')
    return hex === '' ? '00' : hex
  })
  fc.assert(
    fc.property(
      fc.uniqueArray(serial, { maxLength: 60 }),
      fc.array(serial, { maxLength: 20 }),
      (listed, others) => {
        const crl = valueOf(parseCrl(crlDer({ revoked: revoke(...listed) })))
        for (const each of listed) assert.ok(isRevoked(crl, each))
        for (const each of others) assert.equal(isRevoked(crl, each), listed.includes(each))
      },
    ),
    { numRuns: 60 },
  )
})

test('reads an empty list, its dates and its number', () => {
  const crl = valueOf(parseCrl(crlDer()))
  assert.deepEqual(
    [crl.revoked.count, crl.thisUpdate, crl.nextUpdate, crl.crlNumber, crl.scope, crl.issuerKey],
    [0, start, nextDay, '012c', 'all', read(intermediate.certificate).subjectKey],
  )
  assert.equal(crl.authorityKeyIdentifier, read(intermediate.certificate).subjectKeyIdentifier)
})

test('takes entries with reasons, and one put on hold is revoked', () => {
  const revoked = [1, 4, 6, 8].map((reason) => ({ serialNumber: `0${reason}`, at: start, reason }))
  const crl = valueOf(parseCrl(crlDer({ revoked })))
  for (const { serialNumber } of revoked) assert.ok(isRevoked(crl, serialNumber))
})

test('only a key of the issuer that may sign CRLs makes a list count', async () => {
  const crl = valueOf(parseCrl(crlDer({ revoked: revoke('c0de') })))
  const verified = valueOf(verifyCrl(crl, authorities))
  assert.equal(verified.issuerSpkiSha256, read(intermediate.certificate).spkiSha256)
  assert.ok(isRevoked(verified, 'c0de'))
  assert.ok(!('tbs' in verified))
  assert.deepEqual(structuredClone(verified), verified)

  const refusal = (list: typeof crl, of = authorities) => problemOf(verifyCrl(list, of))
  assert.equal(refusal(crl, [read(root.certificate)]).code, 'crl-issuer-unknown')
  const keys = await generateKeys('ec-p256')
  const forged = valueOf(parseCrl(crlDer({ issuer: { ...intermediate, keys } })))
  assert.match(refusal(forged).message, /`TEST AC ORGANISATIONS` did not sign its CRL/)
  const changed = valueOf(
    parseCrl(replaced(crlDer({ revoked: revoke('c0dec0de') }), [0xc0, 0xde], [0xc0, 0xdf])),
  )
  assert.equal(refusal(changed).code, 'crl-signature')
  const mute = pki.authority({ name: 'TEST AC ORGANISATIONS', issuer: root, keyUsage: ['keyCertSign'] })
  assert.match(refusal(crl, [read(mute.certificate)]).message, /may not sign CRLs/)
  const plain = pki.authority({
    name: 'TEST AC ORGANISATIONS',
    issuer: root,
    basicConstraints: { ca: false },
  })
  assert.match(refusal(crl, [read(plain.certificate)]).message, /may not sign CRLs/)
  const weak = valueOf(parseCrl(crlDer({ signature: { hash: 'sha1' } })))
  assert.match(refusal(weak).message, /too weak/)
})

for (const kind of ['rsa-2048', 'rsa-pss-2048', 'ec-p384', 'ed25519'] as const) {
  test(`verifies a CRL signed with a key ${kind}, as OpenSSL does`, async () => {
    const issuer = pki.authority({ name: kind, keys: await generateKeys(kind) })
    const der = crlDer({ issuer, revoked: revoke('c0de') })
    valueOf(verifyCrl(valueOf(parseCrl(der)), [read(issuer.certificate)]))
    const text = openssl(['crl', '-inform', 'DER', '-noout', '-text'], der)
    assert.match(text, /Serial Number: C0DE/)
  })
}

test('a delta, an indirect or a partial CRL is refused by its name', () => {
  const delta = { extensions: [{ oid: '2.5.29.27', critical: true, value: encode(integer(1)) }] }
  assert.equal(codeOf(crlDer(delta)), 'crl-delta')
  assert.equal(codeOf(crlDer(pointing(flag(4)))), 'crl-indirect')
  assert.equal(codeOf(crlDer(pointing(implicitBytes(3, Uint8Array.of(1, 0x40))))), 'crl-partial')
  assert.equal(codeOf(crlDer(pointing(flag(5)))), 'crl-partial')
  assert.equal(codeOf(crlDer(pointing(explicit(0, implicit(1, []))))), 'crl-partial')
  assert.equal(codeOf(crlDer(pointing(flag(1), flag(2)))), 'crl-malformed')
  const unknown = { extensions: [{ oid: '1.2.3', critical: true, value: encode(boolean(true)) }] }
  assert.equal(codeOf(crlDer(unknown)), 'crl-critical-extension')
})

test('a list without nextUpdate is refused: it would never be stale', () => {
  const der = issueCrl({ issuer: intermediate, thisUpdate: start, revoked: [] })
  assert.match(problemOf(parseCrl(der)).message, /nextUpdate/)
})

test('a list of users, of authorities or of a distribution point covers only those', () => {
  const url = 'http://igc-sante.esante.gouv.fr/CRL/ACI-EL-ORG-TEST.crl'
  const list = (more: Partial<CrlRequest>): RevocationList => valueOf(parseCrl(crlDer(more)))
  const [client, named] = [pki.client(), pki.client({ crlDistributionPoints: [url] })]
  const below = read(pki.authority({ name: 'BELOW', issuer: intermediate }).certificate)
  const covered = (crl: RevocationList) =>
    [client, named, below].map((certificate) => covers(crl, certificate))
  assert.deepEqual(covered(list({})), [true, true, true])
  assert.deepEqual(covered(list(pointing(flag(1)))), [true, true, false])
  assert.deepEqual(covered(list(pointing(flag(2)))), [false, false, true])
  assert.deepEqual(covered(list(pointing(point(url)))), [false, true, false])
  assert.ok(!covers(list({ issuer: root }), client))
})

test('reads every CRL of a PEM file, and DER', () => {
  const pem = [root, intermediate].map((issuer) => toPem('X509 CRL', crlDer({ issuer })))
  assert.equal(valueOf(readCrls(Buffer.from(pem.join('some text\n')))).length, 2)
  assert.equal(valueOf(readCrls(crlDer())).length, 1)
})

test('one CRL that cannot be read spoils the file, and says on which line it stands', () => {
  const broken = Buffer.from(toPem('X509 CRL', crlDer()) + toPem('X509 CRL', crlDer(pointing(flag(4)))))
  const { code, line } = problemOf(readCrls(broken))
  assert.equal(code, 'crl-indirect')
  assert.ok(line !== undefined && line > 5)
  const certificates = Buffer.from(toPem('CERTIFICATE', root.certificate))
  assert.equal(problemOf(readCrls(certificates)).code, 'crl-absent')
  assert.equal(problemOf(readCrls(new Uint8Array())).code, 'crl-malformed')
  const key = Buffer.from('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')
  assert.equal(problemOf(readCrls(key)).code, 'private-key-present')
})

test('no bytes and no change of a real list make it throw', () => {
  const real = Buffer.from(
    crlDer({ revoked: [...revoke('c0de', 'beef'), { serialNumber: '01', at: end, reason: 1 }] }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof parseCrl(bytes).ok === 'boolean'),
  )
  for (let place = 0; place < real.length; place++) {
    for (const value of [0x00, 0x30, 0x80, 0xff]) {
      const bytes = Buffer.from(real)
      bytes[place] = value
      parseCrl(bytes)
      parseCrl(real.subarray(0, place))
    }
  }
})

test('a name that an authority may not have refuses its list', () => {
  const name = pki.authority({ name: 'x', subject: [{ type: 'CN', value: 'a', string: 'bmp' }] }).name
  assert.match(problemOf(parseCrl(crlDer({ issuer: { ...root, name } }))).message, /BMPString/)
  assert.equal(authorityName('a').length, 5)
})

test('100,000 serials are kept in less than 2 MB, and found', () => {
  const octets = randomBytes(1_600_000).toString('hex')
  const revoked = Array.from({ length: 100_000 }, (_, index) => {
    return { serialNumber: `a${octets.slice(index * 32 + 1, index * 32 + 32)}`, at: start }
  })
  const crl = valueOf(verifyCrl(valueOf(parseCrl(crlDer({ revoked }))), authorities))
  assert.equal(crl.revoked.count, 100_000)
  assert.ok(crl.revoked.bytes.length < 2_000_000)
  for (let index = 0; index < revoked.length; index += 97) {
    assert.ok(isRevoked(crl, revoked[index]?.serialNumber ?? ''))
  }
})
