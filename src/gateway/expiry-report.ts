import type { Diagnostic } from '../core/diagnostic.js'
import { formatPlace } from '../core/diagnostic.js'
import type { Log } from '../observe/log.js'

interface ExpiryReportOptions {
  readonly findings: (now: number) => readonly Diagnostic[]
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly log: Pick<Log, 'warn' | 'error'>
}

const minute = 60_000
const day = 86_400_000
const isOver: ReadonlySet<string> = new Set(['crl-stale', 'certificate-ended'])
// a folder full of old certificates is told of by `check`, whole
const mostLines = 100

/** Says once a day what ends soon (a warning) or has ended (an error), and at once when the one becomes the other. */
export class ExpiryReport {
  private readonly options: ExpiryReportOptions
  private saidAt = new Map<string, number>()
  private nextLook = -Infinity

  constructor(options: ExpiryReportOptions) {
    this.options = options
  }

  /** Looks once a minute, however often it is called. */
  tick(): void {
    const now = this.options.now()
    if (now < this.nextLook) return
    this.nextLook = now + minute
    const said = new Map<string, number>()
    for (const { code, place, message } of this.options.findings(now).slice(0, mostLines)) {
      // two CRLs of one file have one place
      const key = `${code} ${formatPlace(place)} ${message.replace(/ ends in .*$/, '')}`
      const before = this.saidAt.get(key)
      const isDue = before === undefined || now >= before + day
      said.set(key, isDue ? now : before)
      if (!isDue) continue
      const fields = { code, detail: `${formatPlace(place)} ${message}` }
      if (isOver.has(code)) this.options.log.error('something the gateway relies on has ended', fields)
      else this.options.log.warn('something the gateway relies on is missing or ends soon', fields)
    }
    // what was mended is forgotten, so that it is said at once should it come back
    this.saidAt = said
  }

  /** A new policy is in force: the next tick looks. */
  review(): void {
    this.nextLook = -Infinity
  }
}
