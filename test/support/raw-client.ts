import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { readMessage, type HttpMessage } from './http-message.js'

export interface RawAnswer extends HttpMessage {
  readonly status: number
}

/** A client that sends exactly the bytes it is given. */
export interface RawClient {
  readonly socket: Socket
  /** What came and was not taken as an answer yet (latin1). */
  readonly pending: () => string
  /** A text is sent as latin1. */
  send(bytes: string | Uint8Array): void
  /**
   * The next answer, whole.
   *
   * @throws Error where the connection ends before that
   */
  answer(rule?: { readonly isHead?: boolean }): Promise<RawAnswer>
  /** Resolves when the pending text holds this. */
  until(text: string): Promise<void>
  readonly closed: Promise<void>
  destroy(): void
}

/** Connects to a port of this machine; with TLS where its options are given. */
export async function openRaw(port: number, tls?: ConnectionOptions): Promise<RawClient> {
  const socket =
    tls === undefined
      ? connectTcp({ port, host: '127.0.0.1' })
      : connectTls({ port, host: '127.0.0.1', ...tls })
  let pending = ''
  let isEnded = false
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of [...listeners]) listener()
  }
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1')
    tell()
  })
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isEnded = true
      tell()
      resolve()
    })
  })
  await Promise.race([once(socket, tls === undefined ? 'connect' : 'secureConnect'), closed])

  // resolves with what `look` finds, looking again whenever something came or the connection ended
  const watch = <Found>(look: () => Found | undefined): Promise<Found> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        try {
          const found = look()
          if (found === undefined && !isEnded) return
          listeners.delete(check)
          if (found !== undefined) resolve(found)
          else reject(new Error(`the connection ended after ${JSON.stringify(pending.slice(0, 300))}`))
        } catch (error) {
          listeners.delete(check)
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      listeners.add(check)
      check()
    })

  return {
    socket,
    pending: () => pending,
    send: (bytes) => {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    },
    answer: ({ isHead = false } = {}) =>
      watch(() => {
        const message = readMessage(pending, { kind: 'response', isHead, isEnded })
        if (message === undefined) return undefined
        pending = pending.slice(message.raw.length)
        return { ...message, status: Number(message.startLine.split(' ')[1]) }
      }),
    until: async (text) => {
      await watch(() => (pending.includes(text) ? true : undefined))
    },
    closed,
    destroy: () => {
      socket.destroy()
    },
  }
}

/** One request on a connection of its own; the answer, and the connection is closed. */
export async function exchangeRaw(
  port: number,
  bytes: string | Uint8Array,
  tls?: ConnectionOptions,
): Promise<RawAnswer> {
  const client = await openRaw(port, tls)
  try {
    client.send(bytes)
    return await client.answer()
  } finally {
    client.destroy()
  }
}
