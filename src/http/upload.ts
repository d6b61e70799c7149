import { writeAtOnce } from './at-once.js'
import { inviteBody } from './body.js'
import { discard, mostHeld } from './body-memory.js'
import type { ForwardRequest } from './forwarder.js'
import type { RequestHead } from './request-head.js'
import type { UpstreamConnection } from './upstream-connection.js'

/** A request's body on its way up. */
export interface Upload {
  /** Whether all of it is written. */
  readonly isDone: boolean
  /** Of the body alone. */
  readonly bytes: number
  /** The upstream takes more. */
  onDrain(): void
  /** Nothing more is written. */
  stop(): void
}

/** What is told of a body that is handed on. */
export interface UploadListener {
  onProgress(): void
  onSent(): void
  /** The body is not as long as announced. */
  onProblem(problem: string): void
}

/** A request, and its head as it stands on the wire. */
interface WrittenRequest {
  readonly head: RequestHead
  readonly forward: ForwardRequest
}

// written at once
const mostGathered = 65_536

/** Writes the head, and the body behind it: at once where it is there, as it comes where it is not. */
export function sendRequest(
  connection: UpstreamConnection,
  { head, forward }: WrittenRequest,
  listener: UploadListener,
): Upload {
  const { socket } = connection
  const { body } = forward
  if (body === 'stream') return new StreamedUpload(connection, { head, forward }, listener)
  const bytes = body === 'none' ? noBody : body
  const size = bytes.length
  if (!writeAtOnce(socket, head.own, [head.client.bytes, bytes])) {
    socket.cork()
    socket.write(textOf(head), 'latin1')
    // what was sent is sent nowhere else: see `mayGoElsewhere`
    socket.write(bytes, (error) => {
      if (!(error instanceof Error)) discard([bytes])
    })
    socket.uncork()
  }
  connection.written()
  return { isDone: true, bytes: size, onDrain: ignore, stop: ignore }
}

const noBody = new Uint8Array(0)

function textOf({ own, client }: RequestHead): string {
  return own + client.text
}

class StreamedUpload implements Upload {
  isDone = false
  bytes = 0
  readonly #connection: UpstreamConnection
  readonly #forward: ForwardRequest
  readonly #listener: UploadListener
  /** Undefined where the body goes in chunks. */
  readonly #length: number | undefined
  /** Until it is written. */
  #head: string | undefined
  #isStopped = false
  #gathered: Buffer[] = []
  #gatheredBytes = 0

  constructor(connection: UpstreamConnection, { head, forward }: WrittenRequest, listener: UploadListener) {
    this.#connection = connection
    this.#forward = forward
    this.#listener = listener
    const { request } = forward
    const announced = request.headers['content-length']
    this.#length = announced === undefined ? undefined : Number(announced)
    if (!request.readableEnded) inviteBody(forward)
    request.on('data', this.#onData)
    request.on('end', this.#onEnd)
    // what breaks the body closes the response, too; unheard, it would end the process
    request.on('error', ignore)
    this.#head = textOf(head)
    // what has come of the body is handed over before
    setImmediate(this.#flush)
    if (request.readableEnded) this.#onEnd()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.bytes += chunk.length
    // INVARIANT: no byte beyond the announced length is written, or it would be a request of its own
    if (this.#length !== undefined && this.bytes > this.#length) {
      this.#break()
      return
    }
    this.#listener.onProgress()
    if (this.#gathered.push(chunk) === 1) setImmediate(this.#flush)
    this.#gatheredBytes += chunk.length
    if (this.#gatheredBytes >= mostGathered) this.#flush()
  }

  readonly #onEnd = (): void => {
    if (this.#length !== undefined && this.bytes !== this.#length) {
      this.#break()
      return
    }
    this.#flush()
    if (this.#length === undefined) this.#connection.socket.write('0\r\n\r\n', 'latin1')
    this.isDone = true
    this.#listener.onSent()
    this.#connection.written()
  }

  // TLS hands bodies over in records of 16 KB, several for one read: each by itself would be a system call
  readonly #flush = (): void => {
    const head = this.#head
    const pieces = this.#gathered
    const last = pieces.at(-1)
    if (head === undefined && last === undefined) return
    this.#head = undefined
    this.#gathered = []
    this.#gatheredBytes = 0
    const { socket } = this.#connection
    // in order: when the last one is written, all are
    const written = (error?: Error | null): void => {
      if (!(error instanceof Error)) discard(pieces)
    }
    socket.cork()
    if (head !== undefined) socket.write(head, 'latin1')
    for (const piece of pieces) {
      if (this.#length === undefined) socket.write(`${piece.length.toString(16)}\r\n`, 'latin1')
      socket.write(piece, piece === last ? written : undefined)
      if (this.#length === undefined) socket.write('\r\n', 'latin1')
    }
    socket.uncork()
    if (socket.writableLength >= mostHeld) this.#forward.request.pause()
  }

  onDrain(): void {
    if (!this.#isStopped) this.#forward.request.resume()
  }

  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#head = undefined
    this.#gathered = []
    this.#forward.request.off('data', this.#onData)
    this.#forward.request.off('end', this.#onEnd)
  }

  #break(): void {
    this.stop()
    this.#listener.onProblem('the body is not as long as announced')
  }
}

function ignore(): void {
  // nothing is left to do
}
