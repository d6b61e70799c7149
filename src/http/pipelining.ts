import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const latest = new WeakMap<Socket, ServerResponse>()

/**
 * Waits until every earlier request of this connection has been answered.
 *
 * Node hands pipelined requests over at once: two writes of one client would reach the upstream in
 * any order, and a later one would be judged before an earlier one had its effect.
 *
 * @returns undefined where there is nothing to wait for, so that the ordinary request waits for no tick
 * @see RFC 9112 section 9.3.2
 */
export function earlierAnswer(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
  const before = latest.get(request.socket)
  latest.set(request.socket, response)
  if (before === undefined || before.closed || before.writableFinished) return undefined
  return once(before, 'close').then(() => undefined)
}
