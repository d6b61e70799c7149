import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '../files/scratch.js'
import { freePorts, run } from './program.js'

/** HTTP without TLS, until the other side has closed. */
async function plainHttp(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume()
  socket.write('GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n')
  await once(socket, 'close')
}

test('SIGUSR2 turns `debug` on and off, and what broke handshakes stands there; the trail of a whole run verifies with the key made for it', async (context) => {
  const folder = await scratchFolder(context)
  const [sandbox, production, admin, ror] = await freePorts(4)
  const ports = { sandbox, production, admin, ror }
  const program = run([
    'dev',
    '--folder',
    folder,
    ...Object.entries(ports).flatMap(([name, port]) => [`--${name}-port`, String(port)]),
  ])
  context.after(() => program.process.kill('SIGKILL'))
  await program.until('"message":"in force"')
  await program.until('Stop with Ctrl-C')
  program.process.kill('SIGUSR2')
  await program.until('the log level is `debug` now')
  // what the runbook of broken handshakes says stands there
  await plainHttp(sandbox ?? 0)
  await program.until('"message":"a TLS handshake broke"')
  assert.match(program.stderr(), /"clientAddress":"127.0.0.1","code":"ERR_SSL_HTTP_REQUEST"/)
  program.process.kill('SIGUSR2')
  await program.until('the log level becomes `info`')
  program.process.kill('SIGTERM')
  assert.equal(await program.ended, 0)

  const file = join(folder, 'audit.ndjson')
  const verify = run(['audit', 'verify', file, '--public-key', join(folder, 'audit.key.pub'), '--json'])
  assert.equal(await verify.ended, 0, verify.stdout())
  const verdict = JSON.parse(verify.stdout()) as Record<string, unknown> // as documented
  assert.deepEqual([verdict['ok'], verdict['sealsChecked'], verdict['linesAfterSeal']], [true, 1, 0])
  assert.match(readFileSync(file, 'utf8'), /"event":"seal"/)
})

test('audit verify: what cannot be read is told in one line, and is no verdict', async (context) => {
  const folder = await scratchFolder(context)
  for (const [args, code, message] of [
    [['verify', join(folder, 'none')], 1, /^ror-gateway audit: `.*none`: no such file or folder\n$/],
    [['verify', '/dev/null', '--public-key', '/dev/null'], 1, /expected a/],
    [['look', 'file'], 64, /unknown action `look`; known is verify/],
    [['verify'], 64, /expected FILE/],
  ] as const) {
    const program = run(['audit', ...args])
    assert.equal(await program.ended, code, program.stderr())
    assert.match(program.stderr(), message)
  }
})
