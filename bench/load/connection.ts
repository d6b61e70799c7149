import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { MessageCutter } from './head.js'
import type { Destination } from './protocol.js'

/** The same protocol, cipher and curve with everybody, whatever each would choose. */
export function optionsOf({ port, client, rootPem, host }: Destination): ConnectionOptions {
  return {
    host: '127.0.0.1',
    port,
    servername: host,
    ca: rootPem,
    ...(client !== undefined && { cert: client.chainPem, key: client.keyPem }),
    minVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_256_GCM_SHA384',
    ecdhCurve: 'X25519',
  }
}

/** One connection, with one request at a time on it. */
export class Connection {
  readonly socket: TLSSocket
  /** The server takes no further request on it. */
  isOver = false
  #answer: ((status: number) => void) | undefined
  #fail: ((error: Error) => void) | undefined

  private constructor(socket: TLSSocket) {
    this.socket = socket
    socket.setNoDelay(true)
    const cutter = new MessageCutter((head) => {
      if (/\r\nconnection: *close/i.test(head)) this.isOver = true
      const answer = this.#answer
      this.#answer = undefined
      this.#fail = undefined
      answer?.(Number(head.slice(9, 12)))
    })
    socket.on('data', (chunk: Buffer) => {
      cutter.take(chunk)
    })
    socket.on('error', (error: Error) => this.#fail?.(error))
    socket.once('end', () => {
      this.isOver = true
    })
    socket.once('close', () => {
      this.isOver = true
      this.#fail?.(new Error('the connection was closed before the answer'))
    })
  }

  /** Resolves when the handshake is over on this side. */
  static open(options: ConnectionOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(options)
      socket.once('error', reject)
      socket.once('secureConnect', () => {
        socket.off('error', reject)
        resolve(new Connection(socket))
      })
    })
  }

  /** Sends a request. Resolves to the status of its answer, once it is whole. */
  ask(request: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#answer = resolve
      this.#fail = reject
      this.socket.write(request)
    })
  }

  close(): void {
    this.socket.destroy()
  }
}
