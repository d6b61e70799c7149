import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { prepareDevelopmentFolder } from '../../src/dev/development-folder.js'
import { freePorts } from './program.js'

const bin = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))

test('serve takes up the socket of a service manager, tells that it is ready, and reloads and stops as told', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ror-activation-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const held = createServer().listen(0, '127.0.0.1')
  await once(held, 'listening')
  const { port: sandbox } = held.address() as AddressInfo // a listening TCP server has one
  const [production = 0, admin = 0, ror = 0] = await freePorts(3)
  const ports = { sandbox, production, admin, ror }
  const { configFile } = await prepareDevelopmentFolder({
    folder,
    ports,
    now: Date.now(),
    report: () => undefined,
  })
  // in the place of systemd-notify: writes down what it was told, and asks for a reload as `systemctl` then may
  const told = join(folder, 'told')
  const script = `#!/bin/sh\necho "$@" >'${told}'\nkill -HUP "\${1#--pid=}"\n`
  writeFileSync(join(folder, 'systemd-notify'), script, { mode: 0o755 })

  const { _handle: handle } = held as unknown as { _handle: { fd: number } } // as every Node has it
  const child = spawn(
    '/bin/sh',
    [
      '-c',
      'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$1" serve --config "$2"',
      process.execPath,
      bin,
      configFile,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe', handle.fd],
      env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, NOTIFY_SOCKET: '/run/none' },
    },
  )
  held.close() // the child has it now: two that listen would share the connections
  let stderr = ''
  let see: () => void = () => undefined
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    see()
  })
  const until = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      see = () => {
        if (stderr.includes(text)) resolve()
      }
      child.once('close', () => {
        reject(new Error(`ended before \`${text}\`: ${stderr}`))
      })
      see()
    })
  const ended = once(child, 'close')
  context.after(() => child.kill('SIGKILL'))
  await until('in force')
  const socket = connect({
    port: sandbox,
    host: '127.0.0.1',
    ca: readFileSync(join(folder, 'pki/server-ca.pem')),
    servername: 'bas-api-fhir.qualif.ror.esante.gouv.fr',
  })
  await once(socket, 'secureConnect')
  socket.destroy()
  await until('configuration unchanged')
  child.kill('SIGTERM')
  const [code] = (await ended) as unknown[]
  assert.equal(code, 0, stderr)
  assert.match(readFileSync(told, 'utf8'), new RegExp(`^--pid=${child.pid ?? 0} READY=1 STATUS=listening`))
})
