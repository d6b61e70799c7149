import type { AuditEvent, AuditFormat } from '../../observe/audit-event.js'
import { auditText } from '../../observe/audit-text.js'
import type { Audit } from '../../observe/audit.js'
import type { AuditTrail } from '../audit-trail.js'

// of a primary that does not take lines over: what one worker may hold
const heldCharacters = 16 * 1024 * 1024

type Send = (batch: { readonly lines: readonly string[]; readonly times: readonly number[] }) => void

/**
 * The audit trail of a worker: lines are made here, and handed to the primary, which writes them.
 *
 * The lines of one turn of the event loop go together. Whether the file is written is what the primary said
 * last; while it takes nothing over, lines are held, and beyond a bound lost.
 */
export class RemoteTrail implements AuditTrail {
  readonly audit: Audit
  private readonly send: Send
  private isWritten: boolean
  private lines: string[] = []
  private times: number[] = []
  private turn: NodeJS.Immediate | undefined
  /** Lengths of the lines that were sent and not taken over yet. */
  private underWay: number[] = []
  private held = 0
  private lost = 0
  private whenTaken: (() => void)[] = []

  constructor({ format, isHealthy, send }: { format: AuditFormat; isHealthy: boolean; send: Send }) {
    this.send = send
    this.isWritten = isHealthy
    const isHealthyNow = (): boolean => this.isWritten && this.held <= heldCharacters / 2
    const lostSoFar = (): number => this.lost
    this.audit = {
      write: (event) => this.write(event, format),
      // the primary seals
      seal: () => undefined,
      sealedAt: undefined,
      get healthy() {
        return isHealthyNow()
      },
      get lost() {
        return lostSoFar()
      },
      flush: async () => {
        await this.flushed()
        return this.isWritten
      },
    }
  }

  /** The primary has taken over so many lines more. */
  taken(lines: number, isHealthy: boolean): void {
    this.isWritten = isHealthy
    for (const length of this.underWay.splice(0, lines)) this.held -= length
    if (this.held > 0) return
    for (const tell of this.whenTaken.splice(0)) tell()
  }

  tick(): void {
    return
  }

  reopen(): void {
    return
  }

  async close(): Promise<number> {
    await this.flushed()
    return this.lost
  }

  private write(event: AuditEvent, format: AuditFormat): boolean {
    let line: string
    try {
      line = auditText(event, format)
    } catch {
      this.lost += 1
      return false
    }
    if (this.held + line.length > heldCharacters) {
      this.lost += 1
      return false
    }
    this.lines.push(line)
    this.times.push(event.time)
    this.held += line.length
    this.turn ??= setImmediate(() => {
      this.sendNow()
    })
    return true
  }

  private sendNow(): void {
    clearImmediate(this.turn)
    this.turn = undefined
    if (this.lines.length === 0) return
    const { lines, times } = this
    this.lines = []
    this.times = []
    for (const { length } of lines) this.underWay.push(length)
    this.send({ lines, times })
  }

  private flushed(): Promise<void> {
    this.sendNow()
    if (this.held === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.whenTaken.push(resolve)
    })
  }
}
