import type { Place } from './diagnostic.js'
import type { DistinguishedName } from './distinguished-name.js'
import type { CertificateIdentity, Partner, PartnerDeclaration } from './partner.js'
import type { SpkiSha256 } from './spki.js'
import { writePin, type FlatWhitelist } from './whitelist-layout.js'
import { WhitelistReader } from './whitelist-reader.js'
import type { Whitelist, WhitelistEntry } from './whitelist.js'

/** A partner with those of its certificates that may write for an establishment. */
export interface EstablishmentWriter {
  readonly partner: PartnerDeclaration
  readonly certificates: readonly CertificateIdentity[]
}

/** Lookups, and for the tools what the whitelist holds. */
export interface OpenWhitelist extends Whitelist {
  /** Whether a partner of this id is listed. */
  hasPartner(id: string): boolean
  /** The id of a partner, by its number (0 to `partnerCount`, exclusive), in UTF-8. */
  idOf(partner: number): Uint8Array
  /** The number of the partner of this id (UTF-8), or -1. */
  partnerNumber(id: Uint8Array): number
  /** What a partner or one of its certificates lists, packed (`packEstablishment`): sorted, each once. */
  packedEstablishments(partner: number): Float64Array
  /** Every partner in the order read, decoded one by one; establishments sorted, each once. */
  partners(): Generator<PartnerDeclaration>
  /** Who may write for this establishment (IdNatStruct). */
  partnersFor(establishment: string): Generator<EstablishmentWriter>
}

// entries decoded last, so that a busy partner's record is not decoded for each request
const keptEntries = 1024

/** The lookups of a compiled whitelist. Making one costs the same whatever its size. */
export class WhitelistLookup implements OpenWhitelist {
  readonly partnerCount: number
  readonly certificateCount: number
  readonly establishmentCount: number
  readonly #reader: WhitelistReader
  readonly #subjectOwners: Uint32Array
  readonly #publicKeyOwners: Uint32Array
  readonly #encoder = new TextEncoder()
  readonly #pin = new Uint8Array(32)
  readonly #kept: (WhitelistEntry | undefined)[] = []
  #scratch = new Uint8Array(1024)

  constructor(compiled: FlatWhitelist) {
    this.partnerCount = compiled.partnerCount
    this.certificateCount = compiled.certificateCount
    this.establishmentCount = compiled.establishmentCount
    this.#reader = new WhitelistReader(compiled)
    this.#subjectOwners = new Uint32Array(compiled.subjectOwners)
    this.#publicKeyOwners = new Uint32Array(compiled.publicKeyOwners)
  }

  findBySubject(subjectKey: string): WhitelistEntry | undefined {
    // a UTF-16 unit takes three bytes at most
    if (subjectKey.length * 3 > this.#scratch.length) this.#scratch = new Uint8Array(subjectKey.length * 3)
    const { written } = this.#encoder.encodeInto(subjectKey, this.#scratch)
    return this.#owner(this.#subjectOwners, this.#reader.subjects.indexOf(this.#scratch, written))
  }

  findByPublicKey(publicKey: SpkiSha256): WhitelistEntry | undefined {
    writePin(publicKey, this.#pin)
    return this.#owner(this.#publicKeyOwners, this.#reader.publicKeys.indexOf(this.#pin, 32))
  }

  permits(entry: WhitelistEntry, establishment: string): boolean {
    // the index of an entry means another certificate in another whitelist: there it permits nothing
    if (!(entry instanceof TableEntry) || !entry.isOf(this)) return false
    return this.#reader.lists(entry.index, establishment)
  }

  hasPartner(id: string): boolean {
    return this.partnerNumber(this.#encoder.encode(id)) !== -1
  }

  idOf(partner: number): Uint8Array {
    return this.#reader.ids.keyAt(partner)
  }

  partnerNumber(id: Uint8Array): number {
    return this.#reader.ids.indexOf(id, id.length)
  }

  packedEstablishments(partner: number): Float64Array {
    return this.#reader.packedEstablishments(partner)
  }

  *partners(): Generator<PartnerDeclaration> {
    for (let partner = 0; partner < this.partnerCount; partner += 1) yield this.#reader.declaration(partner)
  }

  *partnersFor(establishment: string): Generator<EstablishmentWriter> {
    for (let partner = 0; partner < this.partnerCount; partner += 1) {
      const certificates: CertificateIdentity[] = []
      const [first, end] = this.#reader.certificatesOf(partner)
      for (let index = first; index < end; index += 1) {
        if (this.#reader.lists(index, establishment)) certificates.push(this.#reader.identity(index))
      }
      if (certificates.length > 0) yield { partner: this.#reader.declaration(partner), certificates }
    }
  }

  #owner(owners: Uint32Array, key: number): WhitelistEntry | undefined {
    const index = owners[key]
    if (index === undefined) return undefined
    const kept = this.#kept[index % keptEntries]
    if (kept?.index === index) return kept
    const entry = new TableEntry(this, this.#reader, index)
    this.#kept[index % keptEntries] = entry
    return entry
  }
}

// decodes what it is asked for, once; knows the whitelist it came from
class TableEntry implements WhitelistEntry {
  readonly index: number
  readonly #whitelist: Whitelist
  readonly #reader: WhitelistReader
  #partner: Partner | undefined
  #subject: DistinguishedName | undefined
  #publicKey: SpkiSha256 | undefined

  constructor(whitelist: Whitelist, reader: WhitelistReader, index: number) {
    this.#whitelist = whitelist
    this.#reader = reader
    this.index = index
  }

  get partner(): Partner {
    return (this.#partner ??= this.#reader.partnerOf(this.index))
  }

  get place(): Place {
    return this.#reader.placeOf(this.index)
  }

  get subject(): DistinguishedName | undefined {
    return (this.#subject ??= this.#reader.subjectOf(this.index))
  }

  get publicKey(): SpkiSha256 | undefined {
    return (this.#publicKey ??= this.#reader.publicKeyOf(this.index))
  }

  get validUntil(): number | undefined {
    return this.#reader.validUntilOf(this.index)
  }

  get establishmentCount(): number {
    return this.#reader.establishmentCountOf(this.index)
  }

  isOf(whitelist: Whitelist): boolean {
    return this.#whitelist === whitelist
  }
}
