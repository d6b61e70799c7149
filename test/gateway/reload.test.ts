import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { hash, X509Certificate } from 'node:crypto'
import { readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { queryObjects } from 'node:v8'
import { WhitelistLookup } from '../../src/core/whitelist-lookup.js'
import { openRaw } from '../support/raw-client.js'
import { valuesOf } from '../support/http-message.js'
import { clientName } from '../support/pki.js'
import { until } from '../support/until.js'
import {
  fhirHost,
  makeStand,
  rawRequest,
  reasonOf,
  standardWhitelist,
  subjectOf,
  type Stand,
} from './stand.js'

const run = promisify(execFile)
const request = rawRequest({ target: '/ws-diffusion-fhir/Location' })

interface ReloadEvent {
  readonly result: string
  readonly policyRevision: string
}

/** The reload events of the audit trail, once there are that many. */
async function reloads(stand: Stand, count: number): Promise<ReloadEvent[]> {
  return until(`${count} reloads`, async () => {
    await stand.gateway.flushAudit()
    const events = readFileSync(join(stand.folder, 'audit.ndjson'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"event":"reload"'))
      .map((line) => JSON.parse(line) as ReloadEvent) // as the audit writes
    return events.length >= count && events
  })
}

test('what the upstream is told of a client is what is in force, for each request of an open connection', async (context) => {
  const headers = (second: string): string => `    identityHeaders:
      - { name: X-Ror-Partner, value: partner-id }
      - { name: ${second}, value: serial }
    whitelist: whitelist/`
  const stand = await makeStand(context, {
    config: (text) => text.replace('    whitelist: whitelist/', headers('X-Ror-Serial')),
  })
  const open = await openRaw(stand.port, stand.tls())
  const told = async (sent: string): Promise<readonly (readonly string[])[]> => {
    open.send(sent)
    assert.equal((await open.answer()).status, 200)
    const last = stand.upstream.requests.at(-1)
    assert.ok(last !== undefined)
    const names = ['x-ror-partner', 'x-ror-serial', 'x-ror-number', 'x-forwarded-host']
    return names.map((name) => valuesOf(last, name))
  }
  const serial = new X509Certificate(stand.partner.certPem).serialNumber.toLowerCase()
  const first = [['eai-bretagne'], [serial], [], [fhirHost]]
  assert.deepEqual(await told(request), first)
  const another = `${fhirHost}:8443`
  assert.deepEqual(await told(request.replace(`Host: ${fhirHost}`, `Host: ${another}`)), [
    ...first.slice(0, 3),
    [another],
  ])
  assert.deepEqual(await told(request), first)

  const list = join(stand.folder, 'whitelist/partner.yaml')
  writeFileSync(list, readFileSync(list, 'utf8').replace('id: eai-bretagne', 'id: eai-armor'))
  await reloads(stand, 1)
  assert.deepEqual(await told(request), [['eai-armor'], ...first.slice(1)])

  const config = join(stand.folder, 'gateway.yaml')
  writeFileSync(config, readFileSync(config, 'utf8').replace('X-Ror-Serial', 'X-Ror-Number'))
  await reloads(stand, 2)
  const forged = request.replace('\r\n\r\n', '\r\nX_Ror_Number: forged\r\n\r\n')
  assert.deepEqual(await told(forged), [['eai-armor'], [], [serial], [fhirHost]])
  open.destroy()
})

test('a certificate that is one partner by its name and another by its key is told as the one an API asks for', async (context) => {
  const stand = await makeStand(context, {
    config: (text) =>
      text.replace(
        '    whitelist: whitelist/',
        '    identityHeaders: [{ name: X-Ror-Partner, value: partner-id }]\n    whitelist: whitelist/',
      ),
  })
  const key = new X509Certificate(stand.partner.certPem).publicKey
  const pin = hash('sha256', key.export({ type: 'spki', format: 'der' }), 'hex')
  const list = join(stand.folder, 'whitelist/partner.yaml')
  const other = `  - { id: csd, certificates: [{ publicKey: "${pin}" }], apis: [csd] }\n`
  writeFileSync(list, readFileSync(list, 'utf8') + other)
  await reloads(stand, 1)
  const open = await openRaw(stand.port, stand.tls())
  for (const [target, partner] of [
    ['/ws-diffusion-fhir/Location', 'eai-bretagne'],
    ['/csd', 'csd'],
    ['/ws-diffusion-fhir/Location', 'eai-bretagne'],
  ] as const) {
    open.send(rawRequest({ target }))
    assert.equal((await open.answer()).status, 200)
    const last = stand.upstream.requests.at(-1)
    assert.ok(last !== undefined)
    assert.deepEqual(valuesOf(last, 'x-ror-partner'), [partner])
  }
  open.destroy()
})

async function withNewcomer(context: TestContext, config = (text: string) => text) {
  const stand = await makeStand(context, { config })
  const newcomer = await stand.pki.client({ subject: clientName('NEWCOMER') })
  const both = `${standardWhitelist(subjectOf(stand.partner))}  - id: newcomer
    name: Nouveau
    solution: consumer
    certificates: [{ subject: ${JSON.stringify(subjectOf(newcomer))} }]
    apis: [fhir-read]
`
  return { stand, newcomer, both }
}

const changes: readonly (readonly [how: string, change: (file: string, text: string) => void])[] = [
  [
    'written in place',
    (file, text) => {
      writeFileSync(file, text)
    },
  ],
  [
    'renamed over, as editors do',
    (file, text) => {
      writeFileSync(`${file}~`, text)
      renameSync(`${file}~`, file)
    },
  ],
  [
    'deleted and made again',
    (file, text) => {
      unlinkSync(file)
      writeFileSync(file, text)
    },
  ],
  [
    'put behind a symbolic link, as ConfigMaps are',
    (file, text) => {
      writeFileSync(`${file}.real`, text)
      unlinkSync(file)
      symlinkSync(`${file}.real`, file)
    },
  ],
]

for (const [how, change] of changes) {
  test(`a whitelist ${how} is in force without a restart, and an open connection stays open`, async (context) => {
    const { stand, newcomer, both } = await withNewcomer(context)
    const open = await openRaw(stand.port, stand.tls(newcomer))
    open.send(request)
    assert.equal(reasonOf(await open.answer()), 'certificate-not-listed')
    change(join(stand.folder, 'whitelist/partner.yaml'), both)
    const [first] = await reloads(stand, 1)
    assert.equal(first?.result, 'reloaded')
    open.send(request)
    assert.equal((await open.answer()).status, 200)
    open.destroy()
  })
}

test('what a reload that was asked for took up, and the file no longer says, is taken back', async (context) => {
  const { stand, newcomer, both } = await withNewcomer(context, (text) =>
    text.replace('debounceMs: 20', 'debounceMs: 400'),
  )
  const file = join(stand.folder, 'whitelist/partner.yaml')
  const before = readFileSync(file, 'utf8')
  // the watch has not looked when it is asked for, and finds the text it knew when it looks
  writeFileSync(file, both)
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
  writeFileSync(file, before)
  let admitted = 0
  const refused = await until('a refusal', async () => {
    const answer = await stand.send({ client: newcomer })
    if (answer.status !== 200) return answer
    admitted += 1
    return false
  })
  assert.deepEqual([refused.status, reasonOf(refused)], [403, 'certificate-not-listed'])
  assert.equal(stand.upstream.requests.length, admitted)
})

const broken: readonly (readonly [what: string, text: (good: string) => string])[] = [
  ['garbage', () => '{{{{'],
  ['empty', () => ''],
  ['cut in the middle', (good) => good.slice(0, good.length - 40)],
  ['with an unknown key', (good) => good.replace('establishments:', 'establishment:')],
  ['with a partner twice', (good) => good + good.slice(good.indexOf('  - id'))],
  ['with an API that does not exist', (good) => good.replace('fhir-read', 'fhir-raed')],
]

for (const [what, text] of broken) {
  test(`the old whitelist is kept when the new one is ${what}, and the mended one is taken up`, async (context) => {
    const { stand, newcomer, both } = await withNewcomer(context)
    const file = join(stand.folder, 'whitelist/partner.yaml')
    writeFileSync(file, text(readFileSync(file, 'utf8')))
    const [first] = await reloads(stand, 1)
    assert.equal(first?.result, 'refused')
    assert.equal((await stand.send({})).status, 200)
    writeFileSync(file, both)
    const events = await reloads(stand, 2)
    assert.deepEqual(
      events.map(({ result }) => result),
      ['refused', 'reloaded'],
    )
    assert.equal((await stand.send({ client: newcomer })).status, 200)
  })
}

test('a whitelist that is in force no more is let go of, whoever came while it was', async (context) => {
  const stand = await makeStand(context)
  // those of other tests among them
  const before = queryObjects(WhitelistLookup, { format: 'count' })
  const others = 4
  for (let day = 0; day < others; day += 1) {
    // each comes once, and is remembered
    const client = await stand.pki.client()
    assert.equal((await stand.send({ client })).status, 200)
    const text = standardWhitelist(subjectOf(stand.partner)).replace('name: EAI', `name: ${day} EAI`)
    stand.write('whitelist/partner.yaml', text)
    await stand.gateway.reload('signal')
  }
  assert.equal((await stand.send({})).status, 200)
  await until(
    'the others to be collected',
    () => queryObjects(WhitelistLookup, { format: 'count' }) <= before + 1,
  )
  assert.equal(stand.upstream.requests.length, others + 1)
})

test('a deleted whitelist folder keeps the old one in force', async (context) => {
  const { stand } = await withNewcomer(context)
  rmSync(join(stand.folder, 'whitelist'), { recursive: true })
  const [first] = await reloads(stand, 1)
  assert.equal(first?.result, 'refused')
  assert.equal((await stand.send({})).status, 200)
})

test('a signal without a change says unchanged, once', async (context) => {
  const { stand } = await withNewcomer(context)
  const report = await stand.gateway.reload('signal')
  assert.equal(report.result, 'unchanged')
  assert.deepEqual(
    (await reloads(stand, 1)).map(({ result }) => result),
    ['unchanged'],
  )
})

test('a reload that would move a listener is refused, saying that a restart is needed', async (context) => {
  const { stand } = await withNewcomer(context)
  const file = join(stand.folder, 'gateway.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace('name: sandbox', 'name: elsewhere'))
  const [first] = await reloads(stand, 1)
  assert.equal(first?.result, 'refused')
  const report = await stand.gateway.reload('signal')
  assert.ok(report.diagnostics.some(({ code }) => code === 'restart-needed'))
  assert.equal((await stand.send({})).status, 200)
})

test('a request in flight sees one policy, whatever is reloaded meanwhile', async (context) => {
  const { stand, newcomer } = await withNewcomer(context)
  let release: () => void = () => undefined
  stand.upstream.answer = ({ socket }) => {
    release = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    return undefined
  }
  const waiting = stand.send({})
  await stand.upstream.request(0)
  // the partner of the request in flight is taken from the list
  writeFileSync(join(stand.folder, 'whitelist/partner.yaml'), standardWhitelist(subjectOf(newcomer)))
  const [first] = await reloads(stand, 1)
  assert.equal(first?.result, 'reloaded')
  release()
  const answer = await waiting
  assert.equal(answer.status, 200)
  const event = await stand.auditOf(answer)
  assert.notEqual(event['policyRevision'], first.policyRevision)
  assert.equal(reasonOf(await stand.send({})), 'certificate-not-listed')
})

test('what could not be read for want of descriptors says nothing about the files, what is not there does', async (context) => {
  const { folder } = await makeStand(context)
  const modules = ['gateway/load.js', 'gateway/load-files.js'].map((name) =>
    JSON.stringify(new URL(`../../src/${name}`, import.meta.url).href),
  )
  const program = `
    import { openSync } from 'node:fs'
    const [{ loadPolicy }, { LoadFiles }] = [await import(${modules[0]}), await import(${modules[1]})]
    const place = { file: 'gateway.yaml', line: 1, column: 1 }
    const readings = {
      policy: async (name) => (await loadPolicy(name)).problem?.isPassing,
      bytes: async (path, files) => (await files.readBytes({ path, place }, 10), files.isPassing),
      there: async (path, files) => (await files.readIfThere({ path, place }, 10), files.isPassing),
      list: async (path, files) => (await files.list({ path, place }), files.isPassing),
    }
    const told = async (path) => {
      const found = []
      for (const reading of Object.values(readings)) found.push(await reading(path, new LoadFiles()))
      return found
    }
    const missing = await told('missing')
    try { for (;;) openSync('/dev/null') } catch {}
    process.stdout.write(JSON.stringify([missing, await told('gateway.yaml')]))`
  const command = `ulimit -n 512; exec "$0" --input-type=module -e "$1"`
  const { stdout } = await run('sh', ['-c', command, process.execPath, program], { cwd: folder })
  assert.deepEqual(JSON.parse(stdout), [Array(4).fill(false), Array(4).fill(true)])
})
