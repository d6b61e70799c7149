import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/shared.js'
import { freePorts, run } from '../cli/program.js'
import { at, documentsOf, listAt } from './documents.js'

const folder = 'deploy/compose'
const [compose] = documentsOf(`${folder}/compose.yaml`)
const merged = (name: string): Readonly<Record<string, unknown>> => {
  const service = at(compose, 'services', name)
  // a merge key is one more mapping
  return { ...(at(service, '<<') as object | undefined), ...(service as object) }
}
const names = Object.keys(at(compose, 'services') as object) // a mapping of services

test('the gateway stands with the stand-in ROR, Prometheus and Grafana', () => {
  for (const name of ['gateway', 'ror', 'prometheus', 'grafana']) assert.ok(names.includes(name), name)
})

test('every image has a version, and every service that is waited for is there', () => {
  for (const name of names) {
    const service = merged(name)
    assert.match(String(service['image']), /:v?\d+\.\d+\.\d+$/, name)
    const waited = service['depends_on']
    for (const other of Array.isArray(waited) ? waited.map(String) : Object.keys(waited ?? {})) {
      assert.ok(names.includes(other), `${name} waits for ${other}`)
    }
  }
})

test('nothing listens but on this machine', () => {
  for (const name of names) {
    for (const port of listAt(merged(name), 'ports'))
      assert.match(String(port), /^127\.0\.0\.1:\d+:\d+$/, name)
  }
})

test('the gateway’s own services run without privileges on a read-only root', () => {
  for (const name of ['files', 'ror', 'gateway']) {
    const service = merged(name)
    assert.equal(service['read_only'], true)
    assert.deepEqual(service['cap_drop'], ['ALL'])
    assert.equal(service['user'], undefined, 'the user of the image')
  }
})

test('every file that is mounted stands in the repository', () => {
  const mounted = names
    .flatMap((name) => listAt(merged(name), 'volumes').map(String))
    .filter((each) => each.startsWith('.'))
  assert.ok(mounted.length >= 5)
  for (const each of mounted) {
    const path = join(root, folder, each.split(':')[0] ?? '')
    assert.ok(existsSync(path), path)
  }
})

test('Prometheus scrapes the admin address, and Grafana asks Prometheus', () => {
  const [config] = documentsOf(`${folder}/gateway/gateway.yaml`)
  const [prometheus] = documentsOf(`${folder}/prometheus.yaml`)
  const [target] = listAt(prometheus, 'scrape_configs', 0, 'static_configs', 0, 'targets')
  assert.equal(target, `gateway:${String(at(config, 'admin', 'listen', 'port'))}`)
  const [datasource] = documentsOf(`${folder}/grafana/datasource.yaml`)
  assert.equal(at(datasource, 'datasources', 0, 'url'), 'http://prometheus:9090')
})

test('the services’ own commands make a gateway that is ready', async (context) => {
  const place = mkdtempSync(join(tmpdir(), 'ror-compose-'))
  context.after(() => {
    rmSync(place, { recursive: true, force: true })
  })
  const [sandbox = 0, production = 0, admin = 0, ror = 0] = await freePorts(4)
  const here = (text: string): string =>
    text
      .replaceAll('/var/lib/ror-gateway', place)
      .replaceAll('/etc/ror-gateway', place)
      .replaceAll('0.0.0.0, port: 8443', `127.0.0.1, port: ${sandbox}`)
      .replaceAll('0.0.0.0, port: 8444', `127.0.0.1, port: ${production}`)
      .replaceAll('0.0.0.0, port: 9464', `127.0.0.1, port: ${admin}`)
      .replaceAll('http://ror:9080', `http://127.0.0.1:${ror}`)
  const command = (name: string): string[] =>
    listAt(merged(name), 'command').map((word) =>
      here(String(word))
        .replace(/^9080$/, String(ror))
        .replace(/^0\.0\.0\.0$/, '127.0.0.1'),
    )

  assert.equal(await run(command('files')).ended, 0)
  const standIn = run(command('ror'))
  context.after(() => standIn.process.kill('SIGKILL'))
  await standIn.until('Stand-in ROR')
  const text = readFileSync(join(root, folder, 'gateway/gateway.yaml'), 'utf8')
  writeFileSync(join(place, 'gateway.yaml'), here(text))
  const gateway = run(['serve', '--config', join(place, 'gateway.yaml')])
  context.after(() => gateway.process.kill('SIGKILL'))
  await gateway.until('in force')
  assert.equal(await run(['health', '--config', join(place, 'gateway.yaml')]).ended, 0)
  gateway.process.kill('SIGTERM')
  standIn.process.kill('SIGTERM')
  assert.equal(await gateway.ended, 0)
  assert.equal(await standIn.ended, 0)
})
