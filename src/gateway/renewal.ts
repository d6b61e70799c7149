import { LRUCache } from 'lru-cache'
import { formatPlace } from '../core/diagnostic.js'
import { isSameName, type DistinguishedName } from '../core/distinguished-name.js'
import { formatName, formatNameSlash, parseName } from '../core/name-text.js'
import { formatSpkiSha256, type SpkiSha256 } from '../core/spki.js'
import type { Whitelist, WhitelistEntry } from '../core/whitelist.js'
import type { Certificate } from '../x509/certificate.js'

/** A listed name that came with a new key, or a listed key with a new name. */
export interface Renewal {
  readonly kind: 'new-key' | 'new-name'
  readonly environment: string
  readonly partner: string
  /** Where the entry stands that it is about: `file:line:column`. */
  readonly place: string
  /** Whether the certificate is let in as it is, or refused as not listed. */
  readonly outcome: 'listed' | 'refused'
  /** What to write into the whitelist for the certificate to be listed as presented. */
  readonly line: string
  readonly certificateSha256: string
  readonly subject: string
  /** Epoch milliseconds. */
  readonly notAfter: number
  readonly at: number
}

/** A finished request of a trusted certificate. */
export interface Presented {
  readonly environment: string
  /** Of the policy that judged. */
  readonly policyRevision: string
  readonly whitelist: Whitelist
  readonly certificate: Certificate
  /** The one that lists it. */
  readonly entry: WhitelistEntry | undefined
  /** Whether it was refused as `certificate-not-listed`. */
  readonly isNotListed: boolean
}

const mostCertificates = 20_000
const mostEntries = 20_000
// old and new certificates are used side by side for a while
const mostPerEntry = 8
const mostRenewals = 200

/**
 * Notices renewals, each once, for the operator: nothing is decided by what is remembered here.
 *
 * Of a certificate that is let in by its name, a key other than those seen before; by its key, another
 * name. Of one that is not listed, that its name stands in the list with another key, or came with one that is
 * listed alone, or that its key stands there with another name. What was seen before a restart is not
 * remembered, so the first certificate is no renewal.
 */
export class Renewals {
  /** Certificates already looked at, by environment, digest and outcome: nearly every request ends here. */
  private readonly known = new LRUCache<string, true>({ max: mostCertificates })
  /**
   * The latest of each, looked at before them: of one connection they hardly ever differ. By numbers: an entry
   * holds its whitelist, and a certificate that comes once a month would hold that of its day.
   */
  private readonly latest = new WeakMap<
    Certificate,
    Pick<Presented, 'environment' | 'policyRevision'> & { readonly index: number | undefined }
  >()
  private readonly seen = new LRUCache<string, Set<string>>({ max: mostEntries })
  /** The listed key that a name came with last, where the key alone is listed. */
  private readonly keyOfName = new LRUCache<string, SpkiSha256>({ max: mostEntries })
  private readonly reported = new LRUCache<string, true>({ max: mostEntries })
  private renewals: readonly Renewal[] = []

  /** The renewal that this request is the first to show. @param now - epoch milliseconds */
  note(presented: Presented, now: number): Renewal | undefined {
    const { environment, policyRevision, certificate, entry, isNotListed } = presented
    if (entry === undefined && !isNotListed) return undefined
    const latest = this.latest.get(certificate)
    if (
      latest?.environment === environment &&
      latest.policyRevision === policyRevision &&
      latest.index === entry?.index
    )
      return undefined
    this.latest.set(certificate, { environment, policyRevision, index: entry?.index })
    // the index is the entry's within one whitelist
    const key = `${environment} ${policyRevision} ${certificate.sha256} ${entry?.index ?? 'refused'}`
    if (this.known.get(key) === true) return undefined
    this.known.set(key, true)
    const found = entry === undefined ? this.ofRefused(presented) : this.ofPermitted(presented, entry)
    if (found === undefined) return undefined
    const renewal = renewalOf(presented, found, now)
    const once = `${environment} ${renewal.partner} ${renewal.line}`
    if (this.reported.has(once)) return undefined
    this.reported.set(once, true)
    this.renewals = [renewal, ...this.renewals].slice(0, mostRenewals)
    return renewal
  }

  /** The latest ones of an environment, the newest first. */
  of(environment: string): readonly Renewal[] {
    return this.renewals.filter((renewal) => renewal.environment === environment)
  }

  private ofPermitted({ environment, certificate }: Presented, entry: WhitelistEntry): Found | undefined {
    const { subject, publicKey } = entry
    // an entry that demands both has met both
    if (subject !== undefined && publicKey !== undefined) return undefined
    const isByName = subject !== undefined
    if (!isByName) this.keyOfName.set(`${environment} ${certificate.subjectKey}`, certificate.spkiSha256)
    const key = `${environment} ${isByName ? certificate.subjectKey : certificate.spkiSha256}`
    const now = isByName ? certificate.spkiSha256 : certificate.subjectKey
    const before = this.seen.get(key)
    if (before === undefined) {
      this.seen.set(key, new Set([now]))
      return undefined
    }
    if (before.has(now)) return undefined
    const [oldest] = before
    if (before.size >= mostPerEntry && oldest !== undefined) before.delete(oldest)
    before.add(now)
    return { kind: isByName ? 'new-key' : 'new-name', entry }
  }

  // its name is listed (with another key, or for APIs that go by name), or its key is, or a key that its name came with
  private ofRefused({ environment, whitelist, certificate }: Presented): Found | undefined {
    const { subjectKey, spkiSha256 } = certificate
    const byName = whitelist.findBySubject(subjectKey)
    const byKey = whitelist.findByPublicKey(spkiSha256)
    // claimed by two partners: a conflict, of which `check` and the desk tools speak
    if (byName !== undefined && byKey !== undefined) return undefined
    // let in by the one elsewhere, it asks where the other counts: nothing about it is new
    if (this.seen.get(`${environment} ${subjectKey}`)?.has(spkiSha256) === true) return undefined
    if (this.seen.get(`${environment} ${spkiSha256}`)?.has(subjectKey) === true) return undefined
    if (byName !== undefined) return { kind: 'new-key', entry: byName }
    if (byKey !== undefined) return { kind: 'new-name', entry: byKey }
    const keyBefore = this.keyOfName.get(`${environment} ${subjectKey}`)
    const before = keyBefore === undefined ? undefined : whitelist.findByPublicKey(keyBefore)
    return before === undefined ? undefined : { kind: 'new-key', entry: before }
  }
}

interface Found {
  readonly kind: Renewal['kind']
  readonly entry: WhitelistEntry
}

function renewalOf({ environment, certificate, entry }: Presented, found: Found, now: number): Renewal {
  const subject = readableName(certificate.subject)
  return {
    kind: found.kind,
    environment,
    partner: found.entry.partner.id,
    place: formatPlace(found.entry.place),
    outcome: entry === undefined ? 'refused' : 'listed',
    line:
      found.kind === 'new-key'
        ? `- publicKey: "${formatSpkiSha256(certificate.spkiSha256)}"`
        : `- subject: ${JSON.stringify(subject)}`,
    certificateSha256: certificate.sha256,
    subject,
    notAfter: certificate.notAfter,
    at: now,
  }
}

// an unusual order is not read back from RFC 4514: the slash form always is
function readableName(name: DistinguishedName): string {
  const text = formatName(name)
  const read = parseName(text)
  return read.ok && isSameName(read.value, name) ? text : formatNameSlash(name)
}
