import { fieldLines, statusLine } from './response-head.js'
import { Section } from './response-section.js'

/** The head of a final answer. */
export interface AnswerHead {
  readonly status: number
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[]
}

/** Who is told what was read, in order: one head, pieces of the body, then that it is whole. */
export interface AnswerSink {
  onHead(head: AnswerHead): void
  /** Decoded; a view of what was read, so that it is not to be kept. What stands before its end may be overwritten. */
  onBody(piece: Buffer): void
  onWhole(): void
}

type State =
  | 'idle'
  | 'head'
  | 'counted'
  | 'until-close'
  | 'chunk-size'
  | 'chunk-extension'
  | 'chunk-size-lf'
  | 'chunk-data'
  | 'chunk-data-cr'
  | 'chunk-data-lf'
  | 'trailers'
  | 'stopped'

// of one answer: sizes and extensions are overhead that carries nothing (CVE-2024-22019 bounds the same)
const maxExtensionBytes = 16_384
const maxInterim = 16
// 13 hexadecimal digits count beyond what doubles hold exactly
const maxSizeDigits = 12

const cr = 13
const lf = 10

/**
 * Reads the answers of one HTTP/1.1 connection, strictly, in whatever pieces they come.
 *
 * What could be read in two ways is a problem, told as text for the log: after one, and after `stop`,
 * nothing more is read. Interim answers are skipped, trailers checked and dropped. Bytes behind a whole
 * answer belong to nothing: `isPersistent` is false then, and they are never read.
 *
 * INVARIANT: between `begin` and the next `begin`, `onWhole` is called at most once, and nothing after it.
 *
 * @see RFC 9112 sections 4 to 7
 */
export class ResponseParser {
  readonly #sink: AnswerSink
  #state: State = 'idle'
  #isHead = false
  readonly #section = new Section()
  #remaining = 0
  #sizeDigits = 0
  #extensionBytes = 0
  #interim = 0
  #isPersistent = false
  #keepAliveSeconds: number | undefined

  constructor(sink: AnswerSink) {
    this.#sink = sink
  }

  /** Expects one answer. @param isHead - to a HEAD: it has no body, whatever its fields say */
  begin(isHead: boolean): void {
    this.#state = 'head'
    this.#isHead = isHead
    this.#section.clear()
    this.#extensionBytes = 0
    this.#interim = 0
    this.#isPersistent = false
  }

  /** Reads no further. */
  stop(): void {
    this.#state = 'stopped'
    this.#isPersistent = false
  }

  private get isStopped(): boolean {
    return this.#state === 'stopped'
  }

  /** What the upstream says of how long it keeps the connection; undefined where it says nothing. */
  get keepAliveSeconds(): number | undefined {
    return this.#keepAliveSeconds
  }

  /** Whether the answer is whole, and the connection may carry another one. */
  get isPersistent(): boolean {
    return this.#isPersistent && this.#state === 'idle'
  }

  /** Takes what came; what is wrong with it, or undefined. Never throws by itself. */
  push(chunk: Buffer): string | undefined {
    let at = 0
    while (at < chunk.length && this.#state !== 'stopped') {
      if (this.#state === 'idle') {
        this.#isPersistent = false
        return undefined
      }
      const next = this.#read(chunk, at)
      if (typeof next === 'string') {
        this.stop()
        return next
      }
      at = next
    }
    return undefined
  }

  /** The connection has ended: undefined where the answer is whole by that, or was before. */
  finish(): string | undefined {
    const state = this.#state
    if (state === 'idle' || state === 'stopped') return undefined
    if (state === 'until-close') {
      this.#whole()
      return undefined
    }
    this.stop()
    return state === 'head' ? 'the answer broke off in its head' : 'the answer broke off'
  }

  /** Reads one thing: the index behind it, or what is wrong. */
  #read(chunk: Buffer, at: number): number | string {
    switch (this.#state) {
      case 'head':
        return this.#readHead(chunk, at)
      case 'counted':
      case 'chunk-data':
        return this.#readCounted(chunk, at)
      case 'until-close':
        this.#sink.onBody(at === 0 ? chunk : chunk.subarray(at))
        return chunk.length
      case 'chunk-size':
        return this.#readSize(chunk, at)
      case 'chunk-extension':
        return this.#readExtension(chunk, at)
      case 'chunk-size-lf':
        if (chunk[at] !== lf) return 'a chunk size is not followed by CR LF'
        this.#enterChunk()
        return at + 1
      case 'chunk-data-cr':
        if (chunk[at] !== cr) return 'a chunk is longer than its size'
        this.#state = 'chunk-data-lf'
        return at + 1
      case 'chunk-data-lf':
        if (chunk[at] !== lf) return 'a chunk is not followed by CR LF'
        this.#enterSize()
        return at + 1
      case 'trailers':
        return this.#readTrailers(chunk, at)
      case 'idle':
      case 'stopped':
        return chunk.length
    }
  }

  #readHead(chunk: Buffer, at: number): number | string {
    const section = this.#section.read(chunk, at, 'head')
    if (typeof section !== 'object') return section
    const problem = this.#takeHead(section.text, section.end < chunk.length)
    return problem ?? section.end
  }

  #takeHead(text: string, isFollowed: boolean): string | undefined {
    const head = statusLine(text)
    if (typeof head === 'string') return head
    const fields = fieldLines(text, head.end)
    if (typeof fields === 'string') return fields
    const { status, minor } = head
    const { lengths, length, codings, rawHeaders } = fields
    if (status === 101) return 'the upstream switches protocols, which nobody asked for'
    if (status > 599) return `the status ${status}`
    if (codings > 0 && lengths > 0) return 'both Content-Length and Transfer-Encoding'
    if (status < 200) {
      if (codings > 0 || length > 0) return 'an interim answer with a body'
      this.#interim += 1
      return this.#interim > maxInterim ? 'more interim answers than anybody sends' : undefined
    }
    if (codings > 0 && minor === 0) return 'HTTP/1.0 knows no transfer codings'
    const isEmpty = this.#isHead || status === 204 || status === 304
    const isUntilClose = !isEmpty && codings === 0 && lengths === 0
    // a 204 that announces a body may have sent one: it would be read as the next answer
    const isDoubtful = status === 204 && (codings > 0 || length > 0)
    this.#isPersistent = minor === 1 && !fields.isClose && !isUntilClose && !isDoubtful
    this.#remaining = length
    this.#state = isUntilClose ? 'until-close' : 'counted'
    if (codings > 0) this.#enterSize()
    this.#keepAliveSeconds = fields.keepAliveSeconds
    this.#sink.onHead({ status, rawHeaders })
    if (this.isStopped) return undefined
    if (isEmpty || (codings === 0 && lengths > 0 && length === 0)) {
      if (isFollowed) this.#isPersistent = false
      this.#whole()
    }
    return undefined
  }

  #readCounted(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining)
    this.#remaining -= end - at
    this.#sink.onBody(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end))
    if (this.#remaining > 0) return end
    if (this.#state === 'chunk-data') this.#state = 'chunk-data-cr'
    else if (this.#state === 'counted') {
      if (end < chunk.length) this.#isPersistent = false
      this.#whole()
    }
    return end
  }

  #enterSize(): void {
    this.#state = 'chunk-size'
    this.#remaining = 0
    this.#sizeDigits = 0
  }

  #readSize(chunk: Buffer, at: number): number | string {
    for (let index = at; index < chunk.length; index += 1) {
      const byte = chunk[index] ?? 0
      const digit = hexDigit(byte)
      if (digit >= 0) {
        this.#sizeDigits += 1
        if (this.#sizeDigits > maxSizeDigits) return 'a chunk size with too many digits'
        this.#remaining = this.#remaining * 16 + digit
        continue
      }
      if (this.#sizeDigits === 0) return 'a chunk size that is no hexadecimal number'
      if (byte === cr) this.#state = 'chunk-size-lf'
      else if (byte === semicolon) this.#state = 'chunk-extension'
      else return 'a chunk size that is no hexadecimal number'
      return index + 1
    }
    return chunk.length
  }

  #readExtension(chunk: Buffer, at: number): number | string {
    for (let index = at; index < chunk.length; index += 1) {
      const byte = chunk[index] ?? 0
      if (byte === cr) {
        this.#state = 'chunk-size-lf'
        return index + 1
      }
      if ((byte < 32 && byte !== tab) || byte > 126)
        return 'a control or an 8-bit character in a chunk extension'
      this.#extensionBytes += 1
      if (this.#extensionBytes > maxExtensionBytes) return 'chunk extensions that are too long'
    }
    return chunk.length
  }

  #enterChunk(): void {
    if (this.#remaining > 0) {
      this.#state = 'chunk-data'
      return
    }
    this.#state = 'trailers'
    // the line that has just ended begins the section: without trailers, CR LF CR LF is all there is
    this.#section.hold(lineEnd, 0)
  }

  #readTrailers(chunk: Buffer, at: number): number | string {
    const section = this.#section.read(chunk, at, 'trailers')
    if (typeof section !== 'object') return section
    if (section.text !== '') {
      const trailers = fieldLines(section.text, 2)
      if (typeof trailers === 'string') return `${trailers}, in a trailer`
    }
    if (section.end < chunk.length) this.#isPersistent = false
    this.#whole()
    return section.end
  }

  #whole(): void {
    this.#state = 'idle'
    this.#sink.onWhole()
  }
}

const lineEnd = Buffer.from('\r\n')
const semicolon = 59
const tab = 9

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}
