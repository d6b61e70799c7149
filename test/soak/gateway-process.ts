import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { firstBeyond, openDescriptors, type Descriptors } from './descriptors.js'
import type { LiveMemory } from './live-memory.js'

const bin = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))
const limits = { none: 0, all: 1_024 } as const
const patienceMs = 60_000
const liveMemory = new URL('live-memory.js', import.meta.url).href

/** The gateway as a process of its own, that can be asked what it holds. */
export interface GatewayProcess {
  readonly port: number
  descriptors(): Descriptors
  /** How many descriptors more it may open from now on; by `prlimit` of util-linux. */
  spare(descriptors: number | 'none' | 'all'): void
  /** Collects first. */
  memory(): Promise<LiveMemory>
  /** Resolves with the first log line from now on whose message holds this. @throws where the process ends before, and after a minute */
  logs(text: string): Promise<void>
  /** Stops its event loop for so long. */
  block(milliseconds: number): void
  signal(name: 'SIGHUP'): void
  /** Asks it to end. @returns the exit code, or the signal */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<number | string>
  kill(): void
}

/** Resolves once it listens. */
export async function startGatewayProcess(config: string): Promise<GatewayProcess> {
  const program = ['--expose-gc', '--import', liveMemory, bin, 'serve', '--config', config]
  const child = spawn(process.execPath, program, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  const { pid = 0 } = child
  const ended = once(child, 'close').then(([code, signal]: unknown[]) =>
    typeof code === 'number' ? code : String(signal),
  )
  const log = new LogLines(child)
  const listening = log.next('listening')
  const inForce = log.next('in force')
  try {
    const port = Number(/:(\d+)$/.exec(String((await listening)['listen']))?.[1])
    await inForce
    return {
      port,
      descriptors: () => openDescriptors(pid),
      spare: (descriptors) => {
        const most = typeof descriptors === 'number' ? firstBeyond(pid, descriptors) : limits[descriptors]
        execFileSync('prlimit', [`--nofile=${most}:`, '--pid', String(pid)])
      },
      memory: async () => {
        const answer = once(child, 'message')
        child.send('memory')
        const [memory] = (await answer) as [LiveMemory] // what live-memory.ts sends
        return memory
      },
      logs: async (text) => {
        await log.next(text)
      },
      block: (milliseconds) => {
        child.send(milliseconds)
      },
      signal: (name) => {
        child.kill(name)
      },
      stop: (signal = 'SIGTERM') => {
        child.kill(signal)
        return ended
      },
      kill: () => {
        child.kill('SIGKILL')
      },
    }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

class LogLines {
  private readonly waiting = new Set<{
    readonly text: string
    readonly found: (line: Readonly<Record<string, unknown>>) => void
    readonly lost: (error: Error) => void
  }>()
  private last = ''

  constructor(child: ChildProcess) {
    if (child.stderr === null) throw new Error('the log is read from a pipe')
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.last = line
      for (const wish of [...this.waiting]) {
        if (!line.includes(`"${wish.text}`)) continue
        this.waiting.delete(wish)
        wish.found(JSON.parse(line) as Record<string, unknown>) // an object, as the log writes
      }
    })
    child.once('close', (code) => {
      for (const { lost } of this.waiting) lost(new Error(`the gateway ended with ${code}: ${this.last}`))
    })
  }

  next(text: string): Promise<Readonly<Record<string, unknown>>> {
    return new Promise((found, lost) => {
      const wish = { text, found, lost }
      this.waiting.add(wish)
      setTimeout(() => {
        if (this.waiting.delete(wish)) lost(new Error(`waited in vain for \`${text}\`: ${this.last}`))
      }, patienceMs).unref()
    })
  }
}
