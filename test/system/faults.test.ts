import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { readSealWitness } from '../../src/observe/audit-seal.js'
import { AuditVerifier } from '../../src/observe/audit-verify.js'
import {
  fhirHost,
  makeStand,
  patchBody,
  permittedTarget,
  rawRequest,
  standardWhitelist,
  subjectOf,
} from '../gateway/stand.js'
import { startCountingUpstream } from '../soak/counting-upstream.js'
import { countOf } from '../soak/descriptors.js'
import { prepareFolder } from '../soak/gateway-folder.js'
import { startGatewayProcess } from '../soak/gateway-process.js'
import { Ledger } from '../soak/ledger.js'
import { Traffic } from '../soak/traffic.js'
import { exchangeRaw, openRaw, type RawClient } from '../support/raw-client.js'
import { until } from '../support/until.js'

interface Wish {
  readonly limits?: string
}

/** A gateway process before an upstream that counts. */
async function makeScene(context: TestContext, { limits = '' }: Wish = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ror-faults-'))
  const upstream = await startCountingUpstream()
  context.after(async () => {
    await upstream.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const clients = await prepareFolder(folder, {
    upstream: upstream.origin,
    config: (text) => `${text}limits: { handshakeTimeoutMs: 120000, idleTimeoutMs: 600000${limits} }\n`,
  })
  const config = join(folder, 'gateway.yaml')
  const gateway = await startGatewayProcess(config)
  context.after(() => {
    gateway.kill()
  })
  const { ca, partner } = clients
  const tls: ConnectionOptions = {
    ca,
    servername: fhirHost,
    cert: partner.chainPem,
    key: partner.keyPem,
  }
  const ask = async (): Promise<number> => (await exchangeRaw(gateway.port, rawRequest({}), tls)).status
  return { folder, gateway, upstream, clients, tls, ask }
}

type Scene = Awaited<ReturnType<typeof makeScene>>

/** Until a slow machine, or a limit that is over in a moment, lets it through. */
async function assertServed({ ask }: Scene): Promise<void> {
  assert.equal(await until('an answer', () => ask().catch(() => undefined)), 200)
}

test('a gateway out of descriptors keeps what is open, and serves others as soon as there are some again', async (context) => {
  const scene = await makeScene(context)
  const before = await openRaw(scene.gateway.port, scene.tls)
  const idle = countOf(scene.gateway.descriptors())
  scene.gateway.spare(100)
  const knocks: Socket[] = []
  context.after(() => {
    before.destroy()
    for (const socket of knocks) socket.destroy()
  })
  // some are turned away while a reload, say, has descriptors: others come
  await until('a gateway that has no descriptor left', async () => {
    const more = Array.from({ length: 40 }, () => {
      const socket = connectTcp({ port: scene.gateway.port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      socket.resume()
      return socket
    })
    knocks.push(...more)
    await Promise.all(more.map((socket) => once(socket, 'connect')))
    return countOf(scene.gateway.descriptors()) >= idle + 95
  })
  // judged and refused, which needs no descriptor
  before.send(rawRequest({ method: 'DELETE' }))
  assert.equal((await before.answer()).status, 403)
  for (const socket of knocks) socket.destroy()
  await assertServed(scene)
  assert.equal(await scene.gateway.stop(), 0)
})

test('a configuration that could not be read for want of descriptors is read again, and what it grants is granted', async (context) => {
  const { gateway, clients, folder } = await makeScene(context)
  const list = join(folder, 'whitelist/partner.yaml')
  const statusOf = async ({ chainPem, keyPem }: typeof clients.stranger): Promise<number> => {
    const tls = { ca: clients.ca, servername: fhirHost, cert: chainPem, key: keyPem }
    return (await exchangeRaw(gateway.port, rawRequest({}), tls)).status
  }
  const refused = gateway.logs('the new configuration is refused')
  gateway.spare('none')
  writeFileSync(list, standardWhitelist(subjectOf(clients.stranger)))
  gateway.signal('SIGHUP')
  await refused
  const inForce = gateway.logs('configuration reloaded')
  gateway.spare('all')
  // nothing more changes, and nobody asks for it
  await inForce
  assert.equal(await statusOf(clients.stranger), 200)
  assert.equal(await statusOf(clients.partner), 403)
  // what is watched is still watched
  const reloaded = gateway.logs('configuration reloaded')
  writeFileSync(list, standardWhitelist(subjectOf(clients.partner)))
  await reloaded
  assert.equal(await statusOf(clients.partner), 200)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} under load, after reloads by SIGHUP: what was answered was forwarded once, nothing else was, and it ends by itself`, async (context) => {
    const { gateway, upstream, clients } = await makeScene(context)
    const ledger = new Ledger()
    const traffic = new Traffic({ ...clients, port: gateway.port, ledger })
    let isOver = false
    const running = traffic.run(() => !isOver)
    for (const goal of [200, 400, 600]) {
      await until(`${goal} answers`, () => ledger.answered >= goal)
      const told = gateway.logs('configuration unchanged')
      gateway.signal('SIGHUP')
      await told
    }
    const ended = gateway.stop(signal)
    isOver = true
    await running
    assert.equal(await ended, 0)
    assert.ok(ledger.permittedWrites > 100)
    // a connection that is refused because the gateway ends is no fault
    const problems = ledger.differences(upstream.seen).filter((problem) => !problem.includes('broken off'))
    assert.deepEqual(problems, [])
  })
}

test('while the event loop is blocked nothing is lost, and every write arrives once', async (context) => {
  const { gateway, upstream, tls } = await makeScene(context)
  const targets = Array.from({ length: 20 }, (_, index) => `${permittedTarget}${index}`)
  gateway.block(3_000)
  const answers = await Promise.all(
    targets.map((target) =>
      exchangeRaw(gateway.port, rawRequest({ method: 'PATCH', target, body: patchBody }), tls),
    ),
  )
  assert.deepEqual(
    answers.map(({ status }) => status),
    targets.map(() => 200),
  )
  assert.deepEqual(
    targets.map((target) => upstream.seen.get(`PATCH ${target}`)),
    targets.map(() => 1),
  )
})

test('5,000 idle connections keep nobody out', async (context) => {
  const scene = await makeScene(context, { limits: ', connectionsPerAddress: 10000' })
  const before = await scene.gateway.memory()
  const idle: RawClient[] = []
  context.after(() => {
    for (const client of idle) client.destroy()
  })
  let session: Buffer | undefined
  const open = async (): Promise<void> => {
    const client = await openRaw(scene.gateway.port, { ...scene.tls, ...(session && { session }) })
    client.socket.once('session', (ticket: Buffer) => {
      session = ticket
    })
    idle.push(client)
  }
  while (idle.length < 5_000) await Promise.all(Array.from({ length: 50 }, open))
  const after = await scene.gateway.memory()
  context.diagnostic(`${Math.round((after.rss - before.rss) / 5_000 / 1_024)} KB resident a connection`)
  await assertServed(scene)
  const ended = scene.gateway.stop()
  await Promise.all(idle.map(({ closed }) => closed))
  assert.equal(await ended, 0)
})

/** A disk of its own, of this many KiB, that goes with the test. */
function smallDisk(context: TestContext, size: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'ror-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}k`, 'tmpfs', folder])
  context.after(() => {
    // what is still open on it ends with the process
    execFileSync('umount', ['--lazy', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

function fill(file: string): void {
  const descriptor = openSync(file, 'w')
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(4_096))
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC', String(error))
  } finally {
    closeSync(descriptor)
  }
}

test('a disk that fills refuses writes and passes reads; freed, it takes every line that waited, whole and in order', async (context) => {
  const disk = smallDisk(context, 256)
  const journal = join(disk, 'audit.ndjson')
  const stand = await makeStand(context, {
    config: (text) =>
      text.replace('file: audit.ndjson', `file: ${journal}, onFailure: refuse, sealKey: ${disk}/audit.key`),
  })
  const write = { method: 'PATCH', target: permittedTarget, body: patchBody }
  const methods = (): unknown[] => stand.upstream.requests.map(({ startLine }) => startLine.split(' ')[0])
  let asked = 0
  const statusOf = async (wish: typeof write | object): Promise<number> => {
    asked += 1
    return (await stand.send(wish)).status
  }
  assert.equal(await statusOf(write), 200)

  fill(join(disk, 'ballast'))
  // the last page of the journal still takes some lines, and half of one
  await until('a full disk', async () => {
    assert.equal(await statusOf({}), 200)
    return !(await stand.gateway.flushAudit())
  })
  const reads = asked - 1
  for (let turn = 0; turn < 3; turn += 1) assert.equal(await statusOf(write), 503)
  assert.equal(await statusOf({}), 200)
  assert.deepEqual(methods(), ['PATCH', ...Array<string>(reads + 1).fill('GET')])
  const cut = readFileSync(journal, 'latin1')
  assert.ok(!cut.endsWith('\n') || cut.length % 4_096 === 0, 'the disk was not full')

  rmSync(join(disk, 'ballast'))
  await until('an audit trail that is written again', () => stand.gateway.flushAudit())
  assert.equal(await statusOf(write), 200)
  assert.equal(methods().at(-1), 'PATCH')
  await stand.gateway.stop('test')

  const text = readFileSync(journal, 'utf8')
  const events = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>) // objects, as the journal writes
  const requests = events.filter(({ event }) => event === 'request')
  assert.equal(requests.length, asked)
  const refused = requests.filter(({ status }) => status === 503)
  assert.deepEqual(
    refused.map(({ reason, detail, outcome }) => [reason, detail, outcome]),
    Array(3).fill(['overloaded', 'the audit trail cannot be written, so nothing else is', 'overloaded']),
  )
  const witness = readSealWitness(readFileSync(join(disk, 'audit.key.pub'), 'utf8'))
  assert.ok(witness.ok)
  const verifier = new AuditVerifier([witness.value])
  verifier.beginFile(journal)
  for (const line of text.trimEnd().split('\n')) verifier.take(Buffer.from(line))
  const { findings, torn, lines, sealsChecked } = verifier.verdict()
  assert.deepEqual([findings, torn], [[], []])
  assert.equal(lines, events.length)
  assert.ok(sealsChecked > 0)
})
