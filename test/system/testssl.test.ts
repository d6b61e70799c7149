import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fhirHost, makeStand } from '../gateway/stand.js'
import { makeTestPki } from '../support/pki.js'

interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

// what the scanner says of the stand, and not of the gateway
const ignored: ReadonlyMap<string, string> = new Map([
  ['cert_revocation', 'the server certificates are made in the test: they name neither CRL nor OCSP'],
  ['engine_problem', 'the OpenSSL of the scanner itself knows no GOST'],
])

// protocols, cipher categories, forward secrecy, server preference and defaults, vulnerabilities
const groups = ['-p', '-s', '-f', '-P', '-S', '-U']

async function scan(
  port: number,
  { authority, report }: { readonly authority: string; readonly report: string },
): Promise<[printed: string, findings: readonly Finding[]]> {
  const options = ['--quiet', '--color', '0', '--warnings', 'batch', '--nodns', 'none']
  const files = ['--add-ca', authority, '--jsonfile', report]
  // its exit code counts findings, so that it says nothing that the report does not
  const printed = await new Promise<string>((resolve) => {
    execFile('testssl', [...options, ...files, ...groups, `127.0.0.1:${port}`], (_error, stdout) => {
      resolve(stdout)
    })
  })
  return [printed, JSON.parse(readFileSync(report, 'utf8')) as Finding[]] // as testssl.sh writes
}

test('testssl.sh finds nothing that a grade is lowered for', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ror-testssl-'))
  const authorities = await makeTestPki({ prefix: 'SERVER ' })
  const rsa = await authorities.server([fhirHost, '127.0.0.1'], { key: 'rsa-2048' })
  const ec = await authorities.server([fhirHost, '127.0.0.1'])
  const second = '\n      certificates: [{ certificate: pki/rsa.pem, key: pki/rsa.key }]'
  const stand = await makeStand(context, {
    config: (text) => text.replace('key: pki/server.key', `key: pki/server.key${second}`),
    prepare: ({ write }) => {
      write('pki/server.pem', ec.chainPem)
      write('pki/server.key', ec.keyPem)
      write('pki/rsa.pem', rsa.chainPem)
      write('pki/rsa.key', rsa.keyPem)
    },
  })
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  writeFileSync(join(folder, 'root.pem'), authorities.rootPem)
  const authority = join(folder, 'root.pem')
  let [printed, findings] = await scan(stand.port, { authority, report: join(folder, 'report.json') })
  // a machine that is busy is too slow for the scanner now and then, which says so, and is asked once more
  if (findings.some(({ finding }) => finding.includes('connect problem')))
    [printed, findings] = await scan(stand.port, { authority, report: join(folder, 'again.json') })
  const byId = new Map(findings.map((finding) => [finding.id, finding]))
  // it has looked: a scan that reached nothing would find nothing
  for (const [id, expected] of [
    ['TLS1', /^not offered/],
    ['TLS1_1', /^not offered/],
    ['TLS1_2', /^offered/],
    ['TLS1_3', /^offered/],
    ['secure_client_renego', /^not vulnerable/],
    ['heartbleed', /^not vulnerable/],
    ['cert_keySize <cert#1>', /bits/],
    ['cert_keySize <cert#2>', /bits/],
  ] as const)
    assert.match(byId.get(id)?.finding ?? '', expected, `${id}\n${printed}`)
  const grave = findings.filter(
    ({ id, severity }) =>
      !['OK', 'INFO', 'LOW', 'DEBUG'].includes(severity) && !ignored.has(id.split(' ')[0] ?? ''),
  )
  assert.deepEqual(
    grave.map(({ id, severity, finding }) => `${severity} ${id}: ${finding}`),
    [],
  )
  // and the gateway serves on
  assert.equal((await stand.send({ tls: { ca: authorities.rootPem } })).status, 200)
})
