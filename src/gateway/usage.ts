import { parseName } from '../core/name-text.js'
import { nameKey } from '../core/distinguished-name.js'
import { ownText } from '../files/lines.js'
import { readAuditLine } from '../observe/audit-line.js'

/** When something was seen, and until when its certificate is valid, in epoch milliseconds. */
export interface Seen {
  requests: number
  first: number
  last: number
  notAfter: number | undefined
}

/** `each` environment by its name; `any`, or the one named: all under the empty name. */
export type UsageScope = 'each' | 'any' | { readonly only: string }

const mostKept = 200_000

/** What an audit trail says of who came: per partner, per certificate name and per key. */
export class Usage {
  /** First and last instant of the whole trail. */
  first: number | undefined
  last: number | undefined
  lines = 0
  private readonly partners = new Map<string, Seen>()
  private readonly subjects = new Map<string, Seen>()
  private readonly keys = new Map<string, Seen>()
  private readonly nameKeys = new Map<string, string | undefined>()
  private readonly scope: UsageScope

  /** @param scope - of a whitelist without its gateway.yaml: which environment's, or any */
  constructor(scope: UsageScope = 'each') {
    this.scope = scope
  }

  /** One line of the trail. Only requests that a partner's entry was found for count. */
  note(line: string): void {
    this.lines += 1
    const past = readAuditLine(line)
    if (past === undefined) return
    const { partner, subject, publicKeySha256 } = past
    if (typeof this.scope === 'object' && past.environment !== this.scope.only) return
    const environment = this.scope === 'each' ? past.environment : ''
    const time = Date.parse(past.time)
    const notAfter = past.notAfter === undefined ? undefined : Date.parse(past.notAfter)
    if (Number.isNaN(time)) return
    if (this.first === undefined || time < this.first) this.first = time
    if (this.last === undefined || time > this.last) this.last = time
    if (partner === undefined) return
    see(this.partners, `${environment}\0${partner}`, { time, notAfter })
    const key = subject === undefined ? undefined : this.keyOf(subject)
    if (key !== undefined) see(this.subjects, `${environment}\0${key}`, { time, notAfter })
    if (publicKeySha256 !== undefined)
      see(this.keys, `${environment}\0${publicKeySha256}`, { time, notAfter })
  }

  ofPartner(environment: string, partner: string): Seen | undefined {
    return this.partners.get(`${environment}\0${partner}`)
  }

  /** @param nameKey - of the subject (`nameKey`) */
  ofSubject(environment: string, nameKey: string): Seen | undefined {
    return this.subjects.get(`${environment}\0${nameKey}`)
  }

  /** @param publicKey - hexadecimal */
  ofKey(environment: string, publicKey: string): Seen | undefined {
    return this.keys.get(`${environment}\0${publicKey}`)
  }

  private keyOf(subject: string): string | undefined {
    if (this.nameKeys.has(subject)) return this.nameKeys.get(subject)
    const parsed = parseName(subject)
    const key = parsed.ok ? nameKey(parsed.value) : undefined
    if (this.nameKeys.size < mostKept) this.nameKeys.set(ownText(subject), key)
    return key
  }
}

function see(
  map: Map<string, Seen>,
  key: string,
  { time, notAfter }: { time: number; notAfter: number | undefined },
): void {
  const seen = map.get(key)
  if (seen === undefined) {
    if (map.size < mostKept) map.set(ownText(key), { requests: 1, first: time, last: time, notAfter })
    return
  }
  seen.requests += 1
  if (time < seen.first) seen.first = time
  if (time >= seen.last) {
    seen.last = time
    seen.notAfter = notAfter ?? seen.notAfter
  }
}
