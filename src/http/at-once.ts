import type { Socket } from 'node:net'

// up to here one copy costs less than a second write
const mostBytes = 49_152
// what is written has gone by the end of the call nearly always: then it is written over
let scratch = Buffer.allocUnsafeSlow(mostBytes)

/**
 * Writes a text and what follows it in one piece; false where it is too long for that, and nothing is written.
 *
 * INVARIANT: bytes that a socket has not taken yet are the socket's, and nobody writes over them.
 *
 * @param text - one character a byte
 */
export function writeAtOnce(socket: Socket, text: string, rest: readonly Uint8Array[]): boolean {
  let length = text.length
  for (const piece of rest) length += piece.length
  if (length > mostBytes) return false
  // TLS never has them by the end of the call
  const isShared = !('encrypted' in socket)
  const whole = isShared ? scratch.subarray(0, length) : Buffer.allocUnsafe(length)
  let at = whole.write(text, 0, 'latin1')
  for (const piece of rest) {
    whole.set(piece, at)
    at += piece.length
  }
  socket.write(whole)
  if (isShared && socket.writableLength > 0) scratch = Buffer.allocUnsafeSlow(mostBytes)
  return true
}
