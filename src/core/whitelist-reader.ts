import { ByteTable } from './byte-table.js'
import type { Place } from './diagnostic.js'
import { packEstablishment, unpackEstablishment } from './packed-establishment.js'
import type { DistinguishedName } from './distinguished-name.js'
import type { CertificateIdentity, Partner, PartnerDeclaration } from './partner.js'
import type { SpkiSha256 } from './spki.js'
import {
  certificateFields,
  certificateWidth,
  decodePartner,
  joinMoment,
  nameOfKey,
  partnerFields,
  partnerWidth,
  pinOf,
  type FlatWhitelist,
} from './whitelist-layout.js'

/** Reads the flat records: decodes one partner or certificate at a time, and searches lists in place. */
export class WhitelistReader {
  readonly ids: ByteTable
  readonly subjects: ByteTable
  readonly publicKeys: ByteTable
  readonly #files: ByteTable
  readonly #partners: Uint32Array
  readonly #records: Uint8Array
  readonly #certificates: Uint32Array
  readonly #establishments: Float64Array
  // a decoder that throws costs three times as much, and the bytes are the builder's own
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  constructor(flat: FlatWhitelist) {
    this.ids = new ByteTable(flat.ids)
    this.subjects = new ByteTable(flat.subjects)
    this.publicKeys = new ByteTable(flat.publicKeys)
    this.#files = new ByteTable(flat.files)
    this.#partners = new Uint32Array(flat.partners)
    this.#records = new Uint8Array(flat.records)
    this.#certificates = new Uint32Array(flat.certificates)
    this.#establishments = new Float64Array(flat.establishments)
  }

  /** Whether the establishment stands in the list of the certificate (its own, or its partner's). */
  lists(certificate: number, establishment: string): boolean {
    const wanted = packEstablishment(establishment)
    if (wanted === undefined) return false
    let low = this.#ofCertificate(certificate, 'establishmentsStart')
    let high = this.#ofCertificate(certificate, 'establishmentsEnd')
    while (low < high) {
      const middle = (low + high) >>> 1
      const found = this.#establishments[middle] ?? Number.NaN
      if (found === wanted) return true
      if (found < wanted) low = middle + 1
      else high = middle
    }
    return false
  }

  /** What was declared of a partner; its establishments sorted, each once. */
  declaration(partner: number): PartnerDeclaration {
    const [first, end] = this.certificatesOf(partner)
    const certificates: CertificateIdentity[] = []
    for (let index = first; index < end; index += 1) certificates.push(this.identity(index))
    const start = this.#ofPartner(partner, 'establishmentsStart')
    return {
      ...this.#partner(partner),
      certificates,
      establishments: this.#unpacked(start, this.#ofPartner(partner, 'establishmentsEnd')),
      place: this.#place(this.#partners, partner * partnerWidth + partnerFields.file),
    }
  }

  #partner(partner: number): Partner {
    const start = partner === 0 ? 0 : this.#ofPartner(partner - 1, 'recordEnd')
    const record = this.#records.subarray(start, this.#ofPartner(partner, 'recordEnd'))
    return decodePartner(this.#decoder.decode(record))
  }

  /** The certificates of a partner: number of the first one, and of the one behind the last. */
  certificatesOf(partner: number): readonly [first: number, end: number] {
    const first = partner === 0 ? 0 : this.#ofPartner(partner - 1, 'certificatesEnd')
    return [first, this.#ofPartner(partner, 'certificatesEnd')]
  }

  /** Every establishment of a partner, its own and those of its certificates: packed, sorted, each once. */
  packedEstablishments(partner: number): Float64Array {
    const start = this.#ofPartner(partner, 'establishmentsStart')
    const isLast = (partner + 1) * partnerWidth >= this.#partners.length
    // the builder writes the lists of its certificates right behind the partner's own
    const end = isLast ? this.#establishments.length : this.#ofPartner(partner + 1, 'establishmentsStart')
    const written = this.#establishments.subarray(start, end)
    if (end === this.#ofPartner(partner, 'establishmentsEnd')) return written
    return written.toSorted().filter((number, index, sorted) => number !== sorted[index - 1])
  }

  /** What was declared of a certificate. */
  identity(certificate: number): CertificateIdentity {
    const start = this.#ofCertificate(certificate, 'establishmentsStart')
    const end = this.#ofCertificate(certificate, 'establishmentsEnd')
    const validUntil = this.validUntilOf(certificate)
    const isOwn = this.#ofCertificate(certificate, 'ownEstablishments') === 1
    return {
      subject: this.subjectOf(certificate),
      publicKey: this.publicKeyOf(certificate),
      establishments: isOwn ? this.#unpacked(start, end) : undefined,
      ...(validUntil !== undefined && { validUntil }),
      place: this.placeOf(certificate),
    }
  }

  partnerOf(certificate: number): Partner {
    return this.#partner(this.#ofCertificate(certificate, 'partner'))
  }

  subjectOf(certificate: number): DistinguishedName | undefined {
    const subject = this.#ofCertificate(certificate, 'subject')
    return subject === 0 ? undefined : nameOfKey(this.#decoder.decode(this.subjects.keyAt(subject - 1)))
  }

  publicKeyOf(certificate: number): SpkiSha256 | undefined {
    const publicKey = this.#ofCertificate(certificate, 'publicKey')
    return publicKey === 0 ? undefined : pinOf(this.publicKeys.keyAt(publicKey - 1))
  }

  validUntilOf(certificate: number): number | undefined {
    const high = this.#ofCertificate(certificate, 'validUntilHigh')
    return joinMoment(high, this.#ofCertificate(certificate, 'validUntilLow'))
  }

  placeOf(certificate: number): Place {
    return this.#place(this.#certificates, certificate * certificateWidth + certificateFields.file)
  }

  /** How many establishments its list has, its own or its partner's. */
  establishmentCountOf(certificate: number): number {
    const start = this.#ofCertificate(certificate, 'establishmentsStart')
    return this.#ofCertificate(certificate, 'establishmentsEnd') - start
  }

  #ofCertificate(certificate: number, field: keyof typeof certificateFields): number {
    return this.#certificates[certificate * certificateWidth + certificateFields[field]] ?? 0
  }

  #ofPartner(partner: number, field: keyof typeof partnerFields): number {
    return this.#partners[partner * partnerWidth + partnerFields[field]] ?? 0
  }

  #unpacked(start: number, end: number): readonly string[] {
    return Array.from(this.#establishments.subarray(start, end), unpackEstablishment)
  }

  // file, line and column stand one behind the other in both records
  #place(numbers: Uint32Array, at: number): Place {
    const file = this.#decoder.decode(this.#files.keyAt(numbers[at] ?? 0))
    return { file, line: numbers[at + 1] ?? 0, column: numbers[at + 2] ?? 0 }
  }
}
