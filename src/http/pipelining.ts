import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const latest = new WeakMap<Socket, ServerResponse>()

/**
 * Waits until every earlier request of this connection has been answered; false where the connection
 * takes no further one, so that nothing is to be done for this one either.
 *
 * Node hands pipelined requests over at once: two writes of one client would reach the upstream in
 * any order, and what follows a request refused with `Connection: close` would still be served,
 * though where it begins is the very thing in doubt.
 *
 * @see RFC 9112 sections 9.3.2 and 9.6
 */
export async function awaitTurn(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const { socket } = request
  const before = latest.get(socket)
  latest.set(socket, response)
  if (before !== undefined && !before.closed) await closed(before, socket)
  return isOpen(socket)
}

/** Whether an answer can still be given on this connection. */
export function isOpen(socket: Socket): boolean {
  return socket.writable
}

// a response that never had its turn is not closed with its connection
function closed(response: ServerResponse, socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('close', done)
      socket.off('close', done)
      resolve()
    }
    response.on('close', done)
    socket.on('close', done)
    if (socket.destroyed) done()
  })
}
