import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import type { Status } from '../../src/admin/status.js'
import { freePorts, run, type Program } from '../cli/program.js'
import { makeTestPki, type TestCertificate, type TestPki } from '../support/pki.js'
import { openRaw, type RawClient } from '../support/raw-client.js'
import { startRecorder, type Recorder } from '../support/recorder.js'
import { authHost, fhirHost, standardConfig, standardWhitelist, subjectOf } from './stand.js'

/** The real program with several workers, before a recorder. */
export interface WorkerStand {
  readonly folder: string
  readonly pki: TestPki
  readonly partner: TestCertificate
  readonly upstream: Recorder
  readonly program: Program
  readonly port: number
  readonly admin: number
  write(file: string, text: string): void
  tls(more?: ConnectionOptions): ConnectionOptions
  /** Asks the admin listener. */
  ask(path: string, method?: 'GET' | 'POST'): Promise<{ readonly status: number; readonly text: string }>
  status(): Promise<Status & { readonly workers: NonNullable<Status['workers']> }>
  /** A connection that this worker accepted; `meanwhile` the others hold still. */
  connectTo(pid: number, more?: ConnectionOptions): Promise<RawClient>
}

export async function makeWorkerStand(
  context: TestContext,
  { config = (text) => text }: { readonly config?: (text: string) => string } = {},
): Promise<WorkerStand> {
  const folder = mkdtempSync(join(tmpdir(), 'ror-gateway-'))
  const pki = await makeTestPki()
  const server = await pki.server([fhirHost, authHost, '127.0.0.1'])
  const partner = await pki.client()
  const upstream = await startRecorder()
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  const [port = 0, admin = 0] = await freePorts(2)
  write('pki/server.pem', server.chainPem)
  write('pki/server.key', server.keyPem)
  write('pki/client-ca.pem', pki.caPem)
  write('pki/client-ca.crl', pki.crl())
  write('whitelist/partner.yaml', standardWhitelist(subjectOf(partner)))
  const text = standardConfig(upstream.origin)
    .replace('listen: { host: 127.0.0.1, port: 0 }', `listen: { host: 127.0.0.1, port: ${port} }`)
    .replace(
      'admin: { listen: { host: 127.0.0.1, port: 0 } }',
      `admin: { listen: { host: 127.0.0.1, port: ${admin} } }`,
    )
    .replace('level: silent', 'level: info')
  write('gateway.yaml', config(`workers: 2\n${text}`))
  const program = run(['serve', '--config', join(folder, 'gateway.yaml')])
  context.after(async () => {
    // workers follow their primary
    program.process.kill('SIGKILL')
    await program.ended
    await upstream.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await program.until('"message":"in force"')

  const tls = (more: ConnectionOptions = {}): ConnectionOptions => ({
    ca: pki.rootPem,
    servername: fhirHost,
    cert: partner.chainPem,
    key: partner.keyPem,
    ...more,
  })
  const stand: WorkerStand = {
    folder,
    pki,
    partner,
    upstream,
    program,
    port,
    admin,
    write,
    tls,
    ask: (path, method = 'GET') =>
      new Promise((resolve, reject) => {
        const asked = request({ port: admin, host: '127.0.0.1', path, method, agent: false }, (response) => {
          let body = ''
          response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, text: body })
          })
        })
        asked.on('error', reject)
        asked.end()
      }),
    status: async () => {
      const status = JSON.parse((await stand.ask('/status')).text) as Status // as documented
      return { ...status, workers: status.workers ?? [] }
    },
    connectTo: async (pid, more) => {
      const others = (await stand.status()).workers.map((each) => each.pid).filter((each) => each !== pid)
      for (const other of others) process.kill(other, 'SIGSTOP')
      try {
        return await openRaw(port, tls(more))
      } finally {
        for (const other of others) process.kill(other, 'SIGCONT')
      }
    },
  }
  return stand
}

/** Whether a process holds the connection from this port of a client. */
export function holds(pid: number, clientPort: number | undefined): boolean {
  const port = (clientPort ?? 0).toString(16).toUpperCase().padStart(4, '0')
  const lines = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').split('\n').slice(1)
  const inodes = lines.flatMap((line) => {
    const [, , remote = '', , , , , , , inode = ''] = line.trim().split(/\s+/)
    return remote.endsWith(`:${port}`) ? [`socket:[${inode}]`] : []
  })
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return inodes.includes(readlinkSync(`/proc/${pid}/fd/${fd}`))
    } catch {
      return false // closed meanwhile
    }
  })
}

/** The sum of a counter over the series that hold all of these texts. */
export function sumOf(metrics: string, name: string, ...labels: readonly string[]): number {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(name) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
