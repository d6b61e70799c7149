import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { selfDiagnosisPath } from '../../src/gateway/self-diagnosis.js'
import { fhirHost, makeStand } from '../gateway/stand.js'

const exec = promisify(execFile)
const policies = '/etc/chromium/policies/managed'

// Chromium takes client certificates from the NSS database of its user, and asks which one to show
// unless a policy of the machine has chosen
test('a browser with a client certificate shows what the gateway sees of it', async (context) => {
  const stand = await makeStand(context)
  const home = mkdtempSync(join(tmpdir(), 'ror-browser-'))
  const policy = join(policies, `ror-gateway-test-${process.pid}.json`)
  context.after(() => {
    rmSync(home, { recursive: true, force: true })
    rmSync(policy, { force: true })
  })
  mkdirSync(policies, { recursive: true })
  const choice = { pattern: `https://${fhirHost}:${stand.port}`, filter: {} }
  writeFileSync(policy, JSON.stringify({ AutoSelectCertificateForUrls: [JSON.stringify(choice)] }))

  const database = join(home, '.pki', 'nssdb')
  mkdirSync(database, { recursive: true })
  writeFileSync(join(home, 'client.pem'), stand.partner.chainPem)
  writeFileSync(join(home, 'client.key'), stand.partner.keyPem)
  writeFileSync(join(home, 'root.pem'), stand.pki.rootPem)
  const p12 = join(home, 'client.p12')
  await exec('openssl', [
    'pkcs12',
    '-export',
    '-in',
    join(home, 'client.pem'),
    '-inkey',
    join(home, 'client.key'),
    '-out',
    p12,
    '-passout',
    'pass:x',
  ])
  await exec('certutil', ['-d', `sql:${database}`, '-N', '--empty-password'])
  await exec('certutil', [
    '-d',
    `sql:${database}`,
    '-A',
    '-n',
    'root',
    '-t',
    'C,,',
    '-i',
    join(home, 'root.pem'),
  ])
  await exec('pk12util', ['-d', `sql:${database}`, '-i', p12, '-W', 'x', '-K', ''])

  const url = `https://${fhirHost}:${stand.port}${selfDiagnosisPath}?establishment=350054680`
  const browser = async (...more: string[]) =>
    exec(
      'chromium',
      [
        ...[
          '--headless',
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-sync',
        ],
        ...['--disable-background-networking', '--disable-component-update', '--virtual-time-budget=5000'],
        ...[`--user-data-dir=${join(home, 'profile')}`, `--host-resolver-rules=MAP ${fhirHost} 127.0.0.1`],
        ...['--window-size=1100,900', ...more, url],
      ],
      { env: { ...process.env, HOME: home }, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 },
    )

  const { stdout: page } = await browser('--dump-dom')
  assert.match(page, /Ce que la passerelle ROR voit de votre connexion/)
  assert.ok(page.includes('EAI régional Bretagne'), page.slice(0, 2_000))
  assert.ok(page.includes(stand.partner.serialNumber))
  assert.match(page, /Écriture pour <code>1350054680<\/code><\/th><td><b class="yes">oui<\/b>/)
  const picture = process.env['ROR_SCREENSHOT'] ?? join(home, 'page.png')
  await browser(`--screenshot=${picture}`)
  assert.ok(statSync(picture).size > 10_000)
  assert.equal(stand.upstream.connections.length, 0)
})
