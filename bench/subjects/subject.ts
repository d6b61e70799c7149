import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { root } from '../../test/support/shared.js'
import type { Partner } from '../partners.js'
import type { Stage } from '../stage.js'

/** Work that a subject may do, or leave out. */
export type Work =
  /** Refuses a certificate that is not listed. */
  | 'whitelist'
  /** Refuses a capacity PATCH whose query names another's establishment. */
  | 'query-rule'
  /** Refuses a JSON body that names another's establishment. */
  | 'body-rule'

/** One of those that are measured, beside the others. */
export interface Subject {
  readonly name: string
  readonly does: readonly Work[]
  /** What it does not do that others do, as said beside its figures. */
  readonly leavesOut: string
  /** The workloads that it takes part in, where those are not all. */
  readonly only?: readonly string[]
  /** Entries of its list, where not as many as the workload says. */
  readonly entries?: number
  /** Its version; undefined where it is not installed. */
  version(): string | undefined
  start(setting: Setting): Promise<Running>
}

/** What a subject is started with. */
export interface Setting {
  readonly stage: Stage
  readonly partners: readonly Partner[]
  /** A folder of its own below the stage's. */
  readonly folder: string
  /** Free ports: the first for requests. */
  readonly ports: readonly [port: number, admin: number]
}

export interface Running {
  readonly pid: number
  readonly port: number
  /** Replaces the list, and has it read. Resolves at once. */
  reload?: (partners: readonly Partner[]) => void
  stop(): Promise<void>
}

/** A template of bench/rivals with every `{{name}}` replaced. */
export function filled(template: string, values: Readonly<Record<string, string | number>>): string {
  const text = readFileSync(join(root, 'bench', 'rivals', template), 'utf8')
  return text.replace(/\{\{([a-z-]+)\}\}/gi, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${template} wants \`${name}\``)
    return String(value)
  })
}

/** The first version number that a command prints; undefined where there is no such command. */
export function versionOf(command: string, ...args: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (error !== undefined) return undefined
  return /[0-9]+\.[0-9]+\.[0-9]+/.exec(stdout + stderr)?.[0]
}

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly port: number
  /** Where its standard output and error go. */
  readonly output: string
  readonly variables?: NodeJS.ProcessEnv
}

/**
 * Starts a process, and waits until its port takes connections.
 *
 * @throws Error with what it printed, where it ends instead
 */
export async function launch({ command, args, port, output, variables }: Launch): Promise<Running> {
  const file = openSync(output, 'w')
  const child = spawn(command, args, {
    stdio: ['ignore', file, file],
    env: { ...process.env, ...variables },
  })
  closeSync(file)
  living.add(child)
  child.once('exit', () => living.delete(child))
  await once(child, 'spawn')
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`${command} ended with ${child.exitCode}: ${readFileSync(output, 'utf8').slice(-2000)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { pid: child.pid ?? 0, port, stop: () => stopped(child) }
}

const living = new Set<ChildProcess>()
// a bench that is broken off leaves nobody behind
process.once('exit', () => {
  for (const child of living) child.kill('SIGTERM')
})

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await ended
  clearTimeout(patience)
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}
