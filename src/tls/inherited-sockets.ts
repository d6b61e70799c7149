import { readFileSync, readlinkSync } from 'node:fs'

/** A listening TCP socket that whoever started this process opened before. */
export interface InheritedSocket {
  readonly fd: number
  readonly port: number
}

const firstDescriptor = 3
const listening = '0A'

/**
 * The sockets that a service manager handed over; none where it handed over none to this process.
 *
 * A port says which is which, so that one `.socket` unit with several `ListenStream` lines will do.
 *
 * @throws Error where a descriptor is no listening TCP socket
 * @see sd_listen_fds(3)
 */
export function inheritedSockets(
  variables: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly InheritedSocket[] {
  const { LISTEN_PID: owner, LISTEN_FDS: count } = variables
  // variables are inherited further than descriptors: those of a parent are not ours
  if (owner !== String(pid) || count === undefined) return []
  if (!/^\d{1,3}$/.test(count)) throw new Error(`LISTEN_FDS: expected a number, found \`${count}\``)
  const ports = listeningPorts()
  return Array.from({ length: Number(count) }, (_, index) => {
    const fd = firstDescriptor + index
    const port = ports.get(inodeOf(fd))
    if (port === undefined)
      throw new Error(`descriptor ${fd} was handed over, and is no listening TCP socket`)
    return { fd, port }
  })
}

function inodeOf(fd: number): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? ''
  } catch {
    return '' // not open: no socket
  }
}

/** Inode → port. @see proc_net_tcp in the kernel's documentation */
function listeningPorts(): ReadonlyMap<string, number> {
  const ports = new Map<string, number>()
  for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    for (const line of linesOf(table).slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state === listening && inode !== undefined)
        ports.set(inode, Number.parseInt(local.split(':')[1] ?? '', 16))
    }
  }
  return ports
}

// a kernel without IPv6 has no table of it
function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}
