import type { Socket } from 'node:net'
import { LiveList } from '../core/live-list.js'
import type { DenialReason } from '../core/reasons.js'
import type { Peer } from '../tls/peer.js'
import type { Identity } from './identity.js'
import type { Policy } from './policy.js'
import { judgeStanding, type StandingQuestion } from './standing.js'

/** Open connections whose certificate is no longer welcome. */
export interface LostStanding {
  readonly environment: string
  readonly identity: Identity
  /** Undefined where the judgement itself broke. */
  readonly reason: DenialReason | undefined
  readonly connections: number
}

interface ConnectionsOptions {
  readonly policy: () => Policy
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly isRevoked: StandingQuestion['isRevoked']
  readonly onLost: (lost: LostStanding) => void
  readonly onError: (error: unknown) => void
}

interface Connection {
  underWay: number
  /** To be closed once nothing is under way. */
  isLeaving: boolean
}

/** One certificate in one environment, with its open connections. */
interface Holder {
  readonly environment: string
  readonly identity: Identity
  peer: Peer
  readonly sockets: LiveList<Socket>
  isWelcome: boolean
  changesAt: number
}

// a request already on its way is still told why it is refused; with the heartbeat, within the second
const graceMs = 250
// a judgement under a new policy checks signatures again: about 150 µs, so that a turn takes some 5 ms
const judgedPerTurn = 32

/**
 * The open connections by the certificate they were opened with, so that those of a certificate that is
 * no longer welcome are closed within a second, and no other one is touched.
 *
 * This closes doors behind requests that are refused anyway: each request is judged by itself.
 */
export class Connections {
  private readonly options: ConnectionsOptions
  private readonly holders = new Map<string, Holder>()
  private readonly open = new WeakMap<Socket, Connection>()
  /** The first instant at which the standing of anybody may change. */
  private nextInstant = Infinity
  private turn: NodeJS.Immediate | undefined

  constructor(options: ConnectionsOptions) {
    this.options = options
  }

  /** Takes in a connection whose certificate could be read. */
  add(socket: Socket, whose: { environment: string; identity: Identity; peer: Peer }): void {
    if (socket.destroyed) return
    const { environment, identity, peer } = whose
    const key = `${environment} ${identity.certificate.sha256}`
    let holder = this.holders.get(key)
    if (holder === undefined) {
      holder = {
        environment,
        identity,
        peer: lasting(peer),
        sockets: new LiveList(),
        isWelcome: false,
        changesAt: Infinity,
      }
      this.holders.set(key, holder)
      this.losesStanding(holder)
      this.nextInstant = Math.min(this.nextInstant, holder.changesAt)
    } else if (holder.peer.resumed && !peer.resumed) {
      // a resumed session brings no intermediates, a whole handshake does
      holder.peer = lasting(peer)
    }
    const { sockets } = holder
    const place = sockets.add(socket)
    this.open.set(socket, { underWay: 0, isLeaving: false })
    socket.once('close', () => {
      this.open.delete(socket)
      sockets.remove(place)
      if (sockets.size === 0) this.holders.delete(key)
    })
  }

  /** A request came in. @returns whether it is the last one of its connection */
  began(socket: Socket): boolean {
    const connection = this.open.get(socket)
    if (connection === undefined) return false
    connection.underWay += 1
    return connection.isLeaving
  }

  /** Its answer is out. */
  finished(socket: Socket): void {
    const connection = this.open.get(socket)
    if (connection === undefined) return
    connection.underWay -= 1
    if (connection.isLeaving) {
      setTimeout(() => {
        this.leave(socket)
      }, graceMs).unref()
    }
  }

  /** A new policy is in force: everybody is looked at again. */
  review(): void {
    for (const holder of this.holders.values()) holder.changesAt = -Infinity
    this.nextInstant = -Infinity
    this.tick()
  }

  /** Looks at those whose standing time may have changed; nearly always there is none. */
  tick(): void {
    const now = this.options.now()
    if (now < this.nextInstant || this.turn !== undefined) return
    let judged = 0
    let next = Infinity
    for (const holder of this.holders.values()) {
      if (holder.changesAt <= now && judged < judgedPerTurn) {
        judged += 1
        if (this.losesStanding(holder)) this.dismiss(holder)
      }
      next = Math.min(next, holder.changesAt)
    }
    this.nextInstant = next
    if (next > now) return
    this.turn = setImmediate(() => {
      this.turn = undefined
      this.tick()
    })
  }

  /** Judges it anew. @returns whether it was welcome until now, and is no more */
  private losesStanding(holder: Holder): boolean {
    const { environment: name, identity, peer, isWelcome: wasWelcome } = holder
    const now = this.options.now()
    let reason: DenialReason | undefined
    holder.isWelcome = false
    holder.changesAt = Infinity
    try {
      const { isRevoked } = this.options
      const policy = this.options.policy()
      const environment = policy.environments.get(name)
      if (environment !== undefined) {
        const { lost, changesAt } = judgeStanding({ identity, peer, environment, policy, isRevoked }, now)
        reason = lost
        holder.isWelcome = lost === undefined
        holder.changesAt = changesAt
      }
    } catch (error) {
      this.options.onError(error)
    }
    if (!wasWelcome || holder.isWelcome) return false
    this.options.onLost({ environment: name, identity, reason, connections: holder.sockets.size })
    return true
  }

  private dismiss(holder: Holder): void {
    const leaving = [...holder.sockets]
    for (const socket of leaving) this.mark(socket, true)
    setTimeout(() => {
      for (const socket of leaving) {
        // taken back meanwhile: the operator mended the list
        if (holder.isWelcome) this.mark(socket, false)
        else this.leave(socket)
      }
    }, graceMs).unref()
  }

  private mark(socket: Socket, isLeaving: boolean): void {
    const connection = this.open.get(socket)
    if (connection !== undefined) connection.isLeaving = isLeaving
  }

  private leave(socket: Socket): void {
    const connection = this.open.get(socket)
    if (connection?.isLeaving !== true || connection.underWay > 0) return
    // what has been written still goes out
    socket.destroySoon()
  }
}

// with all that was presented, read while its connection stands: others may outlive it
function lasting(peer: Peer): Peer {
  return { ...peer }
}
