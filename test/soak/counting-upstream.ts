import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** An upstream that counts what reaches it. */
export interface CountingUpstream {
  readonly origin: string
  /** How often each target came in, by method and target. */
  readonly seen: ReadonlyMap<string, number>
  /** Resets every connection, whatever is under way on it. */
  breakConnections(): void
  close(): Promise<void>
}

export async function startCountingUpstream(): Promise<CountingUpstream> {
  const seen = new Map<string, number>()
  const open = new Set<Socket>()
  const server = createServer((request, response) => {
    const url = request.url ?? ''
    const key = `${request.method} ${url}`
    seen.set(key, (seen.get(key) ?? 0) + 1)
    request.resume()
    request.once('end', () => {
      if (url.includes('slow')) setTimeout(() => response.end('late'), 50)
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
    seen,
    breakConnections: () => {
      for (const socket of open) socket.resetAndDestroy()
    },
    close: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
