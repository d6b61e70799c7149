import { isIPv6, type Socket } from 'node:net'

/** What a connection can be turned away by before anything is known of it but its address. */
export type ConnectionLimit = 'connectionsPerAddress' | 'handshakes'

interface GuardOptions {
  readonly connectionsPerAddress: number
  /** Under way at a time. */
  readonly handshakes: number
  readonly onLimit?: (limit: ConnectionLimit) => void
}

/** Of a handshake that may still take its time while others wait. */
const slowMs = 1_000

/**
 * Open connections by client address, and handshakes under way.
 *
 * Where too many handshakes are under way, the one that has taken longest gives way to a new one, so that
 * clients who never finish theirs keep nobody out; where none takes long, all are at work already, and
 * the new one is turned away.
 */
export class ConnectionGuard {
  readonly #options: GuardOptions
  readonly #byAddress = new Map<string, number>()
  /** Since when, oldest first; by the two ends, as the TLS socket will say them too. */
  readonly #handshakes = new Map<string, { readonly socket: Socket; readonly since: number }>()

  constructor(options: GuardOptions) {
    this.#options = options
  }

  /** @returns whether it may stay */
  accept(socket: Socket): boolean {
    const address = addressGroup(socket.remoteAddress ?? '')
    const open = this.#byAddress.get(address) ?? 0
    if (open >= this.#options.connectionsPerAddress) {
      this.#options.onLimit?.('connectionsPerAddress')
      return false
    }
    if (this.#handshakes.size >= this.#options.handshakes && !this.#makeRoom()) return false
    const ends = endsOf(socket)
    this.#byAddress.set(address, open + 1)
    this.#handshakes.set(ends, { socket, since: performance.now() })
    socket.once('close', () => {
      this.#handshakes.delete(ends)
      const left = (this.#byAddress.get(address) ?? 1) - 1
      if (left === 0) this.#byAddress.delete(address)
      else this.#byAddress.set(address, left)
    })
    return true
  }

  /** Its handshake has come to its end. */
  secured(socket: Socket): void {
    this.#handshakes.delete(endsOf(socket))
  }

  /** Ends the handshakes under way: whoever never finishes one holds up no stop. */
  close(): void {
    for (const { socket } of this.#handshakes.values()) socket.destroy()
  }

  #makeRoom(): boolean {
    this.#options.onLimit?.('handshakes')
    const [oldest] = this.#handshakes
    if (oldest === undefined || performance.now() - oldest[1].since < slowMs) return false
    this.#handshakes.delete(oldest[0])
    oldest[1].socket.destroy()
    return true
  }
}

function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}

/**
 * The address itself, or the /64 that an IPv6 address stands in: whoever has one has all of it.
 *
 * @see RFC 4291 section 2.2
 */
export function addressGroup(address: string): string {
  if (!isIPv6(address)) return address
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [before = '', after] = address.replace(/%.*$/, '').split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const middle = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0')
  return `${[...head, ...middle, ...tail].slice(0, 4).join(':')}::/64`
}
