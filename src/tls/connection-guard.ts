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

interface Handshake {
  readonly ends: string
  readonly socket: Socket
  readonly address: string
  readonly since: number
}

/**
 * Open connections by client address, and handshakes under way.
 *
 * Where too many handshakes are under way, one gives way to a new one, so that clients who never finish
 * theirs keep nobody out: the oldest of the address that has most of them. It goes at once where the new one
 * comes from an address that has fewer, and otherwise if it has taken long; where it has not, all are at work
 * already, and the new one is turned away.
 */
export class ConnectionGuard {
  readonly #options: GuardOptions
  readonly #byAddress = new Map<string, number>()
  /** Since when, oldest first; by the two ends, as the TLS socket will say them too. */
  readonly #handshakes = new Map<string, Handshake>()
  /** Handshakes under way by client address. */
  readonly #underWay = new Map<string, number>()

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
    if (this.#handshakes.size >= this.#options.handshakes && !this.#makeRoomFor(address)) return false
    const ends = endsOf(socket)
    add(this.#byAddress, address, 1)
    this.#handshakes.set(ends, { ends, socket, address, since: performance.now() })
    add(this.#underWay, address, 1)
    socket.once('close', () => {
      this.#ended(ends)
      add(this.#byAddress, address, -1)
    })
    return true
  }

  /** Its handshake has come to its end. */
  secured(socket: Socket): void {
    this.#ended(endsOf(socket))
  }

  #ended(ends: string): void {
    const handshake = this.#handshakes.get(ends)
    if (handshake === undefined) return
    this.#handshakes.delete(ends)
    add(this.#underWay, handshake.address, -1)
  }

  /** Ends the handshakes under way: whoever never finishes one holds up no stop. */
  close(): void {
    for (const { socket } of this.#handshakes.values()) socket.destroy()
  }

  #makeRoomFor(newcomer: string): boolean {
    this.#options.onLimit?.('handshakes')
    let most = 0
    for (const count of this.#underWay.values()) if (count > most) most = count
    const oldest = this.#oldestOf(most)
    if (oldest === undefined) return false
    const isHeavier = most > (this.#underWay.get(newcomer) ?? 0) + 1
    if (!isHeavier && performance.now() - oldest.since < slowMs) return false
    this.#ended(oldest.ends)
    oldest.socket.destroy()
    return true
  }

  /** The oldest of an address that has this many. */
  #oldestOf(count: number): Handshake | undefined {
    for (const handshake of this.#handshakes.values())
      if (this.#underWay.get(handshake.address) === count) return handshake
    return undefined
  }
}

function add(counts: Map<string, number>, address: string, change: 1 | -1): void {
  const count = (counts.get(address) ?? 0) + change
  if (count > 0) counts.set(address, count)
  else counts.delete(address)
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
