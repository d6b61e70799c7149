import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { command } from '../cli/in-process.js'
import { day, makeTestPki, type TestCertificate, type TestPki } from '../support/pki.js'
import { makeStand, reasonOf, type Stand } from './stand.js'

const now = Date.now()
const revoked = { serialNumber: '0a' }
const file = 'pki/client-ca.crl'

type Age = NonNullable<Parameters<TestPki['crl']>[1]>

interface Guarded {
  readonly stand: Stand
  /** Revoked by the CRL in force; everything else speaks for it. */
  readonly client: TestCertificate
}

/** Files are read when asked. */
async function guarded(context: TestContext, age: Age, crlPolicy = 'require'): Promise<Guarded> {
  const stand = await makeStand(context, {
    crl: (pki) => pki.crl([revoked], age),
    config: (text) =>
      text
        .replace('debounceMs: 20,', 'debounceMs: 60000,')
        .replace('crlPolicy: require', `crlPolicy: ${crlPolicy}`),
  })
  return { stand, client: await stand.pki.client(revoked) }
}

async function assertRevoked({ stand, client }: Guarded): Promise<void> {
  assert.equal(reasonOf(await stand.send({ client })), 'certificate-revoked')
  assert.equal(stand.upstream.requests.length, 0)
}

const older: readonly (readonly [what: string, before: Age, after: Age, says: RegExp])[] = [
  [
    'with a lower number',
    { crlNumber: 300 },
    { crlNumber: 255 },
    /client-ca\.crl`: the CRL of `TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS` goes back \(number 255, of .*\) behind .* in `sandbox` \(number 300, of /,
  ],
  [
    'without a number, of an earlier day',
    { crlNumber: undefined },
    { crlNumber: undefined, thisUpdate: now - 2 * day },
    /\(no number, of .*\) behind/,
  ],
  [
    'of an earlier day under the number of an abandoned count',
    { crlNumber: 1 },
    { crlNumber: 300, thisUpdate: now - 2 * day },
    /\(number 300, of .*\) behind .* \(number 1, of /,
  ],
]

for (const [what, before, after, says] of older) {
  test(`who was revoked since stays out, until it is confirmed, under an older CRL: ${what}`, async (context) => {
    const all = await guarded(context, before)
    const { stand, client } = all
    await assertRevoked(all)
    stand.write(file, stand.pki.crl([], after))
    const refused = await stand.gateway.reload('signal')
    assert.deepEqual(
      [refused.result, ...refused.diagnostics.map(({ code }) => code)],
      ['refused', 'crl-older', 'crl-older'],
    )
    assert.match(refused.diagnostics[0]?.message ?? '', says)
    await assertRevoked(all)
    const confirm = refused.refusedRevision ?? ''
    assert.ok(refused.diagnostics[0]?.message.includes(`reload --confirm ${confirm}`))
    assert.equal((await stand.gateway.reload('admin', { confirm: '0123456789abcdef' })).result, 'refused')
    await assertRevoked(all)
    assert.equal((await stand.gateway.reload('admin', { confirm })).result, 'reloaded')
    assert.equal((await stand.send({ client })).status, 200)
  })
}

for (const withAuthority of [false, true]) {
  const what = withAuthority ? ', nor the issuer among the authorities' : ''
  test(`who is revoked stays out, until it is confirmed, where no file has the CRL any more${what}`, async (context) => {
    const all = await guarded(context, {}, 'if-fresh')
    const { stand, client } = all
    await assertRevoked(all)
    stand.write(file, ofRoot(stand.pki.crl()))
    // the client brings its issuer along, below the root that stays
    if (withAuthority) stand.write('pki/client-ca.pem', stand.pki.rootPem)
    const refused = await stand.gateway.reload('signal')
    assert.deepEqual(
      [refused.result, ...refused.diagnostics.map(({ code }) => code)],
      ['refused', 'crl-dropped'],
    )
    assert.match(refused.diagnostics[0]?.message ?? '', /`TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS`/)
    await assertRevoked(all)
    const confirm = refused.refusedRevision ?? ''
    assert.equal((await stand.gateway.reload('admin', { confirm })).result, 'reloaded')
    assert.equal((await stand.send({ client })).status, 200)
  })
}

/** The second list of a file alone. */
function ofRoot(crls: string): string {
  return crls.slice(crls.lastIndexOf('-----BEGIN'))
}

const tolerated: readonly (readonly [what: string, before: Age, edit: (stand: Stand) => void])[] = [
  [
    'a newer CRL',
    { crlNumber: 9 },
    (stand) => {
      stand.write(file, stand.pki.crl([revoked], { crlNumber: 10, thisUpdate: now - day + 60_000 }))
    },
  ],
  [
    'the first CRL with a number',
    { crlNumber: undefined },
    (stand) => {
      stand.write(file, stand.pki.crl([revoked], { crlNumber: 1 }))
    },
  ],
  [
    'an older CRL beside the one in force',
    { crlNumber: 9 },
    (stand) => {
      stand.write(
        file,
        stand.pki.crl([], { crlNumber: 8, thisUpdate: now - 2 * day }) +
          stand.pki.crl([revoked], { crlNumber: 9 }),
      )
    },
  ],
]

for (const [what, before, edit] of tolerated) {
  test(`forgets nobody, and is taken: ${what}`, async (context) => {
    const all = await guarded(context, before)
    edit(all.stand)
    const { result, diagnostics } = await all.stand.gateway.reload('signal')
    assert.equal(result, 'reloaded', JSON.stringify(diagnostics))
    await assertRevoked(all)
  })
}

test('an environment that looks at no revocation, before or after, is not guarded', async (context) => {
  const { stand } = await guarded(context, { crlNumber: 9 })
  const config = readFileSync(join(stand.folder, 'gateway.yaml'), 'utf8')
  stand.write('gateway.yaml', config.replace('crlPolicy: require', 'crlPolicy: off'))
  stand.write(file, stand.pki.crl([], { crlNumber: 8 }))
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
  stand.write('gateway.yaml', config)
  stand.write(file, stand.pki.crl([], { crlNumber: 7 }))
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
})

test('authorities that are given up as a whole take their CRLs along at once', async (context) => {
  const { stand } = await guarded(context, {})
  const fresh = await makeTestPki({ prefix: 'FRESH ' })
  stand.write('pki/client-ca.pem', fresh.caPem)
  stand.write(file, fresh.crl())
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
  assert.equal(reasonOf(await stand.send({})), 'certificate-untrusted')
  assert.equal(stand.upstream.requests.length, 0)
})

test('ror-gateway reload tells which CRL goes back, and confirms it', async (context) => {
  const { stand } = await guarded(context, { crlNumber: 12 })
  const { port } = stand.gateway.admin ?? { port: 0 }
  const admin = ['reload', '--admin', `http://127.0.0.1:${port}`]
  stand.write(file, stand.pki.crl([revoked], { crlNumber: 1 }))
  const refused = await command(admin)
  assert.equal(refused.code, 2)
  const [, revision = ''] = /--confirm ([0-9a-f]{16})\n$/.exec(refused.stdout) ?? []
  assert.match(refused.stdout, /gateway\.yaml:\d+:\d+.*number 1, of .*number 12, of /)
  assert.equal((await command([...admin, '--confirm', revision])).code, 0)
})
