import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { parseGatewayConfig } from '../../src/config/gateway-file.js'
import { readWhitelistDocument, type PartnerDraft } from '../../src/config/whitelist-file.js'
import { nameKey } from '../../src/core/distinguished-name.js'
import type { DevelopmentPorts } from '../../src/dev/development-config.js'
import { prepareDevelopmentFolder, type DevelopmentFolder } from '../../src/dev/development-folder.js'
import { firstCalls, formatFirstCalls, type FirstCall } from '../../src/dev/first-calls.js'
import { startStandInRor } from '../../src/dev/stand-in-ror.js'

const scratch = mkdtempSync(join(tmpdir(), 'ror-gateway-dev-'))
const folder = join(scratch, '.dev')
const ports: DevelopmentPorts = { sandbox: 8443, production: 8444, admin: 9464, ror: 9080 }
const now = Date.now()
let first: DevelopmentFolder
let firstLines: readonly string[]

before(async () => {
  ;[first, firstLines] = await prepare(ports)
})
after(() => {
  rmSync(scratch, { recursive: true })
})

async function prepare(wanted: DevelopmentPorts): Promise<[DevelopmentFolder, readonly string[]]> {
  const lines: string[] = []
  const report = (line: string): void => {
    lines.push(line)
  }
  return [await prepareDevelopmentFolder({ folder, ports: wanted, now, report }), lines]
}

function textOf(file: string): string {
  return readFileSync(join(folder, file), 'utf8')
}

function partnersOf(environment: string): readonly PartnerDraft[] {
  const partners: PartnerDraft[] = []
  for (const name of readdirSync(join(folder, 'whitelist', environment))) {
    const file = join(folder, 'whitelist', environment, name)
    const diagnostics = readWhitelistDocument({ file, text: readFileSync(file, 'utf8') }, (partner) => {
      partners.push(partner)
    })
    assert.deepEqual(diagnostics, [], name)
  }
  return partners
}

test('the configuration it writes has nothing to complain about', () => {
  const { config, diagnostics } = parseGatewayConfig({ file: first.configFile, text: textOf('gateway.yaml') })
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(
    config?.environments.map(({ name, listen }) => [name, listen.port]),
    [
      ['sandbox', 8443],
      ['production', 8444],
    ],
  )
  const sandbox = partnersOf('sandbox')
  assert.deepEqual(sandbox.map(({ solution }) => solution).sort(), [
    'consumer',
    'consumer',
    'proprietary',
    'regional-eai',
    'saas',
  ])
  assert.equal(partnersOf('production').length, 4)
})

test('no name of the Sandbox stands on the whitelist of production', () => {
  const namesOf = (environment: string): readonly string[] =>
    partnersOf(environment).flatMap(({ certificates }) =>
      certificates.flatMap(({ subject }) => (subject === undefined ? [] : [nameKey(subject)])),
    )
  const [sandbox, production] = [namesOf('sandbox'), namesOf('production')]
  assert.deepEqual([sandbox.length, production.length], [5, 4])
  assert.deepEqual(
    sandbox.filter((name) => production.includes(name)),
    [],
  )
})

test('it says what it made, and that nothing was to do the second time', async () => {
  assert.equal(firstLines.length, 2)
  assert.match(firstLines[0] ?? '', /^made .*authorities\/server\.pem, .* and \d+ more$/)
  assert.match(firstLines[1] ?? '', /^wrote .*gateway\.yaml, .* and 10 more$/)
  const [, lines] = await prepare(ports)
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^kept the PKI in .*pki \(\d+ files\)$/)
})

test('files as they were made follow a change of ports', async () => {
  await prepare({ ...ports, sandbox: 9443 })
  assert.ok(textOf('gateway.yaml').includes('port: 9443'))
  await prepare(ports)
  assert.ok(!textOf('gateway.yaml').includes('port: 9443'))
})

test('what the user has edited is kept, and it is said', async () => {
  const original = textOf('gateway.yaml')
  const edited = original.replace('port: 8443', 'port: 7443').replaceAll(':9080', ':7080')
  writeFileSync(first.configFile, edited)
  const whitelist = join(folder, 'whitelist', 'sandbox', 'eai-bretagne.yaml')
  appendFileSync(whitelist, '    mode: report-only\n')
  const [kept, lines] = await prepare(ports)
  assert.equal(textOf('gateway.yaml'), edited)
  assert.match(readFileSync(whitelist, 'utf8'), /mode: report-only\n$/)
  assert.deepEqual(
    lines.slice(1).map((line) => line.replaceAll(kept.shown, '.dev')),
    [
      'kept .dev/gateway.yaml as you edited it',
      'kept .dev/whitelist/sandbox/eai-bretagne.yaml as you edited it',
    ],
  )
  assert.deepEqual(kept.ports, { sandbox: 7443, production: 8444, admin: 9464, ror: 7080 })
  rmSync(whitelist)
  writeFileSync(first.configFile, original)
  await prepare(ports)
})

test('the body it writes is one that the ROR takes', async () => {
  const ror = await startStandInRor({ host: '127.0.0.1', port: 0 })
  const url = `${ror.origin}/ws-synchro-dispo-lits-fhir/Location?identifier=1350054680/SSR38888`
  const headers = { 'content-type': 'application/fhir+json' }
  const body = textOf('requests/capacity-replace.json')
  const answer = await fetch(url, { method: 'PATCH', headers, body })
  assert.equal(answer.status, 200, await answer.text())
  await ror.close()
})

test('the page fits 100 columns, and every line of it is shell', () => {
  const page = formatFirstCalls(firstCalls({ folder: '.dev', ports }))
  for (const line of page.split('\n')) assert.ok(line.length <= 100, line)
  const { status, stderr } = spawnSync('bash', ['-n'], { input: page, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})

test('the calls name every refusal a newcomer meets', () => {
  const reasons = firstCalls({ folder: '.dev', ports }).flatMap(({ reason }) => reason ?? [])
  assert.deepEqual(reasons, [
    'certificate-missing',
    'certificate-other-environment',
    'certificate-expired',
    'certificate-revoked',
    'certificate-purpose',
    'certificate-not-listed',
    'establishment-not-permitted',
    'establishment-unresolvable',
    'write-not-described',
    'certificate-not-listed',
  ])
})

test('a pasted call sends what its arguments say, under the real host name', async () => {
  const seen: string[] = []
  const server = createServer({
    cert: textOf('pki/sandbox.pem'),
    key: textOf('pki/sandbox.key'),
    ca: textOf('pki/test-ca.pem'),
    requestCert: true,
    rejectUnauthorized: false,
  })
  server.on('request', (request: IncomingMessage, response) => {
    const { socket } = request
    assert.ok(socket instanceof TLSSocket)
    const name = socket.getPeerX509Certificate()?.subject.split('\n').at(-1) ?? 'nobody'
    let length = 0
    request.on('data', (chunk: Buffer) => (length += chunk.length))
    request.on('end', () => {
      seen.push(`${name} ${String(socket.authorized)} ${request.method ?? ''} ${request.url ?? ''} ${length}`)
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const calls = firstCalls({ folder: first.shown, ports: { ...ports, sandbox: port } })
  const wanted = ['a consumer searches', 'the EAI writes', 'a CSD consumer', 'without a certificate']
  for (const title of wanted) {
    const call = calls.find((each) => each.title.startsWith(title))
    const { stdout } = await promisify(execFile)('bash', ['-c', formatFirstCalls([call].flatMap(present))])
    assert.match(stdout, /^HTTP\/1.1 200/)
  }
  const size = Buffer.byteLength(textOf('requests/capacity-replace.json'))
  assert.deepEqual(seen.slice(0, 2), [
    'CN=CLIENT_TEST_RORN true GET /ws-diffusion-fhir/Location?identifier=1350054680/SSR38888 0',
    `CN=EAI-BRETAGNE true PATCH /ws-synchro-dispo-lits-fhir/Location?identifier=1350054680/SSR38888 ${size}`,
  ])
  assert.match(seen[2] ?? '', /^CN=DRIMbox true POST \/csd 1\d\d$/)
  assert.match(seen[3] ?? '', /^nobody false GET/)
  server.close()
})

function present(call: FirstCall | undefined): FirstCall[] {
  return call === undefined ? [] : [call]
}
