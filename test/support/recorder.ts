import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { readMessage, type HttpMessage } from './http-message.js'

/** A request as it came over the wire. */
export interface RecordedRequest extends HttpMessage {
  /** For answers in pieces, or for breaking off. */
  readonly socket: Socket
  /** 0 for the first connection. */
  readonly connection: number
}

/**
 * What the recorder answers: raw bytes, or nothing (the test goes on by itself through `socket`).
 * A text is written as latin1.
 */
export type Script = (request: RecordedRequest) => string | Buffer | undefined

/** PEM; with `clientCa`, connections without a client certificate of it are refused. */
export interface RecorderTls {
  readonly cert: string
  readonly key: string
  readonly clientCa?: string
}

export interface RecorderOptions {
  readonly answer?: Script
  /** Plain TCP where absent. */
  readonly tls?: RecorderTls
  /** Any free one unless given. */
  readonly port?: number
}

/** An upstream that keeps every byte it is sent. */
export interface Recorder {
  readonly port: number
  readonly origin: string
  /** Whole requests, in the order in which they were complete. */
  readonly requests: RecordedRequest[]
  /** Bytes of each connection, whole requests or not (latin1). */
  readonly connections: { text: string; readonly socket: Socket; readonly closed: Promise<void> }[]
  /** What was read that is no HTTP request: empty unless something was smuggled. */
  readonly oddities: string[]
  answer: Script
  /** The request of this index, once it is there. */
  request(index: number): Promise<RecordedRequest>
  close(): Promise<void>
}

/** 200 with a small body. */
export const plainAnswer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** An upstream of raw sockets on a port of its own: exact bytes in, scripted bytes out. */
export async function startRecorder(options: RecorderOptions = {}): Promise<Recorder> {
  const waiting: { index: number; resolve: (request: RecordedRequest) => void }[] = []
  const onSocket = (socket: Socket): void => {
    const index = recorder.connections.length
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => {
        resolve()
      })
    })
    const connection = { text: '', socket, closed }
    recorder.connections.push(connection)
    let rest = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      connection.text += chunk.toString('latin1')
      rest += chunk.toString('latin1')
      for (;;) {
        let message: HttpMessage | undefined
        try {
          message = readMessage(rest, { kind: 'request' })
        } catch (error) {
          recorder.oddities.push(String(error))
          rest = ''
          return
        }
        if (message === undefined) return
        rest = rest.slice(message.raw.length)
        const request = { ...message, socket, connection: index }
        recorder.requests.push(request)
        for (const each of waiting) {
          if (each.index === recorder.requests.length - 1) each.resolve(request)
        }
        const answer = recorder.answer(request)
        if (answer !== undefined && socket.writable) socket.write(answer, 'latin1')
      }
    })
  }
  const server =
    options.tls === undefined ? createServer(onSocket) : createTlsServer(tlsOptions(options.tls), onSocket)
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a listening TCP server has one
  const recorder: Recorder = {
    port,
    origin: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests: [],
    connections: [],
    oddities: [],
    answer: options.answer ?? (() => plainAnswer),
    request: (index) => {
      const there = recorder.requests[index]
      if (there !== undefined) return Promise.resolve(there)
      return new Promise((resolve) => waiting.push({ index, resolve }))
    },
    close: async () => {
      for (const { socket } of recorder.connections) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
  return recorder
}

function tlsOptions({ cert, key, clientCa }: RecorderTls): TlsOptions {
  if (clientCa === undefined) return { cert, key }
  return { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true }
}
