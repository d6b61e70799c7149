import type { Api } from './api.js'
import { deny, type Denial, type EstablishmentWritten } from './decision.js'
import type { DistinguishedName } from './distinguished-name.js'
import { isSameName, nameKey } from './distinguished-name.js'
import { judgeDates } from './entry-dates.js'
import { formatName } from './name-text.js'
import type { DenialReason } from './reasons.js'
import { judgeRorHeaders } from './ror-headers.js'
import type { Operation, Route } from './route.js'
import { formatSpkiSha256, type SpkiSha256 } from './spki.js'
import type { Whitelist, WhitelistEntry } from './whitelist.js'

/** What the whitelist is asked with: facts of a certificate, never a decision about it. */
export interface ClientNames {
  readonly subject: DistinguishedName
  /** `nameKey(subject)`, kept so that it is made once per certificate. */
  readonly subjectKey: string
  readonly spkiSha256: SpkiSha256
}

/** A client that may speak to the API it asks for. */
export interface Admission {
  readonly effect: 'permit'
  readonly entry: WhitelistEntry
  readonly api: Api
  readonly operation: Extract<Operation, { kind: 'read' | 'token' | 'write' }>
  /** A denial that report-only mode let pass; counted and logged. */
  readonly overlooked: Denial | undefined
}

/** A write whose every establishment is permitted, or which report-only let pass. */
export interface Permission {
  readonly effect: 'permit'
  readonly overlooked: Denial | undefined
}

/** What `admit` judges: one snapshot of the whitelist, one request, one client. */
export interface AdmissionQuestion {
  readonly whitelist: Whitelist
  readonly route: Route | undefined
  readonly client: ClientNames
  /** The `Ror-*` fields sent: name in lower case → value. */
  readonly rorHeaders: Readonly<Record<string, string>>
}

// what a partner on probation may do: only what the partner's own entry forbids. A request that no
// rule describes, or that a certificate or a date forbids, is refused in every mode
const overlookable: ReadonlySet<DenialReason> = new Set([
  'api-not-granted',
  'ror-header-mismatch',
  'establishment-missing',
  'establishment-ambiguous',
  'establishment-unresolvable',
  'establishment-not-permitted',
])

/**
 * May this client speak, and ask for this?
 *
 * Pure and total. The order tells the client most about itself before anything about the gateway:
 * listed, dates, API known, API granted, method, described write, `Ror-*` headers.
 *
 * @param now - epoch milliseconds
 */
export function admit(question: AdmissionQuestion, now: number): Admission | Denial {
  const { whitelist, route, client, rorHeaders } = question
  const entry = findEntry(whitelist, client, route?.api)
  if (entry === undefined) return deny('certificate-not-listed', { sent: asRead(client) })
  const { partner } = entry
  const outOfDate = judgeDates(entry, now)
  if (outOfDate !== undefined) return outOfDate
  if (route === undefined) return deny('api-unknown')
  const { api, operation } = route

  let overlooked: Denial | undefined
  if (!partner.apis.includes(api.name)) {
    const denial = deny('api-not-granted', { sent: { api: api.name } })
    if (!isOverlooked(entry, denial)) return denial
    overlooked = denial
  }
  if (operation.kind === 'unsupported-method') {
    return deny('method-not-supported', { sent: { allowed: operation.allowed.join(', ') } })
  }
  if (operation.kind === 'undescribed-write') return deny('write-not-described')
  const mismatch = judgeRorHeaders(partner.rorHeaders, operation, rorHeaders)
  if (mismatch !== undefined) {
    if (!isOverlooked(entry, mismatch)) return mismatch
    overlooked ??= mismatch
  }
  return { effect: 'permit', entry, api, operation, overlooked }
}

/**
 * May it write for what the write names? Every establishment, and never none.
 *
 * @param written - the establishments found, or the denial that finding them came to
 */
export function permitWrite(
  whitelist: Whitelist,
  entry: WhitelistEntry,
  written: readonly EstablishmentWritten[] | Denial,
): Permission | Denial {
  const denial = judgeWritten(whitelist, entry, written)
  if (denial === undefined) return { effect: 'permit', overlooked: undefined }
  return isOverlooked(entry, denial) ? { effect: 'permit', overlooked: denial } : denial
}

/**
 * What a denial that only the partner's own entry calls for (a limit, the client id) comes to: itself,
 * or a permission that notes it where the partner is on probation.
 */
export function settle(entry: WhitelistEntry, denial: Denial): Permission | Denial {
  return isReportOnly(entry) ? { effect: 'permit', overlooked: denial } : denial
}

// what the client compares with its mail, and what it sends: a name or a key is not listed as it was meant
function asRead({ subject, spkiSha256 }: ClientNames): Record<string, string> {
  return { subject: formatName(subject), publicKey: formatSpkiSha256(spkiSha256) }
}

/** The entry that lists this client, as the API demands it (by either, where no API is known). */
export function findEntry(
  whitelist: Whitelist,
  client: ClientNames,
  api: Api | undefined,
): WhitelistEntry | undefined {
  const match = api?.match ?? 'either'
  const bySubject = match === 'public-key' ? undefined : whitelist.findBySubject(client.subjectKey)
  const byPublicKey = match === 'subject' ? undefined : whitelist.findByPublicKey(client.spkiSha256)
  // one certificate that two entries claim, one by its name and one by its key, belongs to neither
  if (
    bySubject !== undefined &&
    byPublicKey !== undefined &&
    bySubject.partner.id !== byPublicKey.partner.id
  ) {
    return undefined
  }
  const entry = bySubject ?? byPublicKey
  if (entry === undefined) return undefined
  // one found by its name has that name: the look-up compares the whole of it
  if (bySubject === undefined && entry.subject !== undefined && !isSameName(entry.subject, client.subject))
    return undefined
  if (entry.publicKey !== undefined && entry.publicKey !== client.spkiSha256) return undefined
  return entry
}

/** The facts of a certificate that the whitelist is asked with. */
export function clientNames(subject: DistinguishedName, spkiSha256: SpkiSha256): ClientNames {
  return { subject, subjectKey: nameKey(subject), spkiSha256 }
}

function judgeWritten(
  whitelist: Whitelist,
  entry: WhitelistEntry,
  written: readonly EstablishmentWritten[] | Denial,
): Denial | undefined {
  if ('effect' in written) return written
  if (written.length === 0) return deny('establishment-missing')
  for (const { idNatStruct, at, behind } of written) {
    if (!whitelist.permits(entry, idNatStruct)) {
      // what was looked up is another's, perhaps: the client is told what it sent, not what stands behind it
      const sent = behind === undefined ? { establishment: idNatStruct, at } : { reference: behind }
      return deny('establishment-not-permitted', { detail: idNatStruct, sent })
    }
  }
  return undefined
}

function isOverlooked(entry: WhitelistEntry, denial: Denial): boolean {
  return isReportOnly(entry) && overlookable.has(denial.reason)
}

/** Whether what the partner's own entry forbids is judged, counted and logged, but passes. */
export function isReportOnly({ partner }: WhitelistEntry): boolean {
  return partner.mode === 'report-only'
}
