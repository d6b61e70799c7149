import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** How many descriptors of each kind a process holds: connections are told apart by side and by state. */
export type Descriptors = ReadonlyMap<string, number>

/** @throws where the process is gone */
export function openDescriptors(pid: number): Descriptors {
  const folder = `/proc/${pid}/fd`
  const links: string[] = []
  for (const name of readdirSync(folder)) {
    try {
      links.push(readlinkSync(`${folder}/${name}`))
    } catch {
      // closed since the folder was read
    }
  }
  // read after the links: a socket that is closed in between is then of an unknown state, never of a false one
  const sockets = tcpSockets(pid)
  const kinds = new Map<string, number>()
  for (const link of links) {
    const kind = sockets.get(link) ?? link.replace(/:\[\d+\]$/, '')
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  return kinds
}

/** The number that a process gives once it has opened this many more: the lowest ones come first. */
export function firstBeyond(pid: number, more: number): number {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number))
  let number = 0
  for (let free = 0; free <= more; number += 1) if (!taken.has(number)) free += 1
  return number - 1
}

/** What is open now and was not then, in words; empty where there is nothing. */
export function leftOver(now: Descriptors, then: Descriptors): string[] {
  return [...now]
    .map(([kind, count]): [string, number] => [kind, count - (then.get(kind) ?? 0)])
    .filter(([, more]) => more > 0)
    .map(([kind, more]) => `${more} × ${kind}`)
}

export function countOf(descriptors: Descriptors): number {
  return [...descriptors.values()].reduce((sum, count) => sum + count, 0)
}

/** TCP connections, whoever opened them; those that only listen are not among them. */
export function connectionsOf(descriptors: Descriptors): number {
  return [...descriptors]
    .filter(([kind]) => kind.startsWith('connection '))
    .reduce((sum, [, count]) => sum + count, 0)
}

const states: Readonly<Record<string, string>> = {
  '01': 'established',
  '02': 'syn sent',
  '04': 'fin wait 1',
  '05': 'fin wait 2',
  '08': 'close wait',
  '09': 'last ack',
  '0B': 'closing',
}

/** By link text. @see proc(5), `/proc/net/tcp` */
function tcpSockets(pid: number): Map<string, string> {
  const rows = readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => row.trim().split(/\s+/))
  const listening = new Set(rows.filter(([, , , state]) => state === '0A').map(([, local]) => portOf(local)))
  const found = new Map<string, string>()
  for (const [, local, remote, state = '', , , , , , inode] of rows) {
    const port = portOf(local)
    const kind =
      state === '0A'
        ? `listening on ${port}`
        : listening.has(port)
          ? `connection from a client to ${port}, ${states[state] ?? state}`
          : `connection to ${portOf(remote)}, ${states[state] ?? state}`
    found.set(`socket:[${inode}]`, kind)
  }
  return found
}

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':')[1] ?? '', 16)
}
