import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { makeDevelopmentPki, type PkiReport } from '../../src/dev/development-pki.js'
import { clientPlans, consumerSubject, writtenSubjectOf } from '../../src/dev/pki-plan.js'

const scratch = mkdtempSync(join(tmpdir(), 'ror-gateway-pki-'))
const folder = join(scratch, 'pki')
const now = Date.now()
const day = 24 * 60 * 60 * 1000
let first: PkiReport

before(async () => {
  first = await makeDevelopmentPki(folder, now)
})
after(() => {
  rmSync(scratch, { recursive: true })
})

function verify(
  file: string,
  ...options: string[]
): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('openssl', ['verify', ...options, join(folder, file)], {
    encoding: 'utf8',
  })
  return { status, output: stdout + stderr }
}

function verifyClient(file: string, range = file.split('/', 1).join('')): ReturnType<typeof verify> {
  const trust = ['-CAfile', join(folder, `${range}-ca.pem`), '-CRLfile', join(folder, `${range}-ca.crl`)]
  return verify(file, ...trust, '-crl_check_all', '-purpose', 'sslclient', '-x509_strict')
}

/** Every file with its content, so that two runs can be compared. */
function snapshot(): Readonly<Record<string, string>> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter((name) => statSync(join(folder, name)).isFile())
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

test('openssl verifies every valid client certificate against its own authorities and CRLs', () => {
  const valid = clientPlans.filter(({ state, kind }) => state === 'valid' && kind === 'organisation')
  assert.equal(valid.length, 11)
  for (const { range, file } of valid) {
    const { status, output } = verifyClient(`${range}/${file}.pem`)
    assert.equal(status, 0, output)
  }
})

test('openssl refuses the peculiar ones, each for its own reason', () => {
  assert.match(verifyClient('test/expired.pem').output, /certificate has expired/)
  assert.match(verifyClient('test/revoked.pem').output, /certificate revoked/)
  assert.match(
    verifyClient('test/person.pem').output,
    /unsupported certificate purpose|unsuitable certificate purpose/,
  )
  assert.match(verifyClient('test/eai.pem', 'prod').output, /unable to get local issuer certificate/)
  assert.match(verifyClient('prod/eai.pem', 'test').output, /unable to get local issuer certificate/)
})

test('openssl verifies the server certificates for every national host and the local ones', () => {
  const names = {
    sandbox: [
      'bas-api-fhir.qualif.ror.esante.gouv.fr',
      'bas-auth-api.qualif.ror.esante.gouv.fr',
      'localhost',
    ],
    production: ['api-fhir.ror.esante.gouv.fr', 'auth-api.ror.esante.gouv.fr', 'localhost'],
  }
  for (const [file, hosts] of Object.entries(names)) {
    const trust = ['-CAfile', join(folder, 'server-ca.pem'), '-purpose', 'sslserver', '-x509_strict']
    for (const host of hosts) {
      const { status, output } = verify(`${file}.pem`, ...trust, '-verify_hostname', host)
      assert.equal(status, 0, output)
    }
    assert.equal(verify(`${file}.pem`, ...trust, '-verify_ip', '127.0.0.1').status, 0)
  }
})

test('a subject stands in the order and the string types of IGC-Santé', () => {
  const parsed = execFileSync('openssl', ['asn1parse', '-in', join(folder, 'test', 'consumer-fhir.pem')], {
    encoding: 'utf8',
  })
  const strings = [...parsed.matchAll(/(OBJECT|PRINTABLESTRING|UTF8STRING)\s*:(.*)/g)].map(
    ([, kind, text]) => `${kind ?? ''} ${text ?? ''}`,
  )
  const start = strings.lastIndexOf('PRINTABLESTRING FR') - 1
  assert.deepEqual(strings.slice(start, start + 10), [
    'OBJECT countryName',
    'PRINTABLESTRING FR',
    'OBJECT stateOrProvinceName',
    'UTF8STRING Paris (75)',
    'OBJECT organizationName',
    'UTF8STRING GIP - TEST3012',
    'OBJECT organizationalUnitName',
    'UTF8STRING 33333333333',
    'OBJECT commonName',
    'UTF8STRING CLIENT_TEST_RORN',
  ])
})

test('an issuer holds two OUs, and says that it is none of the real ones', () => {
  const { issuer } = new X509Certificate(readFileSync(join(folder, 'test', 'eai.pem')))
  assert.deepEqual(issuer.split('\n'), [
    'C=FR',
    'O=ASIP-SANTE',
    'OU=0002 187512751',
    'OU=IGC-SANTE TEST',
    'CN=TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS (DEV)',
  ])
})

test('a name is written as mails write it', () => {
  assert.equal(writtenSubjectOf('test', 'consumer-fhir'), consumerSubject)
  assert.equal(
    writtenSubjectOf('test', 'saas'),
    "CN=lits.saas.demonstration,OU=399700000200019,O=EDITEUR D'AGENDAS\\, LITS ET PLACES,ST=Hauts-de-Seine (92),C=FR",
  )
})

test('keys are for their owner alone', () => {
  const keys = Object.keys(snapshot()).filter((name) => name.endsWith('.key'))
  assert.equal(keys.length, clientPlans.length + 7)
  for (const name of keys) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
})

test('a second run changes nothing and says so', async () => {
  const before = snapshot()
  const second = await makeDevelopmentPki(folder, now + day)
  assert.deepEqual(second.made, [])
  assert.deepEqual(second.renewed, [])
  assert.deepEqual([...second.kept].sort(), [...first.made].sort())
  assert.deepEqual(snapshot(), before)
})

test('what was deleted or broken is made anew, and the rest is kept', async () => {
  const before = snapshot()
  unlinkSync(join(folder, 'test', 'saas.key'))
  writeFileSync(join(folder, 'test', 'unlisted.pem'), 'not a certificate')
  const { made, renewed } = await makeDevelopmentPki(folder, now)
  assert.deepEqual([made, renewed], [['test/unlisted.pem'], ['test/saas.pem']])
  assert.equal(verifyClient('test/saas.pem').status, 0)
  const changed = Object.entries(snapshot()).filter(([name, text]) => before[name] !== text)
  assert.deepEqual(
    changed.map(([name]) => name),
    ['test/saas.key', 'test/saas.pem', 'test/unlisted.pem'],
  )
})

test('stale CRLs and ending certificates are renewed with the key they had', async () => {
  const later = now + 24 * day
  const { renewed: crls } = await makeDevelopmentPki(folder, later)
  assert.deepEqual(crls, ['test-ca.crl', 'prod-ca.crl'])

  const before = snapshot()
  const end = now + 364 * day
  const { renewed } = await makeDevelopmentPki(folder, end)
  assert.deepEqual([...renewed].sort(), ['prod-ca.crl', 'production.pem', 'sandbox.pem', 'test-ca.crl'])
  assert.equal(snapshot()['sandbox.key'], before['sandbox.key'])
  const certificate = new X509Certificate(readFileSync(join(folder, 'sandbox.pem')))
  assert.ok(Date.parse(certificate.validTo) > end + 300 * day)
})

test('a lost authority key takes the certificates below it along', async () => {
  unlinkSync(join(folder, 'authorities', 'prod-organisations.key'))
  const { renewed } = await makeDevelopmentPki(folder, now)
  assert.ok(renewed.includes('prod/eai.pem') && renewed.includes('prod-ca.crl'))
  assert.ok(!renewed.some((file) => file.startsWith('test/')))
  assert.equal(verifyClient('prod/eai.pem').status, 0)
})

test('a file in place of the folder, or a place where none can be made, is one clear line', async () => {
  const file = join(scratch, 'occupied')
  writeFileSync(file, '')
  await assert.rejects(makeDevelopmentPki(file, now), {
    name: 'Failure',
    message: `a folder is expected at \`${file}\`, a file stands there`,
  })
  const beyond = join(file, 'pki')
  await assert.rejects(makeDevelopmentPki(beyond, now), {
    message: `\`${beyond}\` cannot be made: a file stands where a folder is expected`,
  })
  // a file system that takes no folder, whoever asks
  await assert.rejects(makeDevelopmentPki('/proc/ror-gateway/pki', now), {
    message: '`/proc/ror-gateway/pki` cannot be made: nothing can be made there',
  })
})
