import { pino } from 'pino'
import { auditLine, type AuditEvent } from './audit-event.js'
import type { DurableSink } from './line-sink.js'

/** The audit trail: one line of JSON for each request and each change of the configuration. */
export interface Audit {
  /** False where the line was lost. Never throws. */
  write(event: AuditEvent): boolean
  /** False while lines cannot be written, or might soon be lost. */
  readonly healthy: boolean
  /** Events lost since the start. */
  readonly lost: number
  /** True where every line was written. */
  flush(): Promise<boolean>
}

/**
 * An audit trail through pino into a sink that says whether its lines arrive.
 *
 * @see docs/audit.md for the fields
 */
export function createAudit(sink: DurableSink): Audit {
  let isTaken = false
  let lost = 0
  const writer = pino(
    { base: null, timestamp: false },
    {
      write: (line: string) => {
        isTaken = sink.write(line)
      },
    },
  )
  // pino's own place for a serializer; its general one is three times slower for these events
  Object.assign(writer, { [pino.symbols.asJsonSym]: auditLine })
  return {
    write: (event) => {
      isTaken = false
      try {
        writer.info(event)
      } catch {
        // a line that the sink refused is counted there
        lost += 1
      }
      return isTaken
    },
    get healthy() {
      return sink.healthy
    },
    get lost() {
      return sink.lost + lost
    },
    flush: () => sink.flush(),
  }
}
