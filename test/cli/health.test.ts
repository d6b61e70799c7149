import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { developmentConfig } from '../../src/dev/development-config.js'
import { freePorts, run } from './program.js'

interface Asked {
  readonly port: number
  readonly paths: readonly string[]
}

// an admin listener that answers as told
async function answering(context: TestContext, status: number): Promise<Asked> {
  const paths: string[] = []
  const server = createServer((request, response) => {
    paths.push(request.url ?? '')
    response.writeHead(status).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, paths } // a listening TCP server has one
}

function configFile(context: TestContext, admin: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ror-health-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const file = join(folder, 'gateway.yaml')
  const text = developmentConfig({ sandbox: 1, production: 2, admin: 9464, ror: 4 }).get('gateway.yaml') ?? ''
  writeFileSync(file, text.replace(/^admin:.*$/m, admin))
  return file
}

test('a gateway that is ready is healthy: exit code 0', async (context) => {
  const { port, paths } = await answering(context, 200)
  const program = run(['health', '--url', `http://127.0.0.1:${port}/readyz`])
  assert.equal(await program.ended, 0)
  assert.match(program.stdout(), /\/readyz: 200\n$/)
  assert.deepEqual(paths, ['/readyz'])
})

test('the address is taken from the configuration, and every address means this machine', async (context) => {
  const { port, paths } = await answering(context, 200)
  const file = configFile(context, `admin: { listen: { host: 0.0.0.0, port: ${port} } }`)
  assert.equal(await run(['health', '--config', file]).ended, 0)
  assert.equal(await run(['health', '--config', file, '--live']).ended, 0)
  assert.deepEqual(paths, ['/readyz', '/livez'])
})

test('one that drains is not: exit code 1', async (context) => {
  const { port } = await answering(context, 503)
  const program = run(['health', '--url', `http://127.0.0.1:${port}/readyz`, '--json'])
  assert.equal(await program.ended, 1)
  assert.deepEqual(JSON.parse(program.stdout()), { url: `http://127.0.0.1:${port}/readyz`, status: 503 })
})

test('nobody there: exit code 1 and why', async () => {
  const [port = 0] = await freePorts(1)
  const program = run(['health', '--url', `http://127.0.0.1:${port}/readyz`])
  assert.equal(await program.ended, 1)
  assert.match(program.stdout(), /ECONNREFUSED/)
})

test('a configuration without admin pages: exit code 3 and what is missing', async (context) => {
  const program = run(['health', '--config', configFile(context, '')])
  assert.equal(await program.ended, 3)
  assert.match(program.stderr(), /gateway\.yaml:1:1 expected `admin`/)
})

test('what is no http URL is a mistake of usage', async () => {
  const program = run(['health', '--url', 'file:///etc/passwd'])
  assert.equal(await program.ended, 64)
  assert.match(program.stderr(), /--url: expected an http URL/)
})
