import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The requests of one connection that wait for their turn. */
interface Line {
  latest: ServerResponse | undefined
  readonly waiting: Set<() => void>
}

// nobody waits for more: each costs 5 kB, and nothing but this would end them
const mostWaiting = 64

const lines = new WeakMap<Socket, Line>()

/**
 * Waits until every earlier request of this connection has been answered; false where the connection
 * takes no further one, so that nothing is to be done for this one either. A promise only where there is
 * something to wait for.
 *
 * Node hands pipelined requests over at once: two writes of one client would reach the upstream in
 * any order, and what follows a request refused with `Connection: close` would still be served,
 * though where it begins is the very thing in doubt. A connection with more of them than anybody
 * needs is closed.
 *
 * @see RFC 9112 sections 9.3.2 and 9.6
 */
export function awaitTurn(request: IncomingMessage, response: ServerResponse): boolean | Promise<boolean> {
  const { socket } = request
  const line = lineOf(socket)
  const before = line.latest
  line.latest = response
  if (before !== undefined && !before.closed && !socket.destroyed) {
    if (line.waiting.size < mostWaiting) return closed(before, line).then(() => isOpen(socket))
    socket.destroy()
  }
  return isOpen(socket)
}

/** Lets go of an answer that is out: a connection that waits for its next request keeps nothing of the last one. */
export function endTurn(socket: Socket, response: ServerResponse): void {
  const line = lines.get(socket)
  if (line?.latest === response && response.closed) line.latest = undefined
}

/** Whether an answer can still be given on this connection. */
export function isOpen(socket: Socket): boolean {
  return socket.writable
}

// a response that never had its turn is not closed with its connection
function lineOf(socket: Socket): Line {
  const known = lines.get(socket)
  if (known !== undefined) return known
  const line: Line = { latest: undefined, waiting: new Set() }
  lines.set(socket, line)
  socket.once('close', () => {
    for (const done of [...line.waiting]) done()
  })
  return line
}

function closed(response: ServerResponse, { waiting }: Line): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('close', done)
      waiting.delete(done)
      resolve()
    }
    response.on('close', done)
    waiting.add(done)
  })
}
