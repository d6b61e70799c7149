import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  capacityPath,
  fhirHost,
  patchBody,
  permittedTarget,
  standardConfig,
  standardWhitelist,
  subjectOf,
} from '../gateway/stand.js'
import { clientName, makeTestPki, type TestCertificate } from '../support/pki.js'
import { freePorts } from '../cli/program.js'
import { startCountingUpstream, type CountingUpstream } from './counting-upstream.js'

export interface SoakReport {
  readonly seconds: number
  readonly sent: number
  readonly answered: number
  readonly aborted: number
  /** Requests whose connection broke without their doing: must be none. */
  readonly broken: number
  readonly byStatus: Readonly<Record<string, number>>
  /** Permitted writes that were answered, and writes that the upstream counted. */
  readonly permittedWrites: number
  readonly upstreamWrites: number
  readonly forbiddenAtUpstream: number
  readonly reloads: number
  readonly upstreamFaults: number
  readonly rssMb: { readonly afterWarmUp: number; readonly end: number; readonly slopeMbPerMinute: number }
  readonly descriptors: { readonly idle: number; readonly end: number }
  readonly problems: readonly string[]
}

const target = '/ws-diffusion-fhir/Location?identifier=1350054680/A'
const workers = 12
const bin = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))

/**
 * Mixed traffic against a gateway process of its own, with reloads, aborts, revoked trust and an
 * upstream that breaks: afterwards every request must have been answered or aborted, and the
 * upstream must have seen every permitted write once and no forbidden one.
 */
export async function soak({
  seconds,
  report,
}: {
  seconds: number
  report: (line: string) => void
}): Promise<SoakReport> {
  const folder = mkdtempSync(join(tmpdir(), 'ror-soak-'))
  const upstream = await startCountingUpstream()
  let gateway: ChildProcess | undefined
  try {
    const stand = await prepare(folder, upstream)
    gateway = spawn(process.execPath, [bin, 'serve', '--config', join(folder, 'gateway.yaml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await listening(gateway)
    const run = new Soak({ ...stand, folder, upstream, gateway, seconds, report })
    return await run.run()
  } finally {
    gateway?.kill('SIGKILL')
    await upstream.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface SoakStand {
  readonly port: number
  readonly ca: string
  readonly partner: TestCertificate
  readonly stranger: TestCertificate
}

async function prepare(folder: string, upstream: CountingUpstream): Promise<SoakStand> {
  const pki = await makeTestPki()
  const server = await pki.server([fhirHost])
  const partner = await pki.client()
  const stranger = await pki.client({ subject: clientName('STRANGER') })
  const [port = 0, admin = 0] = await freePorts(2)
  for (const sub of ['pki', 'whitelist']) mkdirSync(join(folder, sub))
  writeFileSync(join(folder, 'pki/server.pem'), server.chainPem)
  writeFileSync(join(folder, 'pki/server.key'), server.keyPem)
  writeFileSync(join(folder, 'pki/client-ca.pem'), pki.caPem)
  writeFileSync(join(folder, 'pki/client-ca.crl'), pki.crl())
  writeFileSync(join(folder, 'whitelist/partner.yaml'), standardWhitelist(subjectOf(partner)))
  const config = standardConfig(upstream.origin)
    .replace('port: 0 }\n    tls', `port: ${port} }\n    tls`)
    .replace(
      'admin: { listen: { host: 127.0.0.1, port: 0 } }',
      `admin: { listen: { host: 127.0.0.1, port: ${admin} } }`,
    )
    .replace('log: { level: silent }', 'log: { level: info }')
  writeFileSync(join(folder, 'gateway.yaml'), config)
  return { port, ca: pki.rootPem, partner, stranger }
}

function listening(gateway: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    gateway.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('"in force"')) resolve()
      if (text.length > 100_000) text = text.slice(-1_000)
    })
    gateway.once('exit', (code) => {
      reject(new Error(`the gateway ended with ${code}: ${text}`))
    })
  })
}

interface SoakNeeds extends SoakStand {
  readonly folder: string
  readonly upstream: CountingUpstream
  readonly gateway: ChildProcess
  readonly seconds: number
  readonly report: (line: string) => void
}

class Soak {
  private readonly needs: SoakNeeds
  private readonly byStatus: Record<string, number> = {}
  private sent = 0
  private answered = 0
  private aborted = 0
  private broken = 0
  private permittedWrites = 0
  private reloads = 0
  private faults = 0
  private writeNumber = 0

  constructor(needs: SoakNeeds) {
    this.needs = needs
  }

  async run(): Promise<SoakReport> {
    const { seconds, report } = this.needs
    await this.traffic(Math.min(5, seconds / 4)) // warm-up: caches and pools fill
    await settled()
    const idle = this.descriptors()
    const samples: { readonly at: number; readonly mb: number }[] = []
    const startedAt = Date.now()
    const sampling = setInterval(
      () => {
        const mb = this.rss()
        samples.push({ at: (Date.now() - startedAt) / 60_000, mb })
        report(`${Math.round((Date.now() - startedAt) / 1000)} s: ${this.sent} requests, ${mb.toFixed(0)} MB`)
      },
      Math.max(1_000, (seconds * 1_000) / 20),
    )
    const disturbing = this.disturb(seconds)
    await this.traffic(seconds)
    await disturbing
    clearInterval(sampling)
    await settled()
    return this.result(samples, idle)
  }

  /** Closed loops, each with its own kept connections, for so many seconds. */
  private async traffic(seconds: number): Promise<void> {
    const until = Date.now() + seconds * 1000
    const loops = Array.from({ length: workers }, async (_, worker) => {
      const agents = {
        partner: this.agent(this.needs.partner),
        stranger: this.agent(this.needs.stranger),
      }
      for (let turn = worker; Date.now() < until; turn += 1) await this.turn(turn, agents)
      agents.partner.destroy()
      agents.stranger.destroy()
    })
    await Promise.all(loops)
  }

  private async turn(
    turn: number,
    { partner, stranger }: { partner: Agent; stranger: Agent },
  ): Promise<void> {
    switch (turn % 8) {
      case 0:
      case 1:
        return this.send({ agent: partner, method: 'GET', path: target })
      case 2:
      case 3: {
        this.writeNumber += 1
        const path = `${permittedTarget}${this.writeNumber}`
        const status = await this.exchange({ agent: partner, method: 'PATCH', path, body: patchBody })
        if (status === 200) this.permittedWrites += 1
        return
      }
      case 4:
        return this.send({
          agent: partner,
          method: 'PATCH',
          path: `${capacityPath}1290000000/forbidden`,
          body: patchBody,
        })
      case 5:
        return this.send({ agent: stranger, method: 'GET', path: `${target}&forbidden` })
      case 6:
        return this.send({ agent: partner, method: 'DELETE', path: '/ws-diffusion-fhir/Location/forbidden' })
      default:
        return this.abort(partner)
    }
  }

  private async send(wish: { agent: Agent; method: string; path: string; body?: string }): Promise<void> {
    await this.exchange(wish)
  }

  private exchange({
    agent,
    method,
    path,
    body,
  }: {
    agent: Agent
    method: string
    path: string
    body?: string
  }): Promise<number> {
    this.sent += 1
    return new Promise((resolve) => {
      const request = httpsRequest(
        {
          agent,
          method,
          path,
          host: '127.0.0.1',
          port: this.needs.port,
          headers: {
            host: fhirHost,
            ...(body !== undefined && {
              'content-type': 'application/fhir+json',
              'content-length': Buffer.byteLength(body),
            }),
          },
        },
        (response) => {
          const status = response.statusCode ?? 0
          response.resume()
          response.once('end', () => {
            this.answered += 1
            this.byStatus[status] = (this.byStatus[status] ?? 0) + 1
            resolve(status)
          })
          response.once('error', () => {
            this.broken += 1
            resolve(0)
          })
        },
      )
      request.once('error', (error: Error & { code?: string }) => {
        // a kept connection that the gateway ends while a request is written on it is HTTP's own race
        if (error.code === 'ECONNRESET' && request.reusedSocket) {
          this.sent -= 1
          resolve(this.exchange({ agent, method, path, ...(body !== undefined && { body }) }))
          return
        }
        this.broken += 1
        resolve(0)
      })
      request.end(body)
    })
  }

  /** A client that leaves while it waits. */
  private abort(agent: Agent): Promise<void> {
    this.sent += 1
    this.aborted += 1
    return new Promise((resolve) => {
      const request = httpsRequest({
        agent,
        path: '/ws-diffusion-fhir/Location?slow',
        host: '127.0.0.1',
        port: this.needs.port,
        headers: { host: fhirHost },
      })
      request.once('error', () => undefined)
      request.once('close', resolve)
      request.end()
      setTimeout(() => {
        request.destroy()
      }, 5)
    })
  }

  /** Reloads, good and bad, and an upstream that breaks, all along. */
  private async disturb(seconds: number): Promise<void> {
    const { folder, upstream } = this.needs
    const file = join(folder, 'whitelist/partner.yaml')
    const good = readFileSync(file, 'utf8')
    const until = Date.now() + (seconds - 2) * 1000
    for (let turn = 0; Date.now() < until; turn += 1) {
      await pause(700)
      this.reloads += 1
      const text = turn % 3 === 0 ? '{{{{' : `${good}# ${turn}\n`
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
      if (turn % 5 !== 4) continue
      this.faults += 1
      upstream.breakConnections()
    }
    writeFileSync(file, good)
  }

  private result(samples: readonly { at: number; mb: number }[], idle: number): SoakReport {
    const { upstream, seconds } = this.needs
    // the first quarter still fills heaps and caches
    const steady = samples.slice(Math.floor(samples.length / 4))
    const slope = slopeOf(steady)
    const end = this.descriptors()
    const problems = [
      this.sent === this.answered + this.aborted + this.broken
        ? ''
        : 'a request was neither answered nor aborted',
      this.broken === 0 ? '' : `${this.broken} requests were broken off by the gateway`,
      upstream.forbidden() === 0 ? '' : 'a forbidden request reached the upstream',
      // a write whose upstream connection was broken is answered 502, and may have been counted before
      upstream.writes() >= this.permittedWrites ? '' : 'a write was answered that the upstream never had',
      upstream.repeatedWrites() === 0 ? '' : 'a write reached the upstream twice',
      upstream.writes() <= this.permittedWrites + upstream.brokenWrites()
        ? ''
        : 'the upstream had a write that was refused',
      end <= idle + 5 ? '' : `${end - idle} descriptors are left over`,
      slope * (seconds / 60) < 40 ? '' : `memory grows by ${slope.toFixed(1)} MB a minute`,
    ].filter((problem) => problem !== '')
    return {
      seconds,
      sent: this.sent,
      answered: this.answered,
      aborted: this.aborted,
      broken: this.broken,
      byStatus: this.byStatus,
      permittedWrites: this.permittedWrites,
      upstreamWrites: upstream.writes(),
      forbiddenAtUpstream: upstream.forbidden(),
      reloads: this.reloads,
      upstreamFaults: this.faults,
      rssMb: {
        afterWarmUp: Math.round(steady[0]?.mb ?? 0),
        end: Math.round(steady.at(-1)?.mb ?? 0),
        slopeMbPerMinute: Number(slope.toFixed(2)),
      },
      descriptors: { idle, end },
      problems,
    }
  }

  private agent({ chainPem, keyPem }: TestCertificate): Agent {
    return new Agent({
      keepAlive: true,
      maxSockets: 2,
      ca: this.needs.ca,
      cert: chainPem,
      key: keyPem,
      servername: fhirHost,
    })
  }

  private rss(): number {
    const found = /VmRSS:\s+(\d+) kB/.exec(
      readFileSync(`/proc/${this.needs.gateway.pid ?? 0}/status`, 'utf8'),
    )
    return Number(found?.[1] ?? 0) / 1024
  }

  private descriptors(): number {
    return readdirSync(`/proc/${this.needs.gateway.pid ?? 0}/fd`).length
  }
}

/** Least squares. @returns MB a minute */
function slopeOf(samples: readonly { at: number; mb: number }[]): number {
  const count = samples.length
  if (count < 2) return 0
  const meanAt = samples.reduce((sum, { at }) => sum + at, 0) / count
  const meanMb = samples.reduce((sum, { mb }) => sum + mb, 0) / count
  const over = samples.reduce((sum, { at, mb }) => sum + (at - meanAt) * (mb - meanMb), 0)
  const under = samples.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0)
  return under === 0 ? 0 : over / under
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

// what is under way ends, and connections that are closed leave the tables
function settled(): Promise<void> {
  return pause(1_500)
}
