import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseGatewayConfig } from '../../src/config/gateway-file.js'
import { descriptorNeed } from '../../src/gateway/descriptor-need.js'
import { prepareFolder } from '../soak/gateway-folder.js'
import { until } from '../support/until.js'
import { standardConfig } from './stand.js'

const bin = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))
const word = 'the system allows fewer open files'

/** The log of a gateway that may hold 700 descriptors, from its start to its end. */
async function logOf(context: TestContext, limits: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ror-descriptors-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  await prepareFolder(folder, { upstream: 'http://127.0.0.1:9', config: (text) => `${text}${limits}` })
  const command = ['-c', 'ulimit -n 700; exec "$@"', 'sh', process.execPath, bin, 'serve', '--config']
  const child = spawn('sh', [...command, join(folder, 'gateway.yaml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  context.after(() => child.kill('SIGKILL'))
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  await until('a gateway in force', () => log.includes('"message":"in force"'))
  child.kill('SIGTERM')
  await until('its last word', () => log.includes('"message":"stopped"'))
  return log
}

test('a start with fewer descriptors than limits may need says so, with both numbers; one with enough does not', async (context) => {
  const log = await logOf(context, '')
  const line = log.split('\n').find((each) => each.includes(word))
  const { level, detail } = JSON.parse(line ?? '{}') as Record<string, unknown> // an object, as the log writes
  assert.deepEqual([level, detail], ['warn', '700 allowed, 10512 for all connections'])
  assert.ok(!(await logOf(context, 'limits: { maxConnections: 188 }\n')).includes(word))
  assert.ok((await logOf(context, 'limits: { maxConnections: 189 }\n')).includes(word))
})

test('servers that several APIs share are connected to once', () => {
  const file = 'gateway.yaml'
  const { config } = parseGatewayConfig({ file, text: standardConfig('http://127.0.0.1:9') })
  assert.ok(config !== undefined)
  const [environment] = config.environments
  assert.ok(environment !== undefined && environment.apis.length > 1)
  const { upstreamConnections, maxConnections } = config.limits
  const one = descriptorNeed(config)
  const both = descriptorNeed({ ...config, environments: [environment, environment] })
  assert.equal(both - one, maxConnections)
  const other = {
    ...environment,
    apis: environment.apis.map((api) => ({
      ...api,
      upstream: { ...api.upstream, servers: ['http://127.0.0.1:8'] },
    })),
  }
  assert.equal(descriptorNeed({ ...config, environments: [environment, other] }) - both, upstreamConnections)
})
