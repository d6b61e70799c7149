import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))

const patienceMs = 120_000

/** The built program, as a process of its own. */
export interface Program {
  readonly process: ChildProcess
  stdout(): string
  stderr(): string
  /** Resolves when the standard output or error holds this. @throws after two minutes, or where the program ends */
  until(text: string): Promise<void>
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** Starts `ror-gateway` with these arguments. */
export function run(args: readonly string[], cwd?: string): Program {
  const child = spawn(process.execPath, [bin, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  let tell: () => void = () => undefined
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    tell()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    tell()
  })
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => {
    tell()
    return typeof code === 'number' ? code : String(signal)
  })
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    until: (text) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`waited in vain for \`${text}\`: ${stdout}${stderr}`))
        }, patienceMs)
        timer.unref()
        tell = () => {
          const isThere = stdout.includes(text) || stderr.includes(text)
          if (!isThere && child.exitCode === null) return
          clearTimeout(timer)
          if (isThere) resolve()
          else reject(new Error(`ended with ${child.exitCode}: ${stdout}${stderr}`))
        }
        tell()
      }),
    ended,
  }
}

/** Ports that were free a moment ago, each another. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports: number[] = []
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ports.push((server.address() as AddressInfo).port) // a listening TCP server has one
  }
  for (const server of servers) {
    server.close()
    await once(server, 'close')
  }
  return ports
}
