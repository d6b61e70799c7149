import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createAuthority, issueCertificate, issueCrl } from '../../src/x509/issue.js'
import { generateKeys, privateKeyPem, type KeyKind } from '../../src/x509/keys.js'
import { toPem } from '../../src/x509/pem.js'
import { authorityName, createPki, end, holder, openssl, start } from './issuing.js'

const kinds: readonly KeyKind[] = [
  'rsa-1024',
  'rsa-2048',
  'rsa-pss-2048',
  'ec-p256',
  'ec-p384',
  'ec-p521',
  'ed25519',
]
const signatures = [{}, { hash: 'sha1' }, { hash: 'sha512' }, { pss: true }] as const

for (const kind of kinds) {
  test(`signs with ${kind} keys what OpenSSL verifies, whatever the hash`, async () => {
    const keys = await generateKeys(kind)
    for (const signature of signatures) {
      const root = createAuthority({
        subject: authorityName('TEST AC RACINE'),
        keys,
        serialNumber: '80ff',
        notBefore: start,
        notAfter: end,
        signature,
      })
      const leaf = issueCertificate({
        issuer: root,
        publicKey: keys.publicKey,
        subject: holder('CLIENT'),
        serialNumber: '1',
        notBefore: start,
        notAfter: end,
        signature,
      })
      assert.ok(new X509Certificate(root.certificate).verify(keys.publicKey))
      assert.ok(new X509Certificate(leaf).verify(keys.publicKey))
    }
  })
}

test('OpenSSL takes a chain, a CRL and a revocation it issued', async () => {
  const { root, intermediate, clientDer } = await createPki()
  const folder = mkdtempSync(join(tmpdir(), 'x509-issue-'))
  try {
    const write = (name: string, ...parts: string[]) => {
      writeFileSync(join(folder, name), parts.join(''))
      return join(folder, name)
    }
    const crl = (issuer: typeof root, revoked: string[]) =>
      toPem(
        'X509 CRL',
        issueCrl({
          issuer,
          thisUpdate: start,
          nextUpdate: Date.UTC(2049, 0, 1),
          crlNumber: 7,
          revoked: revoked.map((serialNumber) => ({ serialNumber, at: start, reason: 1 })),
        }),
      )
    const authorities = [root, intermediate].map(({ certificate }) => toPem('CERTIFICATE', certificate))
    const trusted = write('ca.pem', ...authorities, crl(root, []), crl(intermediate, ['c0de']))
    const good = write('good.pem', toPem('CERTIFICATE', clientDer({ serialNumber: 'beef' })))
    const revoked = write('revoked.pem', toPem('CERTIFICATE', clientDer({ serialNumber: 'c0de' })))
    const at = String(Date.UTC(2027, 0, 1) / 1000)
    const verify = ['verify', '-attime', at, '-crl_check_all', '-purpose', 'sslclient', '-CAfile', trusted]
    assert.match(openssl([...verify, good]), /OK/)
    assert.throws(() => openssl([...verify, revoked]), /certificate revoked/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('exports private keys that Node reads back', async () => {
  const keys = await generateKeys('ec-p256')
  assert.ok(createPrivateKey(privateKeyPem(keys)).equals(keys.privateKey))
})
