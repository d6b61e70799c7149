import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { FailureCode } from '../core/failure.js'
import { ReadMemory } from './body-memory.js'
import { ResponseParser, type AnswerSink } from './response-parser.js'

/** Where an upstream listens; `tls` where it speaks it: what is trusted and shown, and the name it must prove. */
export interface UpstreamAddress {
  readonly host: string
  readonly port: number
  readonly tls?: Required<Pick<ConnectionOptions, 'secureContext' | 'servername'>>
}

/** How a connection was lost under its request. */
export interface Loss {
  /**
   * `refused`: it never stood; `tls`: one side does not take the other for what it should be; `invalid`:
   * what came is no answer; `broken`: it ended before the answer did.
   */
  readonly kind: 'refused' | 'tls' | 'invalid' | 'broken'
  /** Whether it was kept from an earlier request and brought nothing: the upstream may have closed it meanwhile. */
  readonly isStale: boolean
  readonly cause: Error
}

/** What a request fails with whose connection is lost. */
export const codeOfLoss = {
  refused: 'upstream-refused',
  tls: 'upstream-tls',
  invalid: 'upstream-response-invalid',
  broken: 'upstream-broken',
} as const satisfies Record<Loss['kind'], FailureCode>

/** The request that has a connection to itself. */
export interface ConnectionUser extends AnswerSink {
  readonly isHead: boolean
  /** This one is its own from now on, whether it stands already or not. */
  onConnection(connection: UpstreamConnection): void
  /** It stands: the request can be written. */
  onConnected(connection: UpstreamConnection): void
  /** Everything that came at once has been told. */
  onRead(): void
  /** What was written has gone, after `write` returned false. */
  onDrain(): void
  /** Nothing more is told after this. */
  onLost(loss: Loss): void
}

/** What a pool is told of its connections. */
export interface ConnectionOwner {
  /** The answer is whole and the connection as good as new. */
  onFree(connection: UpstreamConnection): void
  onClosed(connection: UpstreamConnection): void
}

/**
 * One connection to an upstream, and the request that uses it.
 *
 * INVARIANT: it is kept for another request only where its request was wholly written, its answer
 * wholly read, and nothing followed; bytes that come while nobody uses it close it.
 */
export class UpstreamConnection {
  readonly socket: Socket
  /** When an unused one is let go, on the pool's clock. */
  idleUntil = 0
  readonly #owner: ConnectionOwner
  readonly #parser: ResponseParser
  readonly #memory = new ReadMemory()
  #user: ConnectionUser | undefined
  #isConnected = false
  /** Whether a connection that is being opened has come to its TLS handshake. */
  #isSecuring = false
  #isReused = false
  #hasReceived = false
  #isWritten = false
  #isWhole = false
  #error: NodeJS.ErrnoException | undefined

  constructor(address: UpstreamAddress, owner: ConnectionOwner) {
    const { host, port, tls } = address
    this.#owner = owner
    this.#parser = new ResponseParser({
      onHead: (head) => this.#user?.onHead(head),
      onBody: (piece) => this.#user?.onBody(piece),
      onWhole: () => {
        this.#isWhole = true
        this.#user?.onWhole()
      },
    })
    const onread = {
      buffer: () => this.#memory.next(),
      callback: (size: number, memory: Uint8Array) => {
        this.#onData(Buffer.from(memory.buffer, memory.byteOffset, size))
        return true
      },
    }
    this.socket =
      tls === undefined
        ? connectTcp({ host, port, noDelay: true, onread })
        : connectTls({ ...tls, host, port, ALPNProtocols: ['http/1.1'], ...{ onread } }) // taken as of TCP; not in its types
    if (tls !== undefined) {
      this.socket.setNoDelay(true)
      this.socket.once('connect', () => {
        this.#isSecuring = true
      })
    }
    this.socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      this.#isConnected = true
      this.#user?.onConnected(this)
    })
    this.socket.on('drain', () => this.#user?.onDrain())
    this.socket.on('error', (error) => {
      this.#error = error
    })
    this.socket.once('end', () => {
      this.#onEnd()
    })
    this.socket.once('close', () => {
      this.#lose('broken', this.#error ?? new Error('the upstream closed the connection'))
      owner.onClosed(this)
    })
  }

  /** What the upstream says of how long it keeps the connection, in seconds. */
  get keepAliveSeconds(): number | undefined {
    return this.#parser.keepAliveSeconds
  }

  get isOpen(): boolean {
    return this.socket.readable && this.socket.writable
  }

  /** Whether anything of an answer to the request at hand has come. */
  get hasReceived(): boolean {
    return this.#hasReceived
  }

  /** Gives the connection to a request; `onConnected` is called now where it stands already. */
  use(user: ConnectionUser): void {
    this.#user = user
    this.#hasReceived = false
    this.#isWritten = false
    this.#isWhole = false
    this.#parser.begin(user.isHead)
    user.onConnection(this)
    if (this.#isConnected) user.onConnected(this)
  }

  /** Leaves the memory of the pieces just told to the caller. @see ReadMemory.take */
  takeMemory(): (error?: Error | null) => void {
    return this.#memory.take()
  }

  /** The request is wholly written. */
  written(): void {
    this.#isWritten = true
    this.#settle()
  }

  /** Lets go of the request, and of the connection with it, whatever is under way. */
  destroy(): void {
    this.#user = undefined
    this.#parser.stop()
    this.socket.destroy()
  }

  #onData(chunk: Buffer): void {
    const user = this.#user
    if (user === undefined) {
      this.destroy()
      return
    }
    this.#hasReceived = true
    const problem = this.#parser.push(chunk)
    if (problem !== undefined) {
      this.#lose('invalid', new Error(problem))
      this.socket.destroy()
      return
    }
    user.onRead()
    this.#settle()
  }

  #onEnd(): void {
    const user = this.#user
    if (user === undefined) return
    const problem = this.#parser.finish()
    if (problem === undefined) {
      user.onRead()
      this.#settle()
    } else {
      this.#lose('broken', this.#error ?? new Error(problem))
    }
    this.socket.destroy()
  }

  // an answer that is whole before its request is leaves bytes under way that nobody will ask for
  #settle(): void {
    if (!this.#isWhole) return
    this.#isWhole = false
    this.#user = undefined
    const isReusable = this.#isWritten && this.#parser.isPersistent && this.socket.writableLength === 0
    if (!isReusable || !this.isOpen) {
      this.destroy()
      return
    }
    this.#isReused = true
    this.#memory.shrink()
    this.socket.resume()
    this.#owner.onFree(this)
  }

  #lose(kind: Loss['kind'], cause: Error): void {
    const user = this.#user
    if (user === undefined) return
    this.#user = undefined
    this.#parser.stop()
    const told = this.#told(kind)
    const isStale = this.#isReused && !this.#hasReceived && told === 'broken'
    user.onLost({ kind: told, isStale, cause })
  }

  #told(kind: Loss['kind']): Loss['kind'] {
    if (!this.#isConnected) return this.#isSecuring ? 'tls' : 'refused'
    // TLS 1.3 tells of a client certificate that is not taken once the handshake is over
    return this.#error?.code?.startsWith('ERR_SSL_') === true ? 'tls' : kind
  }
}
