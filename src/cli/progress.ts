/**
 * Tells on the standard error how far long work is: in place on a terminal, a line every few seconds
 * elsewhere; nothing at all of what is over at once.
 */
export class Progress {
  private readonly stream: NodeJS.WritableStream
  private readonly what: string
  private readonly isTerminal: boolean
  private readonly startedAt = performance.now()
  private toldAt = performance.now()
  private isOpen = false

  /** @param what - the work in a word or two: `audit.ndjson` */
  constructor(stream: NodeJS.WritableStream, what: string) {
    this.stream = stream
    this.what = what
    this.isTerminal = 'isTTY' in stream && stream.isTTY === true
  }

  at(done: number, total: number): void {
    const now = performance.now()
    if (now - this.toldAt < (this.isTerminal ? 200 : 2_000)) return
    this.toldAt = now
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100)
    this.stream.write(this.isTerminal ? `\r${this.what} ${percent} %` : `${this.what} ${percent} %\n`)
    this.isOpen = this.isTerminal
  }

  /** Clears the line and answers how long it took, in milliseconds. */
  end(): number {
    if (this.isOpen) this.stream.write('\r\u001b[K')
    return performance.now() - this.startedAt
  }
}
