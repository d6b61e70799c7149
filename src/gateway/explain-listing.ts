import { findEntry, type ClientNames } from '../core/admission.js'
import type { Api } from '../core/api.js'
import type { Place } from '../core/diagnostic.js'
import { isSameName, type DistinguishedName } from '../core/distinguished-name.js'
import { differencesBetween, nearestNames, type NameDifference } from '../core/name-difference.js'
import { formatName } from '../core/name-text.js'
import type { OpenWhitelist } from '../core/whitelist-lookup.js'
import type { WhitelistEntry } from '../core/whitelist.js'
import type { Policy } from './policy.js'

/** A sentence for the operator, in both languages. */
export interface Sentence {
  readonly en: string
  readonly fr: string
}

/** An entry that is not the client's, and what keeps it from being. */
export interface NearEntry {
  /**
   * `name`: a near name; `key`: it pins another key; `subject`: it pins this key under another name;
   * `match`: it lists the client, but not by what the API demands; `twice`: one of two that claim it;
   * `environment`: it lists the client, but elsewhere.
   */
  readonly kind: 'name' | 'key' | 'subject' | 'match' | 'twice' | 'environment'
  readonly environment: string
  readonly partner: string
  readonly place: Place
  readonly subject: string | undefined
  readonly says: Sentence
  readonly differences: readonly NameDifference[]
}

/** Whether a client is listed for an API, and where; or the entries that come near. */
export interface Listing {
  readonly entry: WhitelistEntry | undefined
  readonly near: readonly NearEntry[]
}

interface ListingQuestion {
  readonly policy: Policy
  readonly environment: string
  /** Undefined where no API stands at the host and path. */
  readonly api: Api | undefined
  readonly names: ClientNames
}

/**
 * Where this client is listed for this API, as `admit` finds it; failing that, what comes near.
 *
 * For explanations alone: it may take a second where 100,000 partners are listed.
 */
export function explainListing(question: ListingQuestion): Listing {
  const { policy, environment, api, names } = question
  const whitelist = policy.environments.get(environment)?.whitelist
  if (whitelist === undefined) return { entry: undefined, near: [] }
  const entry = findEntry(whitelist, names, api)
  if (entry !== undefined) return { entry, near: [] }
  const claimed = claims(whitelist, question)
  const elsewhere = [...policy.environments.values()].flatMap((other) =>
    other.name === environment ? [] : listedIn(other.name, other.whitelist, names),
  )
  const close = [...claimed, ...elsewhere]
  return { entry: undefined, near: close.length > 0 ? close : nearestIn(whitelist, question) }
}

/** Entries with the client's own name or key that are not its entry for this API. */
function claims(
  whitelist: OpenWhitelist,
  { environment, api, names }: ListingQuestion,
): readonly NearEntry[] {
  const bySubject = whitelist.findBySubject(names.subjectKey)
  const byPublicKey = whitelist.findByPublicKey(names.spkiSha256)
  const near = (kind: NearEntry['kind'], entry: WhitelistEntry, says: Sentence): NearEntry =>
    nearEntry({ kind, environment, entry, says, found: names.subject })
  if (
    bySubject !== undefined &&
    byPublicKey !== undefined &&
    bySubject.partner.id !== byPublicKey.partner.id &&
    (api?.match ?? 'either') === 'either'
  ) {
    const says = {
      en: `the name belongs to \`${bySubject.partner.id}\`, the key to \`${byPublicKey.partner.id}\`: one certificate of two partners is nobody's`,
      fr: `le nom est celui de \`${bySubject.partner.id}\`, la clé celle de \`${byPublicKey.partner.id}\` : le certificat de deux partenaires n’est celui de personne`,
    }
    return [near('twice', bySubject, says), near('twice', byPublicKey, says)]
  }
  const found: NearEntry[] = []
  if (bySubject !== undefined) {
    const pinsOther = bySubject.publicKey !== undefined && bySubject.publicKey !== names.spkiSha256
    found.push(
      pinsOther
        ? near('key', bySubject, {
            en: 'the name is listed, but with another public key: was the certificate renewed?',
            fr: 'le nom est inscrit, mais avec une autre clé publique : le certificat a-t-il été renouvelé ?',
          })
        : near('match', bySubject, notByThis('subject', api)),
    )
  }
  if (byPublicKey !== undefined && byPublicKey.index !== bySubject?.index) {
    const { subject } = byPublicKey
    const isOther = subject !== undefined && !isSameName(subject, names.subject)
    found.push(
      isOther
        ? near('subject', byPublicKey, {
            en: 'the public key is listed, but under another name',
            fr: 'la clé publique est inscrite, mais sous un autre nom',
          })
        : near('match', byPublicKey, notByThis('public-key', api)),
    )
  }
  return found
}

function notByThis(by: 'subject' | 'public-key', api: Api | undefined): Sentence {
  const name = api?.name ?? ''
  return by === 'subject'
    ? {
        en: `the certificate is listed by its name, but \`${name}\` asks for its public key: add \`publicKey\` to an entry`,
        fr: `le certificat est inscrit par son nom, mais \`${name}\` demande sa clé publique : ajoutez \`publicKey\` à une entrée`,
      }
    : {
        en: `the certificate is listed by its public key, but \`${name}\` asks for its name: add \`subject\` to an entry`,
        fr: `le certificat est inscrit par sa clé publique, mais \`${name}\` demande son nom : ajoutez \`subject\` à une entrée`,
      }
}

function listedIn(environment: string, whitelist: OpenWhitelist, names: ClientNames): readonly NearEntry[] {
  const entry = findEntry(whitelist, names, undefined)
  if (entry === undefined) return []
  const says = {
    en: `the certificate is listed in the environment \`${environment}\` only`,
    fr: `le certificat n’est inscrit que dans l’environnement \`${environment}\``,
  }
  return [nearEntry({ kind: 'environment', environment, entry, says, found: names.subject })]
}

/** The entries whose names come nearest, with what differs. */
function nearestIn(
  whitelist: OpenWhitelist,
  { environment, names }: Pick<ListingQuestion, 'environment' | 'names'>,
): readonly NearEntry[] {
  const owners = new Map<DistinguishedName, { readonly partner: string; readonly place: Place }>()
  function* candidates(): Generator<DistinguishedName> {
    for (const { id, certificates } of whitelist.partners()) {
      for (const { subject, place } of certificates) {
        if (subject === undefined) continue
        owners.set(subject, { partner: id, place })
        yield subject
      }
    }
  }
  return nearestNames(names.subject, candidates()).flatMap(({ name, differences }) => {
    const owner = owners.get(name)
    if (owner === undefined) return []
    const says = {
      en: `a near name is listed for \`${owner.partner}\``,
      fr: `un nom proche est inscrit pour \`${owner.partner}\``,
    }
    return [{ kind: 'name' as const, environment, ...owner, subject: formatName(name), says, differences }]
  })
}

function nearEntry({
  kind,
  environment,
  entry,
  says,
  found,
}: Pick<NearEntry, 'kind' | 'environment' | 'says'> & {
  entry: WhitelistEntry
  found: DistinguishedName
}): NearEntry {
  const { subject, place, partner } = entry
  return {
    kind,
    environment,
    partner: partner.id,
    place,
    subject: subject === undefined ? undefined : formatName(subject),
    says,
    differences: subject === undefined ? [] : differencesBetween(subject, found),
  }
}
