import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { hearServerName } from './client-hello.js'

export interface SharedAddressOptions {
  /** Undefined: the server's own. */
  readonly contextOf: (serverName: string) => SecureContext | undefined
  /** How long a connection may take to say its name. */
  readonly timeoutMs: number
  /** A connection that ended before, or took too long. */
  readonly onSilent: (error: Error) => void
}

/** Connections that have not said their name yet. */
export interface Hearing {
  close(): void
}

/**
 * Lets the server name of each connection choose its whole context, before the handshake begins.
 *
 * Node's `SNICallback` adds the one current certificate of the chosen context to those of the
 * server's own: where the kinds of their keys differ, a client of one environment is shown the
 * certificate of another. Here a connection is heard first, and its bytes are put back for the
 * handshake; the rest is Node's own way with a connection.
 */
export function hearServerNames(server: HttpsServer, options: SharedAddressOptions): Hearing {
  const [accept, ...others] = server.listeners('connection')
  if (accept === undefined || others.length > 0 || Reflect.get(server, credentials) === undefined)
    throw new Error('this Node keeps the TLS context of a server elsewhere')
  server.removeAllListeners('connection')
  const waiting = new Set<Socket>()

  const begin = (socket: Socket, name: string | undefined): void => {
    const own: unknown = Reflect.get(server, credentials)
    const chosen = name === undefined ? undefined : options.contextOf(name)
    Reflect.set(server, credentials, chosen ?? own)
    try {
      Reflect.apply(accept, server, [socket])
    } finally {
      Reflect.set(server, credentials, own)
    }
  }

  server.on('connection', (socket: Socket) => {
    waiting.add(socket)
    hear(socket, options, (name) => {
      waiting.delete(socket)
      if (!socket.destroyed) begin(socket, name)
    })
  })
  return {
    close: () => {
      for (const socket of waiting) socket.destroy()
    },
  }
}

// where Node keeps what `setSecureContext` made, and looks when a connection comes
const credentials = '_sharedCreds'

/** Calls back once: with the name, if there is one, and every byte put back; or with the socket destroyed. */
function hear(
  socket: Socket,
  { timeoutMs, onSilent }: SharedAddressOptions,
  heard: (name: string | undefined) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0)
  const timer = setTimeout(() => {
    const late = new Error(`no server name in ${timeoutMs} ms`)
    giveUp(Object.assign(late, { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' }))
  }, timeoutMs)
  const listen = (): void => {
    for (let chunk = read(socket); chunk !== undefined; chunk = read(socket)) {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    }
    const found = hearServerName(bytes)
    if (!found.isWhole) return
    stop()
    socket.unshift(bytes)
    heard(found.name)
  }
  const giveUp = (error?: Error): void => {
    stop()
    socket.on('error', () => undefined)
    socket.destroy()
    onSilent(error ?? new Error('the connection ended before its handshake began'))
    heard(undefined)
  }
  const leave = (): void => {
    giveUp()
  }
  const stop = (): void => {
    clearTimeout(timer)
    socket.off('readable', listen).off('error', giveUp).off('end', leave).off('close', leave)
  }
  socket.on('readable', listen).on('error', giveUp).on('end', leave).on('close', leave)
}

function read(socket: Socket): Buffer | undefined {
  const chunk: unknown = socket.read()
  return Buffer.isBuffer(chunk) ? chunk : undefined
}
