import assert from 'node:assert/strict'
import { readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openRaw } from '../support/raw-client.js'
import { clientName } from '../support/pki.js'
import { makeStand, rawRequest, reasonOf, standardWhitelist, subjectOf, type Stand } from './stand.js'

const request = rawRequest({ target: '/ws-diffusion-fhir/Location' })

interface ReloadEvent {
  readonly result: string
  readonly policyRevision: string
}

/** The reload events of the audit trail, once there are that many. */
async function reloads(stand: Stand, count: number): Promise<ReloadEvent[]> {
  for (;;) {
    await stand.gateway.flushAudit()
    const events = readFileSync(join(stand.folder, 'audit.ndjson'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"event":"reload"'))
      .map((line) => JSON.parse(line) as ReloadEvent) // as the audit writes
    if (events.length >= count) return events
    // a reload takes a thread its time: the loop ends with it, or with the test's own deadline
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function withNewcomer(context: TestContext) {
  const stand = await makeStand(context)
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
