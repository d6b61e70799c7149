import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCountingUpstream, type CountingUpstream } from './counting-upstream.js'
import { connectionsOf, countOf, leftOver, type Descriptors } from './descriptors.js'
import { prepareFolder } from './gateway-folder.js'
import { startGatewayProcess, type GatewayProcess } from './gateway-process.js'
import { Ledger } from './ledger.js'
import type { LiveMemory } from './live-memory.js'
import { Traffic } from './traffic.js'

export interface SoakReport {
  readonly seconds: number
  readonly sent: number
  readonly answered: number
  /** By the client's own will, or by HTTP's race on a kept connection. */
  readonly aborted: number
  readonly broken: number
  readonly byStatus: Readonly<Record<string, number>>
  /** Answered 200, and so seen by the upstream. */
  readonly permitted: number
  readonly permittedWrites: number
  readonly upstreamRequests: number
  readonly reloads: number
  readonly upstreamFaults: number
  /** What nobody holds any more is collected before each figure. */
  readonly liveMb: { readonly afterWarmUp: number; readonly end: number; readonly slopePerMinute: number }
  readonly rssMb: { readonly afterWarmUp: number; readonly end: number }
  readonly descriptors: { readonly idle: number; readonly end: number }
  readonly exitCode: number | string
  readonly problems: readonly string[]
}

/** What a run must have done to mean anything; a slow machine takes longer for it. */
const least = { sent: 1_000, permittedWrites: 100, reloads: 10, faults: 3 }

const megabyte = 1024 * 1024
// what caches and counters may still take after the warm-up, whatever the number of requests
const allowedGrowth = { live: 8 * megabyte, rss: 128 * megabyte }

// what is closed leaves the tables soon; what still stands there after so long is left over
const patienceMs = 60_000

// a slow machine is no fault of the gateway: nothing here is closed because it was late
const patient = `limits:
  handshakeTimeoutMs: 120000
  headersTimeoutMs: 600000
  requestTimeoutMs: 600000
  idleTimeoutMs: 600000
  connectTimeoutMs: 120000
  upstreamTimeoutMs: 600000
`

/**
 * Mixed traffic against a gateway process of its own, with reloads, aborts and an upstream that
 * breaks. Afterwards every request was answered or aborted, the upstream has seen exactly what was
 * permitted, and once nobody is connected any more the process holds what it held before.
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
  let gateway: GatewayProcess | undefined
  try {
    const clients = await prepareFolder(folder, {
      upstream: upstream.origin,
      config: (text) => `${text}${patient}`,
    })
    gateway = await startGatewayProcess(join(folder, 'gateway.yaml'))
    const ledger = new Ledger()
    const traffic = new Traffic({ ...clients, port: gateway.port, ledger })
    return await new Soak({ folder, upstream, gateway, ledger, traffic, seconds, report }).run()
  } finally {
    gateway?.kill()
    await upstream.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface SoakNeeds {
  readonly folder: string
  readonly upstream: CountingUpstream
  readonly gateway: GatewayProcess
  readonly ledger: Ledger
  readonly traffic: Traffic
  readonly seconds: number
  readonly report: (line: string) => void
}

interface Sample {
  /** Minutes. */
  readonly at: number
  readonly memory: LiveMemory
}

class Soak {
  private readonly needs: SoakNeeds
  private readonly whitelist: string
  private readonly good: string
  private reloads = 0
  private faults = 0

  constructor(needs: SoakNeeds) {
    this.needs = needs
    this.whitelist = join(needs.folder, 'whitelist/partner.yaml')
    this.good = readFileSync(this.whitelist, 'utf8')
  }

  async run(): Promise<SoakReport> {
    const { seconds, gateway, traffic, ledger } = this.needs
    // everything that will happen has happened once: what is opened or filled once is then there
    const warmUntil = Date.now() + Math.min(5, seconds / 4) * 1000
    const warm = traffic.run(() => Date.now() < warmUntil)
    await this.reload('{{{{', 'the new configuration is refused')
    await this.reload(`${this.good}# warm\n`, 'configuration reloaded')
    await warm
    const idle = await this.quiet()
    const before = await gateway.memory()

    const samples: Sample[] = [{ at: 0, memory: before }]
    const startedAt = Date.now()
    const isWanted = (): boolean =>
      Date.now() - startedAt < seconds * 1000 ||
      ledger.sent < least.sent ||
      ledger.permittedWrites < least.permittedWrites ||
      this.reloads < least.reloads ||
      this.faults < least.faults
    await Promise.all([traffic.run(isWanted), this.disturb(isWanted), this.sample(isWanted, samples)])

    await this.reload(this.good, 'configuration reloaded')
    const left = await this.leftOver(idle)
    const memory = await gateway.memory()
    samples.push({ at: (Date.now() - startedAt) / 60_000, memory })
    const end = gateway.descriptors()
    return this.result({ idle, end, left, samples, exitCode: await gateway.stop() })
  }

  /** Writes the whitelist as an editor would, and waits until the gateway has judged it. */
  private async reload(text: string, outcome: string): Promise<void> {
    const told = this.needs.gateway.logs(outcome)
    this.write(text)
    await told
  }

  private write(text: string): void {
    writeFileSync(`${this.whitelist}.new`, text)
    renameSync(`${this.whitelist}.new`, this.whitelist)
  }

  /** Nobody is connected any more, on either side, and nothing changes. */
  private async quiet(): Promise<Descriptors> {
    const { gateway, upstream } = this.needs
    const until = Date.now() + patienceMs
    let before: Descriptors = new Map()
    while (Date.now() < until) {
      upstream.breakConnections()
      await pause(500)
      const now = gateway.descriptors()
      const isStill = leftOver(now, before).length === 0 && leftOver(before, now).length === 0
      if (isStill && connectionsOf(now) === 0) break
      before = now
    }
    return before
  }

  private async leftOver(idle: Descriptors): Promise<string[]> {
    const { gateway, upstream } = this.needs
    const until = Date.now() + patienceMs
    let left = ['nothing was counted']
    while (left.length > 0 && Date.now() < until) {
      upstream.breakConnections()
      await pause(100)
      left = leftOver(gateway.descriptors(), idle)
    }
    return left
  }

  /** Reloads, good and bad, and an upstream that breaks, all along. */
  private async disturb(isWanted: () => boolean): Promise<void> {
    for (let turn = 0; isWanted(); turn += 1) {
      await pause(700)
      this.reloads += 1
      this.write(turn % 3 === 0 ? '{{{{' : `${this.good}# ${turn}\n`)
      if (turn % 5 !== 4) continue
      this.faults += 1
      this.needs.upstream.breakConnections()
    }
  }

  private async sample(isWanted: () => boolean, samples: Sample[]): Promise<void> {
    const { seconds, gateway, ledger, report } = this.needs
    const everyMs = Math.max(1_000, (seconds * 1_000) / 20)
    const startedAt = Date.now()
    while (isWanted()) {
      await pause(everyMs)
      const memory = await gateway.memory()
      const elapsed = Date.now() - startedAt
      samples.push({ at: elapsed / 60_000, memory })
      report(
        `${Math.round(elapsed / 1000)} s: ${ledger.sent} requests, ${mb(memory.live)} MB live, ${mb(memory.rss)} MB resident`,
      )
    }
  }

  private result({
    idle,
    end,
    left,
    samples,
    exitCode,
  }: {
    readonly idle: Descriptors
    readonly end: Descriptors
    readonly left: readonly string[]
    readonly samples: readonly Sample[]
    readonly exitCode: number | string
  }): SoakReport {
    const { upstream, seconds, ledger } = this.needs
    const first = samples[0]?.memory ?? { live: 0, rss: 0 }
    const last = samples.at(-1)?.memory ?? { live: 0, rss: 0 }
    const problems = ledger.differences(upstream.seen)
    for (const kind of left) problems.push(`left over: ${kind}`)
    if (last.live - first.live > allowedGrowth.live)
      problems.push(`${mb(last.live - first.live)} MB are held that were not before`)
    if (last.rss - first.rss > allowedGrowth.rss)
      problems.push(`the process grew by ${mb(last.rss - first.rss)} MB`)
    if (exitCode !== 0) problems.push(`the gateway ended with ${exitCode}`)
    const { sent, answered, aborted, broken, byStatus, permitted, permittedWrites } = ledger
    return {
      seconds,
      sent,
      answered,
      aborted,
      broken,
      byStatus,
      permitted,
      permittedWrites,
      upstreamRequests: [...upstream.seen.values()].reduce((sum, count) => sum + count, 0),
      reloads: this.reloads,
      upstreamFaults: this.faults,
      liveMb: { afterWarmUp: mb(first.live), end: mb(last.live), slopePerMinute: slopeOf(samples) },
      rssMb: { afterWarmUp: mb(first.rss), end: mb(last.rss) },
      descriptors: { idle: countOf(idle), end: countOf(end) },
      exitCode,
      problems,
    }
  }
}

function mb(bytes: number): number {
  return Number((bytes / megabyte).toFixed(1))
}

/** Least squares over what is live. @returns MB a minute */
function slopeOf(samples: readonly Sample[]): number {
  const count = samples.length
  const meanAt = samples.reduce((sum, { at }) => sum + at, 0) / count
  const mean = samples.reduce((sum, { memory }) => sum + memory.live, 0) / count
  const over = samples.reduce((sum, { at, memory }) => sum + (at - meanAt) * (memory.live - mean), 0)
  const under = samples.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0)
  return under === 0 ? 0 : mb(over / under)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
