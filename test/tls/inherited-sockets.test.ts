import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inheritedSockets } from '../../src/tls/inherited-sockets.js'

const module = fileURLToPath(new URL('../../src/tls/inherited-sockets.js', import.meta.url))

async function listening(context: TestContext): Promise<{ fd: number; port: number }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.close()
  })
  return { fd: descriptorOf(server), port: (server.address() as AddressInfo).port } // a listening TCP server has one
}

// nothing public tells a descriptor
function descriptorOf(server: Server): number {
  const { _handle: handle } = server as unknown as { _handle: { fd: number } } // as every Node has it
  return handle.fd
}

/** What the module finds in a process that a service manager started: LISTEN_PID is that of the process itself. */
async function foundWith(
  descriptors: readonly number[],
  variables: string,
): Promise<{ code: unknown; text: string }> {
  const script = `import { inheritedSockets } from ${JSON.stringify(module)}
console.log(JSON.stringify(inheritedSockets(process.env, process.pid)))`
  const command = `${variables} exec "$0" --input-type=module -e "$1"`
  const child = spawn('/bin/sh', ['-c', command, process.execPath, script], {
    stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  }
  const [code] = (await once(child, 'close')) as unknown[]
  return { code, text }
}

test('sockets that were handed over are known by their ports', async (context) => {
  const [one, other] = [await listening(context), await listening(context)]
  const { text } = await foundWith([one.fd, other.fd], 'LISTEN_PID=$$ LISTEN_FDS=2')
  assert.deepEqual(JSON.parse(text), [
    { fd: 3, port: one.port },
    { fd: 4, port: other.port },
  ])
})

test('variables that speak of another process hand nothing over', async (context) => {
  const { fd } = await listening(context)
  const { text } = await foundWith([fd], 'LISTEN_PID=1 LISTEN_FDS=1')
  assert.deepEqual(JSON.parse(text), [])
  assert.deepEqual(inheritedSockets({}, process.pid), [])
})

test('a descriptor that is no listening socket is told, and ends the start', async (context) => {
  const { fd } = await listening(context)
  const { code, text } = await foundWith([fd], 'LISTEN_PID=$$ LISTEN_FDS=9')
  assert.notEqual(code, 0)
  assert.match(text, /descriptor \d+ was handed over, and is no listening TCP socket/)
  assert.throws(
    () => inheritedSockets({ LISTEN_PID: String(process.pid), LISTEN_FDS: 'x' }, process.pid),
    /LISTEN_FDS/,
  )
})
