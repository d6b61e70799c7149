import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { run } from '../cli/program.js'
import { patchBody, permittedTarget, rawRequest, reasonOf } from './stand.js'
import { holds, makeWorkerStand, sumOf } from './worker-stand.js'
import { plainAnswer } from '../support/recorder.js'
import { until } from '../support/until.js'
import { jsonAnswer } from './write-stand.js'

const get = rawRequest({})

test('two workers serve as one: one trail that verifies, one scrape, one status, and SIGTERM drains both', async (context) => {
  const stand = await makeWorkerStand(context)
  const { workers } = await stand.status()
  assert.equal(workers.length, 2)
  for (const { pid, state } of workers) {
    assert.equal(state, 'up')
    const client = await stand.connectTo(pid)
    assert.ok(holds(pid, client.socket.localPort), 'accepted by this worker')
    for (let count = 0; count < 3; count += 1) {
      client.send(get)
      assert.equal((await client.answer()).status, 200)
    }
    client.destroy()
  }
  assert.equal(stand.upstream.requests.length, 6)
  await until('six permitted requests', async () => {
    return sumOf((await stand.ask('/metrics')).text, 'ror_gateway_requests_total', 'decision="permit"') === 6
  })
  const { text } = await stand.ask('/metrics')
  assert.match(text, /^ror_gateway_workers\{state="up"\} 2$/m)
  assert.match(text, /^ror_gateway_workers\{state="missing"\} 0$/m)
  assert.equal(sumOf(text, 'ror_gateway_build_info'), 1)
  assert.equal(sumOf(text, 'ror_gateway_config_info'), 1)
  assert.equal(sumOf(text, 'ror_gateway_whitelist_partners'), 1)
  const status = await stand.status()
  assert.deepEqual(
    status.environments[0]?.partnersSeen.map(({ id }) => id),
    ['eai-bretagne'],
  )

  stand.program.process.kill('SIGTERM')
  assert.equal(await stand.program.ended, 0, stand.program.stderr())
  const trail = join(stand.folder, 'audit.ndjson')
  const verify = run(['audit', 'verify', trail, '--json'])
  assert.equal(await verify.ended, 0, verify.stdout())
  const lines = readFileSync(trail, 'utf8').trim().split('\n')
  assert.equal(lines.filter((line) => line.includes('"event":"request"')).length, 6)
  assert.match(lines[0] ?? '', /"event":"start"/)
  assert.match(lines.at(-1) ?? '', /"event":"stop"/)
})

test('a killed worker is replaced at once, its counts stay, and a connection at the other one goes on', async (context) => {
  const stand = await makeWorkerStand(context)
  const [victim, other] = (await stand.status()).workers
  assert.ok(victim !== undefined && other !== undefined)
  const doomed = await stand.connectTo(victim.pid)
  const steady = await stand.connectTo(other.pid)
  for (const client of [doomed, steady]) {
    client.send(get)
    assert.equal((await client.answer()).status, 200)
  }
  const permitted = async (): Promise<number> =>
    sumOf((await stand.ask('/metrics')).text, 'ror_gateway_requests_total', 'decision="permit"')
  await until('two permitted requests', async () => (await permitted()) === 2)

  process.kill(victim.pid, 'SIGKILL')
  await doomed.closed
  steady.send(get)
  assert.equal((await steady.answer()).status, 200)
  await until('two workers', async () => {
    const { workers } = await stand.status()
    return workers.length === 2 && workers.every(({ pid, state }) => pid !== victim.pid && state === 'up')
  })
  const newcomer = (await stand.status()).workers.find(({ pid }) => pid !== other.pid)
  assert.ok(newcomer !== undefined)
  const client = await stand.connectTo(newcomer.pid)
  client.send(get)
  assert.equal((await client.answer()).status, 200)
  steady.send(get)
  assert.equal((await steady.answer()).status, 200)
  await until('five permitted requests', async () => (await permitted()) === 5)
  const { text } = await stand.ask('/metrics')
  assert.equal(sumOf(text, 'ror_gateway_worker_exits_total', 'cause="died"'), 1)
  assert.equal(sumOf(text, 'ror_gateway_requests_in_flight'), 0)
  client.destroy()
  steady.destroy()
})

test('a worker that stands still fails no scrape and takes no count back; it is ended and replaced, while the other serves', async (context) => {
  const stand = await makeWorkerStand(context)
  const [still, other] = (await stand.status()).workers
  assert.ok(still !== undefined && other !== undefined)
  const steady = await stand.connectTo(other.pid)
  const stuck = await stand.connectTo(still.pid)
  for (const client of [steady, stuck]) {
    client.send(get)
    assert.equal((await client.answer()).status, 200)
  }
  const scrape = async (): Promise<string> => (await stand.ask('/metrics')).text
  const permitted = (text: string): number => sumOf(text, 'ror_gateway_requests_total', 'decision="permit"')
  await until('two permitted requests', async () => permitted(await scrape()) === 2)

  process.kill(still.pid, 'SIGSTOP')
  // the first one waits for it, and goes without
  assert.equal(permitted(await scrape()), 2)
  steady.send(get)
  assert.equal((await steady.answer()).status, 200)
  await until('a missing worker', async () => {
    const text = await scrape()
    assert.ok(permitted(text) >= 2, 'a count went back')
    return /^ror_gateway_workers\{state="missing"\} 1$/m.test(text)
  })
  assert.equal((await stand.ask('/readyz')).status, 200)
  await until('two workers', async () => {
    const { workers } = await stand.status()
    return workers.length === 2 && workers.every(({ pid, state }) => pid !== still.pid && state === 'up')
  })
  await stuck.closed
  steady.send(get)
  assert.equal((await steady.answer()).status, 200)
  await until('four permitted requests', async () => permitted(await scrape()) === 4)
  assert.equal(sumOf(await scrape(), 'ror_gateway_worker_exits_total', 'cause="hung"'), 1)
  assert.match(stand.program.stderr(), /a worker does not answer: it is ended/)
  steady.destroy()
})

test('a reload reaches all workers at once, a refused one none; a worker that starts later serves the last good one', async (context) => {
  const stand = await makeWorkerStand(context)
  const before = (await stand.status()).revision
  const config = join(stand.folder, 'gateway.yaml')
  const whitelist = readFileSync(join(stand.folder, 'whitelist', 'partner.yaml'), 'utf8')
  const connections = []
  for (const { pid } of (await stand.status()).workers) connections.push(await stand.connectTo(pid))
  for (const client of connections) {
    client.send(get)
    assert.equal((await client.answer()).status, 200)
  }
  stand.write('whitelist/partner.yaml', whitelist.replace(/subject: ".*"/, 'subject: "CN=autre,C=FR"'))
  const reload = run(['reload', '--config', config, '--wait', '--json'])
  assert.equal(await reload.ended, 0, reload.stdout() + reload.stderr())
  assert.match(reload.stdout(), /"everywhere": ?true/)
  const after = await stand.status()
  assert.notEqual(after.revision, before)
  assert.deepEqual(
    after.workers.map(({ revision }) => revision),
    [after.revision, after.revision],
  )
  // the certificate is no longer welcome, at either worker
  for (const client of connections) await client.closed
  for (const { pid } of after.workers) {
    const client = await stand.connectTo(pid)
    client.send(get)
    assert.equal((await client.answer()).status, 403)
    client.destroy()
  }
  assert.equal(stand.upstream.requests.length, 2)

  stand.write('whitelist/partner.yaml', whitelist)
  const mended = run(['reload', '--config', config, '--wait'])
  assert.equal(await mended.ended, 0, mended.stdout() + mended.stderr())
  stand.write('whitelist/partner.yaml', 'partners: [')
  const broken = run(['reload', '--config', config, '--wait'])
  assert.equal(await broken.ended, 3, broken.stdout() + broken.stderr())
  const [victim] = (await stand.status()).workers
  assert.ok(victim !== undefined)
  process.kill(victim.pid, 'SIGKILL')
  await until('two workers', async () => {
    const { workers } = await stand.status()
    return workers.length === 2 && workers.every(({ pid, state }) => pid !== victim.pid && state === 'up')
  })
  for (const { pid, revision } of (await stand.status()).workers) {
    assert.equal(revision, before)
    const client = await stand.connectTo(pid)
    client.send(get)
    assert.equal((await client.answer()).status, 200)
    client.destroy()
  }
})

test('a session made at one worker resumes at the other, in TLS 1.2 and 1.3', async (context) => {
  const stand = await makeWorkerStand(context)
  const [one, other] = (await stand.status()).workers
  assert.ok(one !== undefined && other !== undefined)
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await stand.connectTo(one.pid, { maxVersion })
    const { socket } = first
    assert.ok(socket instanceof TLSSocket)
    let session = maxVersion === 'TLSv1.2' ? socket.getSession() : undefined
    socket.on('session', (newer) => (session = newer))
    first.send(get)
    assert.equal((await first.answer()).status, 200)
    assert.ok(session !== undefined)
    first.destroy()
    const second = await stand.connectTo(other.pid, { maxVersion, session })
    assert.ok(second.socket instanceof TLSSocket && second.socket.isSessionReused(), maxVersion)
    second.send(get)
    assert.equal((await second.answer()).status, 200)
    second.destroy()
  }
})

test('an audit trail that cannot be written stops writes at every worker', async (context) => {
  const stand = await makeWorkerStand(context, {
    config: (text) =>
      text.replace('audit: { file: audit.ndjson }', 'audit: { file: /dev/full, onFailure: refuse }'),
  })
  await until('a word on stderr', () => stand.program.stderr().includes('the audit trail cannot be written'))
  const write = rawRequest({ method: 'PATCH', target: permittedTarget, body: patchBody })
  for (const { pid } of (await stand.status()).workers) {
    const client = await stand.connectTo(pid)
    const refused = await until('a refusal', async () => {
      client.send(write)
      const { status } = await client.answer()
      return status !== 200 && status
    })
    assert.equal(refused, 503)
    const seen = stand.upstream.requests.length
    client.send(write)
    assert.equal((await client.answer()).status, 503)
    assert.equal(stand.upstream.requests.length, seen)
    client.destroy()
  }
  assert.equal((await stand.ask('/readyz')).status, 503)
})

test('what a partner took at one worker counts at the other', async (context) => {
  const stand = await makeWorkerStand(context, {
    config: (text) =>
      text.replace(
        'whitelist: whitelist/',
        'whitelist: whitelist/\n    partnerLimits: { requestsPerSecond: 0.01, burst: 300 }',
      ),
  })
  const [one, other] = (await stand.status()).workers
  assert.ok(one !== undefined && other !== undefined)
  const first = await stand.connectTo(one.pid)
  const second = await stand.connectTo(other.pid)
  // long enough for many exchanges
  for (let count = 0; count < 300; count += 1) {
    first.send(get)
    assert.equal((await first.answer()).status, 200)
  }
  first.send(get)
  assert.equal((await first.answer()).status, 429)
  // what the last exchange has not told yet may pass here, and no more
  let [passed, status] = [0, 200]
  while (status === 200) {
    second.send(get)
    status = (await second.answer()).status
    if (status === 200) passed += 1
  }
  assert.equal(status, 429)
  assert.ok(passed < 300, `${passed} passed at the other one`)
  first.destroy()
  second.destroy()
})

test('what a write through one worker may have moved is looked up anew by the other', async (context) => {
  const rules = `
          - { method: PATCH, path: "/Organization/{id}", establishment: { reference: id, resolve: upstream } }
          - { method: PUT, path: "/Organization/{id}", establishment: { body: organization-identifier, resolve: upstream } }`
  const stand = await makeWorkerStand(context, {
    config: (text) =>
      text
        .replace('establishment: { query: identifier, form: idnatstruct/unit }', (rule) => rule + rules)
        .replace(
          '    whitelist: whitelist/',
          '    resolution: { cacheSeconds: 3600 }\n    whitelist: whitelist/',
        ),
  })
  const organization = (value: string) => ({
    resourceType: 'Organization',
    id: '10',
    identifier: [{ system: 'https://finess.esante.gouv.fr', value }],
  })
  const mine = organization('350054680')
  let stored = mine
  stand.upstream.answer = ({ startLine }) => (startLine.startsWith('GET ') ? jsonAnswer(stored) : plainAnswer)
  const target = '/ws-synchro-dispo-lits-fhir/Organization/10'
  const patch = rawRequest({
    method: 'PATCH',
    target,
    body: patchBody.replaceAll('Location.', 'Organization.'),
  })
  const [one, other] = (await stand.status()).workers
  assert.ok(one !== undefined && other !== undefined)
  const [mover, client] = [await stand.connectTo(one.pid), await stand.connectTo(other.pid)]
  context.after(() => {
    mover.destroy()
    client.destroy()
  })
  const reads = (): number =>
    stand.upstream.requests.filter(({ startLine }) => startLine.startsWith('GET ')).length
  let permitted = 0
  for (const expected of [1, 1]) {
    client.send(patch)
    assert.equal((await client.answer()).status, 200)
    permitted += 1
    assert.equal(reads(), expected, 'kept by this worker')
  }

  mover.send(rawRequest({ method: 'PUT', target, body: JSON.stringify(mine) }))
  assert.equal((await mover.answer()).status, 200)
  stored = organization('750000001')
  const refused = await until('a refusal', async () => {
    client.send(patch)
    const answer = await client.answer()
    if (answer.status !== 200) return answer
    permitted += 1
    return false
  })
  assert.deepEqual([refused.status, reasonOf(refused)], [403, 'establishment-not-permitted'])
  const written = stand.upstream.requests.filter(({ startLine }) => startLine.startsWith('PATCH '))
  assert.equal(written.length, permitted)
})
