import type { Log } from '../observe/log.js'
import type { Metrics } from '../observe/metrics.js'
import type { OcspOutcome } from './ocsp-status.js'

interface Sinks {
  readonly log: Pick<Log, 'warn' | 'info'>
  readonly metrics: Pick<Metrics, 'ocsp' | 'ocspPassed'>
  readonly now: () => number
}

const minute = 60_000

/** Counts every question to a responder; the log says a failure of one kind once a minute. */
export class OcspReport {
  private readonly sinks: Sinks
  private readonly saidAt = new Map<string, number>()

  constructor(sinks: Sinks) {
    this.sinks = sinks
  }

  asked({ environment, result, certificate, code, detail }: OcspOutcome): void {
    const { log, metrics, now } = this.sinks
    metrics.ocsp(environment, result)
    const fields = { environment, certificateSha256: certificate.sha256, code, detail }
    if (result === 'revoked') log.info('a responder calls a certificate revoked', fields)
    if (result === 'good' || result === 'revoked') return
    // names of environments and codes: closed lists both
    const kind = `${environment} ${code ?? result}`
    if (now() < (this.saidAt.get(kind) ?? -Infinity) + minute) return
    this.saidAt.set(kind, now())
    const what =
      result === 'unknown' ? 'a responder does not know a certificate' : 'no answer from a responder'
    log.warn(what, fields)
  }

  passed(environment: string): void {
    this.sinks.metrics.ocspPassed(environment)
  }
}
