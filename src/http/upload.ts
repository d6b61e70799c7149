import { inviteBody } from './body.js'
import type { ForwardRequest } from './forwarder.js'
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
  readonly head: string
  readonly forward: ForwardRequest
}

// up to here one copy costs less than a second write
const smallBody = 32_768

/** Writes the head, and the body behind it: at once where it is there, as it comes where it is not. */
export function sendRequest(
  connection: UpstreamConnection,
  { head, forward }: WrittenRequest,
  listener: UploadListener,
): Upload {
  const { socket } = connection
  const { body } = forward
  if (body === 'stream') return new StreamedUpload(connection, { head, forward }, listener)
  if (body === 'none' || body.length === 0) {
    socket.write(head, 'latin1')
  } else if (body.length <= smallBody) {
    const whole = Buffer.allocUnsafe(head.length + body.length)
    whole.write(head, 0, 'latin1')
    whole.set(body, head.length)
    socket.write(whole)
  } else {
    socket.cork()
    socket.write(head, 'latin1')
    socket.write(body)
    socket.uncork()
  }
  connection.written()
  return { isDone: true, bytes: body === 'none' ? 0 : body.length, onDrain: ignore, stop: ignore }
}

class StreamedUpload implements Upload {
  isDone = false
  bytes = 0
  readonly #connection: UpstreamConnection
  readonly #forward: ForwardRequest
  readonly #listener: UploadListener
  /** Undefined where the body goes in chunks. */
  readonly #length: number | undefined
  #isStopped = false

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
    const { socket } = connection
    socket.cork()
    socket.write(head, 'latin1')
    if (request.readableEnded) this.#onEnd()
    // what has come of the body is handed over before
    process.nextTick(() => {
      socket.uncork()
    })
  }

  readonly #onData = (chunk: Buffer): void => {
    this.bytes += chunk.length
    // INVARIANT: no byte beyond the announced length is written, or it would be a request of its own
    if (this.#length !== undefined && this.bytes > this.#length) {
      this.#break()
      return
    }
    this.#listener.onProgress()
    const { socket } = this.#connection
    if (this.#length === undefined) {
      socket.cork()
      socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1')
      socket.write(chunk)
      socket.write('\r\n', 'latin1')
      socket.uncork()
    } else {
      socket.write(chunk)
    }
    if (socket.writableNeedDrain) this.#forward.request.pause()
  }

  readonly #onEnd = (): void => {
    if (this.#length !== undefined && this.bytes !== this.#length) {
      this.#break()
      return
    }
    if (this.#length === undefined) this.#connection.socket.write('0\r\n\r\n', 'latin1')
    this.isDone = true
    this.#listener.onSent()
    this.#connection.written()
  }

  onDrain(): void {
    if (!this.#isStopped) this.#forward.request.resume()
  }

  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
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
