import type { Place } from './diagnostic.js'
import type { DistinguishedName } from './distinguished-name.js'
import type { Partner } from './partner.js'
import type { SpkiSha256 } from './spki.js'

/** What the whitelist says of one listed certificate. */
export interface WhitelistEntry {
  /** Stable within one compiled whitelist only. */
  readonly index: number
  readonly partner: Partner
  /** Where the operator wrote this certificate. */
  readonly place: Place
  /** The subject demanded, where the entry names one. */
  readonly subject: DistinguishedName | undefined
  /** The pin demanded, where the entry names one. */
  readonly publicKey: SpkiSha256 | undefined
  /** Epoch milliseconds, exclusive: the end of this one certificate, beside the partner's; undefined: none. */
  readonly validUntil: number | undefined
  /** How many establishments this certificate may write for. */
  readonly establishmentCount: number
}

/** Immutable lookups; each costs the same whatever the number of partners. */
export interface Whitelist {
  readonly partnerCount: number
  readonly certificateCount: number
  /** Distinct establishments over all partners. */
  readonly establishmentCount: number
  /** The entry that lists this name (key from `nameKey`). */
  findBySubject(subjectKey: string): WhitelistEntry | undefined
  findByPublicKey(publicKey: SpkiSha256): WhitelistEntry | undefined
  /** Whether the certificate of this entry may write for this establishment (IdNatStruct, `1350054680`). */
  permits(entry: WhitelistEntry, establishment: string): boolean
}
