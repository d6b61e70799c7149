import { nameKey, type DistinguishedName } from '../core/distinguished-name.js'
import { codePoint } from '../core/name-problem.js'
import { formatName, formatNameSlash, parseName } from '../core/name-text.js'
import { formatSpkiSha256, type SpkiSha256 } from '../core/spki.js'
import type { YamlMapping } from '../config/yaml-layout.js'
import { judgeCandidate, listingsOf, type CandidateFinding, type Listing } from '../gateway/candidate.js'
import { shownPlace } from './desk-output.js'
import type { Finding, FindingFacts } from './desk-finding.js'
import type { GivenCertificate, GivenKey } from './handed-in.js'
import type { WhitelistDesk } from './whitelist-desk.js'

/** What of a certificate is written into the whitelist. */
export type ListedBy = 'subject' | 'publicKey' | 'both'

/** Who is to be listed, and how. */
export interface CandidateWishes {
  readonly desk: WhitelistDesk
  readonly partner: string
  readonly by: ListedBy
  /** Epoch milliseconds. */
  readonly now: number
}

/** What is to be written for certificates, and what there is to say of them. */
export interface Candidates {
  /** One mapping for each that is not listed for the partner yet. */
  readonly items: readonly YamlMapping[]
  readonly findings: readonly Finding[]
}

/** A certificate, a name that was given as text alone, or a public key alone. */
interface Identity {
  readonly about: string
  readonly subject: DistinguishedName | undefined
  readonly publicKey: SpkiSha256 | undefined
}

/** Judges certificates for the whitelist: each by itself, by its environment, and by who lists it already. */
export function judgeGiven(given: readonly GivenCertificate[], wishes: CandidateWishes): Candidates {
  const { desk, now } = wishes
  const findings: Finding[] = []
  const identities = given.map(({ about, certificate, beside }): Identity => {
    const { subject, spkiSha256: publicKey, notAfter } = certificate
    const facts = { written: spellName(subject), until: dayOf(notAfter) }
    findings.push({ severity: 'note', about, facts: { code: 'certificate-read', ...facts } })
    for (const found of judgeCandidate({ certificate, beside, within: desk.within }, now)) {
      findings.push({ severity: severityOf(found), about, facts: factsOf(found) })
    }
    if (desk.within === undefined) findings.push({ severity: 'note', about, facts: { code: 'not-judged' } })
    return { about, subject, publicKey }
  })
  const listed = judgeIdentities(identities, wishes)
  return { items: listed.items, findings: [...findings, ...listed.findings] }
}

/** Judges names that were given as text: nothing of a certificate is known but who lists it. */
export function judgeNames(names: readonly DistinguishedName[], wishes: CandidateWishes): Candidates {
  const identities = names.map((subject): Identity => {
    return { about: spellName(subject), subject, publicKey: undefined }
  })
  const { items, findings } = judgeIdentities(identities, { ...wishes, by: 'subject' })
  return { items, findings: [...identities.flatMap(typographyOf), ...findings] }
}

/** What a mail or a word processor puts in the place of a plain character. */
const unseen = /(?! )\p{Zs}|\p{Cf}/gu
const typographic = /[\u2010-\u2015\u2018-\u201F\u2026]/gu

function typographyOf({ about, subject }: Identity): readonly Finding[] {
  const values = (subject ?? []).flatMap((rdn) => rdn.map(({ value }) => value))
  const found = (pattern: RegExp) => {
    return values.flatMap((value) => [...value.matchAll(pattern)].map(([text]) => ({ text, value })))
  }
  const [hidden, odd] = [found(unseen), found(typographic)]
  const facts = (list: typeof odd) => {
    const characters = [...new Set(list.map(({ text }) => codePoint(text)))]
    return {
      code: 'name-typography',
      characters,
      values: [...new Set(list.map(({ value }) => value))],
    } as const
  }
  const findings: Finding[] = []
  if (hidden.length > 0) findings.push({ severity: 'error', about, facts: facts(hidden) })
  if (odd.length > 0) findings.push({ severity: 'warning', about, facts: facts(odd) })
  return findings
}

/**
 * Judges public keys that came without their certificates: nothing but who lists them is known.
 *
 * An error where the entry goes by names, too: an API that asks for one would let nobody in.
 */
export function judgeKeys(keys: readonly GivenKey[], wishes: CandidateWishes): Candidates {
  const severity = wishes.by === 'publicKey' ? 'warning' : 'error'
  const findings = keys.map(({ about, publicKey }): Finding => {
    const facts = { code: 'key-alone', pin: formatSpkiSha256(publicKey) } as const
    return { severity, about, facts }
  })
  if (wishes.by !== 'publicKey') return { items: [], findings }
  const listed = judgeIdentities(
    keys.map((key): Identity => ({ ...key, subject: undefined })),
    wishes,
  )
  return { items: listed.items, findings: [...findings, ...listed.findings] }
}

/** A name as a whitelist writes it: RFC 4514, or with slashes where that could be read in two directions. */
export function spellName(name: DistinguishedName): string {
  const text = formatName(name)
  const read = parseName(text)
  return read.ok && nameKey(read.value) === nameKey(name) ? text : formatNameSlash(name)
}

/** The day of an instant, in UTC. */
function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

function judgeIdentities(
  identities: readonly Identity[],
  { desk, partner, by }: Pick<CandidateWishes, 'desk' | 'partner' | 'by'>,
): Candidates {
  const items = new Map<string, YamlMapping>()
  const findings: Finding[] = []
  for (const { about, subject, publicKey } of identities) {
    const item = itemOf(subject, by === 'subject' ? undefined : publicKey, by === 'publicKey')
    const listings = listingsIn(desk, subject, publicKey)
    for (const { by: listedBy, partner: owner, place } of listings) {
      if (owner === partner) continue
      const facts = {
        code: 'certificate-claimed',
        by: listedBy,
        partner: owner,
        place: shownPlace(place),
      } as const
      findings.push({ severity: 'error', about, facts })
    }
    const own = listings.find((each) => each.partner === partner && each.by in item)
    if (own === undefined) items.set(JSON.stringify(item), item)
    else {
      const facts = { code: 'certificate-listed', by: own.by, place: shownPlace(own.place) } as const
      findings.push({ severity: 'note', about, facts })
    }
  }
  return { items: [...items.values()], findings }
}

/** A certificate as an item of the whitelist. */
export function itemOf(
  subject: DistinguishedName | undefined,
  publicKey: SpkiSha256 | undefined,
  isKeyAlone: boolean,
): Readonly<Record<string, string>> {
  return {
    ...(subject !== undefined && !isKeyAlone && { subject: spellName(subject) }),
    ...(publicKey !== undefined && { publicKey: formatSpkiSha256(publicKey) }),
  }
}

function listingsIn(
  { whitelist }: WhitelistDesk,
  subject: DistinguishedName | undefined,
  publicKey: SpkiSha256 | undefined,
): readonly Listing[] {
  const subjectKey = subject === undefined ? undefined : nameKey(subject)
  return whitelist === undefined ? [] : listingsOf(whitelist, { subjectKey, publicKey })
}

function severityOf(found: CandidateFinding): Finding['severity'] {
  if (found.code === 'certificate-expiring') return 'warning'
  // a list that is not fresh is the operator's to mend, and certificates begin when they begin
  const isPassing =
    found.code === 'refused' &&
    (found.reason === 'revocation-unknown' || found.reason === 'certificate-not-yet-valid')
  return isPassing ? 'warning' : 'error'
}

function factsOf(found: CandidateFinding): FindingFacts {
  if (found.code !== 'certificate-expiring') return found
  return { code: found.code, on: dayOf(found.notAfter), days: found.days }
}
