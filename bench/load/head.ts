/** The head of an HTTP/1.1 message: only what a bench needs to find the end of it. */
export interface Head {
  /** Bytes of the head, its empty line included. */
  readonly size: number
  /** Start line and fields. */
  readonly text: string
  readonly bodySize: number
}

const end = Buffer.from('\r\n\r\n')
const length = /\r\ncontent-length: *([0-9]+)/i

/**
 * Reads the head that these bytes begin with; undefined while it is not whole.
 *
 * @throws Error where the body is framed by chunks: nobody here sends any
 */
export function readHead(bytes: Buffer): Head | undefined {
  const at = bytes.indexOf(end)
  if (at === -1) return undefined
  const text = bytes.toString('latin1', 0, at)
  const found = length.exec(text)
  if (found === null && /\r\ntransfer-encoding:/i.test(text)) throw new Error(`a chunked message: ${text}`)
  return { size: at + end.length, text, bodySize: found === null ? 0 : Number(found[1]) }
}

/**
 * Cuts a stream of bytes into messages, without keeping their bodies.
 *
 * @param onMessage - told the start line and fields of each whole message
 */
export class MessageCutter {
  #head: Buffer | undefined
  #text = ''
  #bodyLeft = 0
  readonly #onMessage: (text: string) => void

  constructor(onMessage: (text: string) => void) {
    this.#onMessage = onMessage
  }

  /** True between messages. */
  get isIdle(): boolean {
    return this.#head === undefined && this.#bodyLeft === 0
  }

  take(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#bodyLeft > rest.length) {
        this.#bodyLeft -= rest.length
        return
      }
      if (this.#bodyLeft > 0) {
        rest = rest.subarray(this.#bodyLeft)
        this.#bodyLeft = 0
        this.#onMessage(this.#text)
        continue
      }
      if (this.#head !== undefined) rest = Buffer.concat([this.#head, rest])
      const head = readHead(rest)
      this.#head = head === undefined ? rest : undefined
      if (head === undefined) return
      this.#text = head.text
      this.#bodyLeft = head.bodySize
      rest = rest.subarray(head.size)
      if (head.bodySize === 0) this.#onMessage(this.#text)
    }
  }
}
