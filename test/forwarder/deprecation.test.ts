import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test } from 'node:test'

const here = fileURLToPath(new URL('.', import.meta.url))

test('http-proxy warns of nothing (DEP0060), and other deprecations are still told', async () => {
  const script = `
    import { createHttpProxyForwarder } from ${JSON.stringify(join(here, '../../src/http/http-proxy-forwarder.js'))}
    import { createServer } from 'node:http'
    const forwarder = createHttpProxyForwarder({
      timeouts: { connectMs: 1000, responseMs: 1000, idleMs: 1000, bytesPerSecond: 1 }, maxConnections: 1, maxWaiting: 0, keepAliveMs: 1000,
    })
    const upstream = createServer((request, response) => response.end('ok'))
    upstream.listen(0, '127.0.0.1', () => {
      const { port } = upstream.address()
      const server = createServer(async (request, response) => {
        const outcome = await forwarder.forward({
          request, response, upstream: 'http://127.0.0.1:' + port, method: 'GET', target: '/a',
          fields: [['Host', 'h']], body: 'none', publicOrigin: 'https://h',
        })
        console.log(outcome.kind)
        process.emitWarning('told', 'DeprecationWarning', 'DEP9999')
        setImmediate(() => process.exit())
      })
      server.listen(0, '127.0.0.1', () => { fetch('http://127.0.0.1:' + server.address().port + '/') })
    })`
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    script,
  ])
  assert.equal(stdout.trim(), 'answered')
  assert.ok(!stderr.includes('DEP0060'), stderr)
  assert.ok(stderr.includes('DEP9999'), stderr)
  assert.equal(stderr.match(/Warning:/g)?.length, 1, stderr)
})
