import type { ServerResponse } from 'node:http'
import type { UpstreamConnection } from './upstream-connection.js'

/** Whose memory a piece of an answer stands in; undefined where its connection is let go of already. */
type Lender = Pick<UpstreamConnection, 'takeMemory'> | undefined

// up to here a copy costs less than new memory
const mostCopied = 8_192

/**
 * Writes a piece of an answer's body to the client.
 *
 * INVARIANT: the memory is the connection's: what waits to be written is a copy, or its memory is taken until it
 * is written.
 */
export function passBody(response: ServerResponse, body: Buffer, connection: Lender): void {
  if (body.length <= mostCopied || connection === undefined) response.write(Buffer.from(body))
  else response.write(body, connection.takeMemory())
}

/** The same for the last piece, with which the answer ends. */
export function endWithBody(response: ServerResponse, body: Buffer, connection: Lender): void {
  if (body.length <= mostCopied || connection === undefined) {
    response.end(Buffer.from(body))
    return
  }
  // left to the collector
  connection.takeMemory()
  response.end(body)
}
