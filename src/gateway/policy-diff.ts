import { formatName } from '../core/name-text.js'
import type { CertificateIdentity, PartnerDeclaration } from '../core/partner.js'
import type { Place } from '../core/diagnostic.js'
import { formatSpkiSha256 } from '../core/spki.js'
import type { OpenWhitelist } from '../core/whitelist-lookup.js'

/** Added and removed, each sorted as it was read. */
export interface ListDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** A value that is another one now; undefined: not set. */
export interface ValueDiff {
  readonly field: string
  readonly before: string | undefined
  readonly after: string | undefined
}

/** A certificate as people write it: its name, its key, or both. */
export interface CertificateDiff {
  readonly certificate: string
  readonly place: Place
  /** The partner that has it on the other side, where it changed hands. */
  readonly other: string | undefined
}

/** What is another in one partner. */
export interface PartnerDiff {
  readonly id: string
  readonly name: string
  readonly place: Place
  readonly fields: readonly ValueDiff[]
  readonly apis: ListDiff
  readonly establishments: ListDiff
  readonly certificates: {
    readonly added: readonly CertificateDiff[]
    readonly removed: readonly CertificateDiff[]
  }
  /** Certificates that stay, with other establishments of their own. */
  readonly ownEstablishments: readonly (ListDiff & { readonly certificate: string })[]
}

/** A partner that came or went, with what it brings or takes along. */
export interface WholePartner {
  readonly id: string
  readonly name: string
  readonly place: Place
  readonly apis: readonly string[]
  readonly certificates: readonly CertificateDiff[]
  readonly establishments: number
}

/** How two whitelists differ. */
export interface WhitelistDiff {
  readonly added: readonly WholePartner[]
  readonly removed: readonly WholePartner[]
  readonly changed: readonly PartnerDiff[]
  readonly unchanged: number
  /** Before and after. */
  readonly counts: Readonly<Record<'partners' | 'certificates' | 'establishments', readonly [number, number]>>
}

/** How `after` differs from `before`, partner by partner. */
export function diffWhitelists(before: OpenWhitelist, after: OpenWhitelist): WhitelistDiff {
  const old = new Map([...before.partners()].map((partner) => [partner.id, partner]))
  const owners = { before: ownersIn(old.values()), after: new Map<string, string>() }
  const added: PartnerDeclaration[] = []
  const pairs: (readonly [PartnerDeclaration, PartnerDeclaration])[] = []
  for (const partner of after.partners()) {
    const was = old.get(partner.id)
    for (const certificate of partner.certificates) owners.after.set(spelled(certificate), partner.id)
    if (was === undefined) added.push(partner)
    else pairs.push([was, partner])
    old.delete(partner.id)
  }
  const changed = pairs.flatMap(([was, is]) => diffPartners(was, is, owners) ?? [])
  return {
    added: added.map((partner) => whole(partner, owners.before)),
    removed: [...old.values()].map((partner) => whole(partner, owners.after)),
    changed,
    unchanged: pairs.length - changed.length,
    counts: {
      partners: [before.partnerCount, after.partnerCount],
      certificates: [before.certificateCount, after.certificateCount],
      establishments: [before.establishmentCount, after.establishmentCount],
    },
  }
}

/** Whether nothing differs. */
export function isSameWhitelist({ added, removed, changed }: WhitelistDiff): boolean {
  return added.length + removed.length + changed.length === 0
}

interface Owners {
  readonly before: ReadonlyMap<string, string>
  readonly after: ReadonlyMap<string, string>
}

function ownersIn(partners: Iterable<PartnerDeclaration>): Map<string, string> {
  const owners = new Map<string, string>()
  for (const { id, certificates } of partners) {
    for (const certificate of certificates) owners.set(spelled(certificate), id)
  }
  return owners
}

function diffPartners(
  was: PartnerDeclaration,
  is: PartnerDeclaration,
  owners: Owners,
): PartnerDiff | undefined {
  const before = new Map(was.certificates.map((each) => [spelled(each), each]))
  const after = new Map(is.certificates.map((each) => [spelled(each), each]))
  const gone = was.certificates.filter((each) => !after.has(spelled(each)))
  const come = is.certificates.filter((each) => !before.has(spelled(each)))
  const ownEstablishments = is.certificates.flatMap((certificate) => {
    const earlier = before.get(spelled(certificate))
    if (earlier === undefined) return []
    const diff = diffLists(earlier.establishments ?? [], certificate.establishments ?? [])
    return isEmpty(diff) ? [] : [{ certificate: spelled(certificate), ...diff }]
  })
  const fields = [...diffFields(was, is), ...diffEnds(before, is.certificates)]
  const apis = diffLists(was.apis, is.apis)
  const establishments = diffLists(was.establishments, is.establishments)
  const nothing =
    fields.length + gone.length + come.length + ownEstablishments.length === 0 &&
    isEmpty(apis) &&
    isEmpty(establishments)
  if (nothing) return undefined
  const changedHands = (list: readonly CertificateIdentity[], others: ReadonlyMap<string, string>) =>
    list.map((each) => certificateDiff(each, is.id, others))
  return {
    id: is.id,
    name: is.name,
    place: is.place,
    fields,
    apis,
    establishments,
    certificates: {
      added: changedHands(come, owners.before),
      removed: changedHands(gone, owners.after),
    },
    ownEstablishments,
  }
}

// of the certificates that stay
function diffEnds(
  before: ReadonlyMap<string, CertificateIdentity>,
  certificates: readonly CertificateIdentity[],
): readonly ValueDiff[] {
  const shown = (end: number | undefined) => (end === undefined ? undefined : new Date(end).toISOString())
  return certificates.flatMap((certificate) => {
    const earlier = before.get(spelled(certificate))
    if (earlier === undefined || earlier.validUntil === certificate.validUntil) return []
    const field = `validUntil of ${spelled(certificate)}`
    return [{ field, before: shown(earlier.validUntil), after: shown(certificate.validUntil) }]
  })
}

// whatever a declaration says beside its lists, fields to come included
function diffFields(was: PartnerDeclaration, is: PartnerDeclaration): readonly ValueDiff[] {
  const lists: ReadonlySet<string> = new Set(['id', 'place', 'certificates', 'establishments', 'apis'])
  const names = new Set([...Object.keys(was), ...Object.keys(is)])
  return [...names].flatMap((field) => {
    if (lists.has(field)) return []
    const [before, after] = [valueOf(was, field), valueOf(is, field)]
    return before === after ? [] : [{ field, before, after }]
  })
}

function valueOf(partner: PartnerDeclaration, field: string): string | undefined {
  const value: unknown = Reflect.get(partner, field)
  if (value === undefined) return undefined
  if ((field === 'validFrom' || field === 'validUntil') && typeof value === 'number') {
    return new Date(value).toISOString()
  }
  if (typeof value === 'string') return value
  const text = JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  )
  return text === '{}' ? undefined : text
}

function whole(partner: PartnerDeclaration, others: ReadonlyMap<string, string>): WholePartner {
  const { id, name, place, apis, certificates } = partner
  const own = certificates.flatMap(({ establishments }) => establishments ?? [])
  return {
    id,
    name,
    place,
    apis,
    certificates: certificates.map((each) => certificateDiff(each, id, others)),
    establishments: new Set([...partner.establishments, ...own]).size,
  }
}

function certificateDiff(
  certificate: CertificateIdentity,
  partner: string,
  others: ReadonlyMap<string, string>,
): CertificateDiff {
  const text = spelled(certificate)
  const other = others.get(text)
  return { certificate: text, place: certificate.place, other: other === partner ? undefined : other }
}

/** A certificate as the whitelist writes it. */
export function spelled({ subject, publicKey }: Pick<CertificateIdentity, 'subject' | 'publicKey'>): string {
  const parts = [
    ...(subject === undefined ? [] : [formatName(subject)]),
    ...(publicKey === undefined ? [] : [formatSpkiSha256(publicKey)]),
  ]
  return parts.join(' · ')
}

function diffLists(before: readonly string[], after: readonly string[]): ListDiff {
  const [old, next] = [new Set(before), new Set(after)]
  return {
    added: after.filter((each) => !old.has(each)),
    removed: before.filter((each) => !next.has(each)),
  }
}

function isEmpty({ added, removed }: ListDiff): boolean {
  return added.length + removed.length === 0
}
