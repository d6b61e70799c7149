import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Diagnostic } from '../../src/core/diagnostic.js'
import { expiryFindings, namedFindings } from '../../src/gateway/expiry.js'
import { ExpiryReport } from '../../src/gateway/expiry-report.js'
import { loadPolicy } from '../../src/gateway/load.js'
import type { LoadedPolicy } from '../../src/gateway/policy.js'
import { run } from '../cli/program.js'
import { day, makeTestPki } from '../support/pki.js'
import { makeStand, type Stand } from './stand.js'

const hour = 3_600_000
const firstBlock = (pem: string): string => pem.slice(0, pem.indexOf('-----END X509 CRL-----\n') + 23)

async function load(stand: Stand): Promise<LoadedPolicy> {
  const loaded = await loadPolicy(join(stand.folder, 'gateway.yaml'))
  assert.ok(loaded.ok)
  return loaded.value
}

const codes = (findings: readonly Diagnostic[]): readonly string[] => findings.map(({ code }) => code)

test('a CRL is spoken of from `crlWarnHours` before its end, and called stale from its end on', async (context) => {
  const stand = await makeStand(context)
  const { environments } = await load(stand)
  const end = environments[0]?.crls[0]?.nextUpdate ?? 0
  assert.deepEqual(expiryFindings(environments, end - 49 * hour), [])
  const [first, second] = expiryFindings(environments, end - 47 * hour)
  assert.deepEqual([first?.code, second?.code], ['crl-ending', 'crl-ending'])
  assert.match(first?.message ?? '', /^the CRL of `TEST AC .* ends in 47 hours, at 20/)
  assert.match(first?.place.file ?? '', /gateway\.yaml$/)
  const [stale] = expiryFindings(environments, end)
  assert.equal(stale?.code, 'crl-stale')
  assert.match(stale.message, /its clients are refused \(503\)$/)
})

test('a configured authority without a CRL is spoken of, and what that comes to', async (context) => {
  const stand = await makeStand(context, { crl: (pki) => firstBlock(pki.crl()) })
  const [root, ...more] = expiryFindings((await load(stand)).environments, Date.now())
  assert.deepEqual([root?.code, more.length], ['crl-absent', 0])
  assert.match(root?.message ?? '', /AC RACINE.*what it revoked is not known$/)
  // an ECDSA signature has no fixed length: the block that is cut off must be of the same text
  const both = stand.pki.crl()
  stand.write('pki/client-ca.crl', both.slice(firstBlock(both).length))
  const [intermediate] = expiryFindings((await load(stand)).environments, Date.now())
  assert.match(intermediate?.message ?? '', /ORGANISATIONS`: its clients are refused \(503\)$/)
})

test('where revocation is off, no CRL is spoken of', async (context) => {
  const stand = await makeStand(context, {
    config: (text) => text.replace('crlPolicy: require', 'crlPolicy: off'),
  })
  assert.deepEqual(expiryFindings((await load(stand)).environments, Date.now() + 30 * day), [])
})

test('a server certificate is spoken of from 60 days before its end', async (context) => {
  const stand = await makeStand(context, {
    config: (text) => text.replace('crlPolicy: require', 'crlPolicy: off'),
  })
  const { environments } = await load(stand)
  const now = Date.now()
  assert.deepEqual(expiryFindings(environments, now + 304 * day), [])
  const [ending] = expiryFindings(environments, now + 306 * day)
  assert.match(ending?.message ?? '', /^the server certificate `.*server\.pem` ends in 5[89] days/)
  assert.deepEqual(codes(expiryFindings(environments, now + 366 * day)), ['certificate-ended'])
})

const filed = (id: string): string => `  - id: ${id}
    name: ${id}
    solution: consumer
    certificates: [{ publicKey: ../keys/${id}.pem }]
    apis: [csd]
`

test('a certificate file of a partner is spoken of where it ends soon, or opens nothing in its environment', async (context) => {
  const stand = await makeStand(context)
  const now = Date.now()
  const strayed = await (await makeTestPki({ prefix: '' })).client()
  stand.write('keys/strayed.pem', strayed.certPem)
  stand.write('keys/soon.pem', (await stand.pki.client({ notAfter: now + 59.5 * day })).certPem)
  stand.write('keys/later.pem', (await stand.pki.client()).certPem)
  stand.write('whitelist/filed.yaml', `partners:\n${['strayed', 'soon', 'later'].map(filed).join('')}`)
  const { named, warnings } = await load(stand)
  const [elsewhere, ...more] = warnings
  assert.deepEqual([elsewhere?.code, more.length], ['certificate-elsewhere', 0])
  assert.match(
    elsewhere?.message ?? '',
    /strayed\.pem` of partner `strayed` opens nothing here: no authority of `sandbox`/,
  )
  assert.match(elsewhere?.place.file ?? '', /filed\.yaml$/)
  const [soon, ...others] = namedFindings(named, now)
  assert.equal(others.length, 0)
  assert.match(soon?.message ?? '', /soon\.pem` of partner `soon` ends in 59 days/)
  assert.deepEqual(codes(namedFindings(named, now + 400 * day)), Array(3).fill('certificate-ended'))
})

test('a certificate of production on the list of the sandbox is told so', async (context) => {
  const production = await makeTestPki({ prefix: '' })
  const stand = await makeStand(context)
  stand.write('pki/production-ca.pem', production.caPem)
  stand.write('pki/production-ca.crl', production.crl())
  stand.write('keys/strayed.pem', (await production.client()).certPem)
  stand.write('whitelist/filed.yaml', `partners:\n${filed('strayed')}`)
  stand.write('production/filed.yaml', `partners:\n${filed('strayed')}`)
  const text = readFileSync(join(stand.folder, 'gateway.yaml'), 'utf8')
  const [, sandbox = ''] = /^environments:\n([\s\S]*?)^admin:/m.exec(text) ?? []
  const other = sandbox
    .replaceAll('client-ca', 'production-ca')
    .replace('name: sandbox', 'name: production')
    .replace('whitelist/', 'production/')
    .replaceAll('qualif', 'prod')
  stand.write('gateway.yaml', text.replace(sandbox, sandbox + other))
  const { warnings } = await load(stand)
  assert.deepEqual(codes(warnings), ['certificate-elsewhere'])
  assert.match(warnings[0]?.message ?? '', /it belongs to the environment `production`, not to `sandbox`$/)
})

test('what ends is said once a day, and at once when it has ended', () => {
  let at = Date.UTC(2026, 10, 23)
  const lines: string[] = []
  const place = { file: 'gateway.yaml', line: 9, column: 12 }
  const finding = (code: string, message: string): Diagnostic => ({
    severity: 'warning',
    code,
    place,
    message,
  })
  let findings: Diagnostic[] = []
  const report = new ExpiryReport({
    findings: () => findings,
    now: () => at,
    log: {
      warn: (_, fields) => lines.push(`warn ${fields?.code ?? ''}`),
      error: (_, fields) => lines.push(`error ${fields?.code ?? ''}`),
    },
  })
  const turn = (ms: number, ...now: Diagnostic[]): string => {
    at += ms
    findings = now
    lines.length = 0
    report.tick()
    return lines.join()
  }
  assert.equal(turn(0), '')
  assert.equal(turn(hour, finding('crl-ending', 'the CRL of `A` ends in 48 hours')), 'warn crl-ending')
  assert.equal(turn(hour, finding('crl-ending', 'the CRL of `A` ends in 47 hours')), '')
  const both = [
    finding('crl-ending', 'the CRL of `A` ends in 46 hours'),
    finding('crl-ending', 'the CRL of `B` ends in 48 hours'),
  ]
  assert.equal(turn(hour, ...both), 'warn crl-ending', 'the other one of the file')
  assert.equal(turn(day - hour, ...both.slice(0, 1)), 'warn crl-ending')
  assert.equal(turn(hour, finding('crl-stale', 'the CRL of `A` was good until …')), 'error crl-stale')
  assert.equal(turn(day, finding('crl-stale', 'the CRL of `A` was good until …')), 'error crl-stale')
  assert.equal(turn(hour), '')
  assert.equal(
    turn(hour, finding('crl-stale', 'the CRL of `A` was good until …')),
    'error crl-stale',
    'again',
  )
  assert.equal(turn(1000, finding('crl-absent', 'x')), '', 'not within the minute')
  report.review()
  assert.equal(turn(0, finding('crl-absent', 'x')), 'warn crl-absent')
})

test('`check` warns of a CRL near its end, and finds the configuration in order', async (context) => {
  const stand = await makeStand(context, {
    crl: (pki) => pki.crl([], { nextUpdate: Date.now() + 24.5 * hour }),
  })
  const program = run(['check', '--config', join(stand.folder, 'gateway.yaml')])
  assert.equal(await program.ended, 0)
  assert.match(program.stderr(), /gateway\.yaml:8:\d+ warning: the CRL of `TEST AC .* ends in 24 hours/)
  assert.match(program.stdout(), /in order/)
})
