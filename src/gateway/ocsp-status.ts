import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { deny, type Denial } from '../core/decision.js'
import type { Result } from '../core/result.js'
import { askResponder } from '../http/ocsp-client.js'
import type { Certificate } from '../x509/certificate.js'
import { commonNameOf } from '../x509/common-name.js'
import { judgeOcspResponse, type OcspAnswer } from '../x509/ocsp.js'
import { buildOcspRequest, type OcspSubject } from '../x509/ocsp-request.js'
import type { EnvironmentPolicy } from './policy.js'
import { isOnCrl } from './revocation.js'
import { shown } from './trust.js'

/** What a question to a responder came to. */
export interface OcspOutcome {
  readonly environment: string
  readonly result: OcspAnswer['status'] | 'failed'
  readonly certificate: Certificate
  /** Why it failed. */
  readonly code?: string
  readonly detail?: string
}

interface OcspStatusOptions {
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly report: {
    asked(outcome: OcspOutcome): void
    /** `mode: soft` let a request pass whose certificate nothing is known of. */
    passed(environment: string): void
  }
}

interface Kept extends OcspAnswer {
  readonly receivedAt: number
}

interface Failed {
  readonly until: number
  readonly code: string
  readonly detail: string
}

interface Subject extends OcspSubject {
  readonly environment: EnvironmentPolicy
  readonly key: string
}

const mostKept = 20_000
// a responder that is down costs each certificate one wait in ten seconds, and comes back as fast
const failurePauseMs = 10_000
// a new certificate may be unknown to its responder for a moment only
const unknownMs = 60_000
const mostUnderWay = 256

/**
 * What responders say of client certificates, asked at most once at a time for each and kept while fresh.
 *
 * INVARIANT: what is kept is what an authority signed, never a decision: whether it is still fresh, and
 * what its absence means, is judged for every request. A revocation stays until a fresh answer lifts it.
 */
export class OcspStatus {
  private readonly options: OcspStatusOptions
  private readonly answers = new LRUCache<string, Kept>({ max: mostKept })
  private readonly failures = new LRUCache<string, Failed>({ max: mostKept })
  private readonly underWay = new Map<string, Promise<undefined>>()
  private hasNews = false

  constructor(options: OcspStatusOptions) {
    this.options = options
  }

  /**
   * Whether the client's certificate is revoked, or cannot be said not to be; a promise only where a
   * responder must be waited for.
   *
   * @param chain - verified, leaf first
   */
  judge(
    chain: readonly Certificate[],
    environment: EnvironmentPolicy,
  ): Denial | undefined | Promise<Denial | undefined> {
    const subject = subjectOf(chain, environment)
    if (subject === undefined) return undefined
    const now = this.options.now()
    const kept = this.answers.get(subject.key)
    const hasFailed = (this.failures.get(subject.key)?.until ?? 0) > now
    if (kept !== undefined && isFresh(kept, environment, now)) {
      // asked again before it ends, so that no request waits for it
      if (!hasFailed && isAgeing(kept, environment, now)) void this.ask(subject)
      return this.settle(subject)
    }
    if (hasFailed) return this.settle(subject)
    return this.ask(subject).then(() => this.settle(subject))
  }

  /** Whether a responder has called the certificate revoked; asks nobody. */
  isKnownRevoked(chain: readonly Certificate[], environment: EnvironmentPolicy): boolean {
    const subject = subjectOf(chain, environment)
    return subject !== undefined && this.answers.peek(subject.key)?.status === 'revoked'
  }

  /** Whether a certificate was called revoked since this was last asked: open connections may have to go. */
  takeNews(): boolean {
    const { hasNews } = this
    this.hasNews = false
    return hasNews
  }

  // by what is known now
  private settle({ certificate, issuer, environment, key }: Subject): Denial | undefined {
    const kept = this.answers.get(key)
    const isKnown = kept !== undefined && isFresh(kept, environment, this.options.now())
    // first, and with nothing made for it: nearly every request ends here
    if (isKnown && kept.status === 'good') return undefined
    const authority = commonNameOf(issuer.subject)
    const sent = shown(certificate)
    if (kept?.status === 'revoked') {
      const since = kept.revokedAt === undefined ? '' : ` since ${new Date(kept.revokedAt).toISOString()}`
      const detail = `serial ${certificate.serialNumber} is revoked${since}, says the OCSP responder of \`${authority}\``
      return deny('certificate-revoked', { detail, sent })
    }
    if (environment.config.tls.ocsp.mode === 'soft') {
      this.options.report.passed(environment.name)
      return undefined
    }
    const problem = isKnown
      ? `the responder does not know serial ${certificate.serialNumber}`
      : (this.failures.get(key)?.detail ?? 'no fresh answer')
    return deny('revocation-unknown', { detail: `OCSP of \`${authority}\`: ${problem}`, sent })
  }

  /** One question at a time for each certificate; never rejects. */
  private ask(subject: Subject): Promise<undefined> {
    const { key } = subject
    const asked = this.underWay.get(key)
    if (asked !== undefined) return asked
    const asking = this.exchange(subject).then((result) => {
      this.underWay.delete(key)
      this.note(subject, result)
      return undefined
    })
    this.underWay.set(key, asking)
    return asking
  }

  private async exchange({
    certificate,
    issuer,
    environment,
  }: Subject): Promise<Result<OcspAnswer, { readonly code: string; readonly message: string }>> {
    const { ocsp, clockSkewSeconds } = environment.config.tls
    if (this.underWay.size >= mostUnderWay) {
      return { ok: false, problem: { code: 'ocsp-busy', message: 'too many questions are under way' } }
    }
    const url = ocsp.url ?? certificate.ocspUrls.find((each) => /^http:/i.test(each))
    if (url === undefined) {
      const message = 'neither the configuration nor the certificate names a responder'
      return { ok: false, problem: { code: 'ocsp-no-responder', message } }
    }
    try {
      const nonce = ocsp.nonce ? randomBytes(32) : undefined
      const request = buildOcspRequest({ certificate, issuer, hash: ocsp.hash, nonce })
      const response = await askResponder({ url, request, timeoutMs: ocsp.timeoutMs })
      if (!response.ok) return response
      return judgeOcspResponse({
        response: response.value,
        certificate,
        issuer,
        nonce,
        at: this.options.now(),
        clockSkewMs: clockSkewSeconds * 1000,
        maxAgeMs: ocsp.cacheSeconds * 1000,
        isRevoked: (responder) => isOnCrl(environment.crls, { certificate: responder, issuer }),
      })
    } catch (error) {
      // fails closed: what broke is no answer
      const message = error instanceof Error ? error.message : String(error)
      return { ok: false, problem: { code: 'ocsp-internal', message } }
    }
  }

  private note(
    { certificate, environment, key }: Subject,
    result: Awaited<ReturnType<OcspStatus['exchange']>>,
  ): void {
    const now = this.options.now()
    const of = { environment: environment.name, certificate }
    if (result.ok) {
      this.failures.delete(key)
      this.answers.set(key, { ...result.value, receivedAt: now })
      if (result.value.status === 'revoked') this.hasNews = true
      this.options.report.asked({ ...of, result: result.value.status })
      return
    }
    const { code, message: detail } = result.problem
    this.failures.set(key, { until: now + failurePauseMs, code, detail })
    this.options.report.asked({ ...of, result: 'failed', code, detail })
  }
}

// OCSP is asked about the client's own certificate alone: authorities are the operator's choice
function subjectOf(chain: readonly Certificate[], environment: EnvironmentPolicy): Subject | undefined {
  if (environment.config.tls.ocsp.mode === 'off') return undefined
  const [certificate, issuer] = chain
  if (certificate === undefined || issuer === undefined) return undefined
  return {
    certificate,
    issuer,
    environment,
    key: `${environment.name} ${certificate.sha256} ${issuer.spkiSha256}`,
  }
}

function isFresh(kept: Kept, environment: EnvironmentPolicy, now: number): boolean {
  return now < endOf(kept, environment)
}

// the last quarter of its time
function isAgeing(kept: Kept, environment: EnvironmentPolicy, now: number): boolean {
  const end = endOf(kept, environment)
  return now > end - (end - kept.receivedAt) / 4
}

function endOf({ status, receivedAt, thisUpdate, nextUpdate }: Kept, { config }: EnvironmentPolicy): number {
  const { ocsp, clockSkewSeconds } = config.tls
  const longest = ocsp.cacheSeconds * 1000
  const signed = (nextUpdate ?? thisUpdate + longest) + clockSkewSeconds * 1000
  return Math.min(signed, receivedAt + (status === 'unknown' ? Math.min(longest, unknownMs) : longest))
}
