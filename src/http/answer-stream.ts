import type { IncomingMessage, ServerResponse } from 'node:http'

/** What is told of an answer on its way down. */
interface AnswerListener {
  /** Whether nobody waits for it any more. */
  readonly isOver: () => boolean
  /** Bytes came; none where the client has taken what waited for it. */
  readonly onProgress: (bytes: number) => void
  /** It ended before it was whole. */
  readonly onBroken: () => void
}

/**
 * Passes the body of an answer to the client as it comes, no faster than it is taken, and ends with it where it
 * is whole.
 */
export function passAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  { isOver, onProgress, onBroken }: AnswerListener,
): void {
  let hasBegun = false
  answer.on('data', (chunk: Buffer) => {
    hasBegun = true
    onProgress(chunk.length)
    if (!response.write(chunk)) answer.pause()
  })
  response.on('drain', () => {
    onProgress(0)
    answer.resume()
  })
  answer.once('end', () => {
    if (isOver()) return
    if (answer.complete) response.end()
    else onBroken()
  })
  answer.once('close', () => {
    if (!answer.complete) onBroken()
  })
  // the head goes out with the first bytes where they came with it, and does not wait for them otherwise
  setImmediate(() => {
    if (!isOver() && !hasBegun && !response.writableEnded) response.flushHeaders()
  })
}
