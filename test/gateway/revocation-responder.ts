import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { privateKeyPem } from '../../src/x509/keys.js'
import type { TestPki } from '../support/pki.js'

/** A server of plain HTTP whose answers a test chooses. */
export interface ScriptedServer {
  readonly url: string
  readonly bodies: readonly Buffer[]
  /** What it does with a request; anything, so that nothing honest is taken for granted. */
  answer: (response: ServerResponse, body: Buffer) => void
  close(): Promise<void>
}

export async function startScripted(context: TestContext): Promise<ScriptedServer> {
  const bodies: Buffer[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      bodies.push(body)
      scripted.answer(response, body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a listening TCP server has one
  const scripted: ScriptedServer = {
    url: `http://127.0.0.1:${port}/ocsp`,
    bodies,
    answer: (response) => response.writeHead(500).end(),
    close: async () => {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  context.after(() => scripted.close())
  return scripted
}

/** A port that was free a moment ago: `openssl ocsp` takes no port 0. */
export async function freePort(): Promise<number> {
  const server = createTcpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a listening TCP server has one
  server.close()
  await once(server, 'close')
  return port
}

/** `openssl ocsp` as the responder of the intermediate, from an index of these serial numbers. */
export async function startOpensslResponder(
  context: TestContext,
  {
    folder,
    port,
    pki,
    good,
    revoked,
  }: {
    readonly folder: string
    readonly port: number
    readonly pki: TestPki
    readonly good: readonly string[]
    readonly revoked: readonly string[]
  },
): Promise<void> {
  const file = (name: string): string => join(folder, 'responder', name)
  mkdirSync(join(folder, 'responder'))
  const line = (serial: string, how: string): string => `${how}\t${serial.toUpperCase()}\tunknown\t/CN=x\n`
  writeFileSync(
    file('index.txt'),
    [
      ...good.map((serial) => line(serial, 'V\t391231235959Z\t')),
      ...revoked.map((serial) => line(serial, 'R\t391231235959Z\t260101000000Z')),
    ].join(''),
  )
  writeFileSync(file('ca.pem'), pki.intermediatePem)
  writeFileSync(file('ca.key'), privateKeyPem(pki.intermediate.keys))
  const child = spawn('openssl', [
    ...['ocsp', '-port', String(port), '-index', file('index.txt'), '-ndays', '1'],
    ...['-CA', file('ca.pem'), '-rsigner', file('ca.pem'), '-rkey', file('ca.key')],
  ])
  context.after(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    const listen = (chunk: Buffer): void => {
      said += chunk.toString()
      if (/waiting for OCSP client connections/i.test(said)) resolve()
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('exit', () => {
      reject(new Error(said))
    })
  })
}
