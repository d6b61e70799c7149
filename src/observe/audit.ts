import { pino } from 'pino'
import { genesis, lineHash, linked, type ChainHead } from './audit-chain.js'
import type { AuditEvent, AuditFormat } from './audit-event.js'
import { auditText } from './audit-text.js'
import { RotationClock, type AuditRotation } from './audit-rotation.js'
import type { SealKey } from './audit-seal.js'
import type { DurableSink } from './line-sink.js'

/** The audit trail: one line of JSON for each request and each change of the configuration. */
export interface Audit {
  /** False where the line was lost. Never throws. */
  write(event: AuditEvent): boolean
  /** Signs everything so far, where there is a key and something to sign. Never throws. */
  seal(time: number): void
  /** When it was sealed last, epoch milliseconds; undefined where it was not since the start. */
  readonly sealedAt: number | undefined
  /** False while lines cannot be written, or might soon be lost. */
  readonly healthy: boolean
  /** Events lost since the start. */
  readonly lost: number
  /** True where every line was written. */
  flush(): Promise<boolean>
}

/** The trail that ties lines together, those of other processes among its own. */
export interface ChainedAudit extends Audit {
  /** What another process made of an event (`auditText`), of this time. False where it was lost. Never throws. */
  readonly append: (open: string, time: number) => boolean
}

export interface AuditOptions {
  readonly format?: AuditFormat
  /** Where the lines before stand; the very beginning. */
  readonly head?: ChainHead
  readonly sealKey?: SealKey | undefined
  readonly rotation?: AuditRotation | undefined
}

/**
 * An audit trail through pino into a sink that says whether its lines arrive.
 *
 * Each line is tied to the one before it by a number and a hash, over rotations and restarts. What was
 * lost is told by a line of its own before the next one.
 *
 * @see docs/audit.md for the fields
 */
export function createAudit(sink: DurableSink, options: AuditOptions = {}): ChainedAudit {
  const { format = 'native', sealKey, rotation } = options
  const clock = rotation === undefined ? undefined : new RotationClock(rotation)
  let head = options.head ?? genesis
  let isTaken = false
  let unreadable = 0
  let untold = 0
  let unsealed = 0
  let sealedAt: number | undefined
  let time = Number.NaN

  function append(open: string, sign?: (text: string) => string): boolean {
    const text = linked(open, head, sign === undefined ? { format } : { format, sign })
    // the hash first: what is made of many pieces is joined by it, once
    const hash = lineHash(text)
    if (!sink.write(`${text}\n`)) return false
    head = { sequence: head.sequence + 1, hash }
    unsealed += 1
    clock?.wrote(Buffer.byteLength(text) + 1, time)
    return true
  }

  function seal(at: number): void {
    if (sealKey === undefined || unsealed === 0) return
    const open = auditText({ time: at, event: 'seal', key: sealKey.digest }, format)
    if (!append(open, (text) => sealKey.sign(text))) return
    unsealed = 0
    sealedAt = at
  }

  function take(open: string): void {
    // one attempt a line, so that the sink counts one loss
    const isTold = untold === 0 || append(auditText({ time, event: 'loss', lost: untold }, format))
    if (isTold) untold = 0
    isTaken = isTold && append(open)
    if (!isTaken) untold += 1
  }

  /** One attempt, with what comes before it; whatever breaks is a loss. */
  function attempt(at: number, write: () => void): boolean {
    isTaken = false
    try {
      time = at
      if (clock?.isDue(time) === true) {
        seal(time)
        clock.rotate(time)
      }
      write()
    } catch {
      // a line that the sink refused is counted there
      unreadable += 1
      untold += 1
    }
    return isTaken
  }

  const writer = pino({ base: null, timestamp: false }, { write: take })
  // pino's own place for a serializer; its general one is three times slower for these events
  Object.assign(writer, {
    [pino.symbols.asJsonSym]: (event: AuditEvent) => auditText(event, format),
  })
  return {
    write: (event) =>
      attempt(event.time, () => {
        writer.info(event)
      }),
    append: (open, at) =>
      attempt(at, () => {
        take(open)
      }),
    seal: (at) => {
      try {
        time = at
        seal(at)
      } catch {
        return
      }
    },
    get sealedAt() {
      return sealedAt
    },
    get healthy() {
      return sink.healthy
    },
    get lost() {
      return sink.lost + unreadable
    },
    flush: () => sink.flush(),
  }
}
