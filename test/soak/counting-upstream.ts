import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** An upstream that counts what reaches it, each write by its own target. */
export interface CountingUpstream {
  readonly origin: string
  writes(): number
  /** Writes that came in, and whose answer was then broken off. */
  brokenWrites(): number
  repeatedWrites(): number
  /** Requests that a right gateway lets nobody send. */
  forbidden(): number
  /** Resets every connection, whatever is under way on it. */
  breakConnections(): void
  close(): Promise<void>
}

export async function startCountingUpstream(): Promise<CountingUpstream> {
  const writes = new Map<string, number>()
  const open = new Set<Socket>()
  const underWay = new Map<ServerResponse, string>()
  let forbidden = 0
  let broken = 0
  const server = createServer((request, response) => {
    const url = request.url ?? ''
    if (url.includes('forbidden')) forbidden += 1
    if (request.method === 'PATCH') writes.set(url, (writes.get(url) ?? 0) + 1)
    underWay.set(response, request.method ?? '')
    response.once('close', () => {
      underWay.delete(response)
    })
    request.resume()
    request.once('end', () => {
      if (url.endsWith('?slow')) setTimeout(() => response.end('late'), 50)
      else response.end('ok')
    })
  })
  server.keepAliveTimeout = 60_000
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => {
      open.delete(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a listening TCP server has one
  return {
    origin: `http://127.0.0.1:${port}`,
    writes: () => writes.size,
    brokenWrites: () => broken,
    repeatedWrites: () => [...writes.values()].filter((count) => count > 1).length,
    forbidden: () => forbidden,
    breakConnections: () => {
      // an answer handed to the system a moment ago may be lost by the reset too
      broken += open.size + [...underWay.values()].filter((method) => method === 'PATCH').length
      for (const socket of open) socket.resetAndDestroy()
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
