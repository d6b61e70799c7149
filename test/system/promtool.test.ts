import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { busy } from '../observe/busy.js'
import { root } from '../support/shared.js'
import { makeStand, patchBody, permittedTarget } from '../gateway/stand.js'

const run = promisify(execFile)
const prometheus = join(root, 'deploy', 'prometheus')

/** What `promtool check metrics` says of a scrape. */
async function checked(text: string): Promise<{ code: number; said: string }> {
  const promtool = spawn('promtool', ['check', 'metrics'])
  let said = ''
  promtool.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()))
  promtool.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()))
  const closed = once(promtool, 'close')
  promtool.stdin.end(text)
  const [code] = (await closed) as [number] // what 'close' emits
  return { code, said }
}

test('promtool finds nothing to say of the scrape of a running gateway', async (context) => {
  const stand = await makeStand(context)
  await stand.auditOf(
    await stand.send({
      method: 'PATCH',
      target: permittedTarget,
      body: patchBody,
      fields: ['Connection: close'],
    }),
  )
  await stand.auditOf(await stand.send({ client: null, fields: ['Connection: close'] }))
  assert.ok(stand.gateway.admin)
  const { host, port } = stand.gateway.admin
  const answer = await fetch(`http://${host}:${port}/metrics`)
  const text = await answer.text()
  assert.match(text, /^ror_gateway_requests_total\{.*decision="deny".*\} 1$/m)
  assert.deepEqual(await checked(text), { code: 0, said: '' })
})

test('promtool finds nothing to say of a gateway that has seen one of everything', async () => {
  const { text } = await busy().expose()
  assert.deepEqual(await checked(text), { code: 0, said: '' })
})

test('the rules are rules, and each fires when it should and not before', async () => {
  const rules = readdirSync(prometheus).filter((name) => name.endsWith('.rules.yml'))
  const tests = readdirSync(join(prometheus, 'tests')).map((name) => join('tests', name))
  assert.ok(rules.length === 2 && tests.length === 2)
  await run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', ...rules], { cwd: prometheus })
  await run('promtool', ['test', 'rules', ...tests], { cwd: prometheus })
})

test('promtool reads the configuration that Compose gives Prometheus', async () => {
  await run('promtool', ['check', 'config', '--syntax-only', join(root, 'deploy/compose/prometheus.yaml')])
})

test('every query of the dashboard is one that Prometheus can read', async (context) => {
  const text = readFileSync(join(root, 'deploy/grafana/ror-gateway.json'), 'utf8')
  const queries = [...text.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(([, quoted = '']) => {
    const query = JSON.parse(quoted) as string // a string of JSON, as just matched
    return query.replaceAll(/\$__(?:rate_interval|range)/g, '5m').replaceAll(/\$\w+/g, '.*')
  })
  assert.ok(queries.length > 35)
  const folder = mkdtempSync(join(tmpdir(), 'ror-queries-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const rules = queries.map((expr, index) => ({ record: `panel:query:${index}`, expr }))
  const file = join(folder, 'queries.yml')
  // JSON is YAML
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  await run('promtool', ['check', 'rules', file])
})
