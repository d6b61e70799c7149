import { ByteTableBuilder, type CompiledByteTable } from './byte-table.js'
import type { Diagnostic, Place } from './diagnostic.js'
import { nameKey } from './distinguished-name.js'
import { growingBytes, growingFloat64, growingUint32 } from './growing-array.js'
import { formatName } from './name-text.js'
import { packEstablishment, unpackEstablishment } from './packed-establishment.js'
import type { CertificateIdentity, PartnerDeclaration } from './partner.js'
import type { Result } from './result.js'
import { formatSpkiSha256 } from './spki.js'
import { WhitelistFindings } from './whitelist-findings.js'
import {
  certificateFields,
  certificateWidth,
  encodePartner,
  partnerFields,
  partnerWidth,
  splitMoment,
  writePin,
  type FlatWhitelist,
} from './whitelist-layout.js'
import { WhitelistLookup, type OpenWhitelist } from './whitelist-lookup.js'

/** A whitelist as flat buffers: moved between threads without a copy (`transferablesOf`). */
export type CompiledWhitelist = FlatWhitelist

/** Opens a compiled whitelist for lookups. The cost does not depend on its size. */
export function openWhitelist(compiled: CompiledWhitelist): OpenWhitelist {
  return new WhitelistLookup(compiled)
}

/** The buffers of a compiled whitelist, for the transfer list of a message. */
export function transferablesOf(compiled: CompiledWhitelist): ArrayBuffer[] {
  const tables: readonly CompiledByteTable[] = [
    compiled.ids,
    compiled.subjects,
    compiled.publicKeys,
    compiled.files,
  ]
  return [
    ...tables.flatMap(({ keys, ends, slots }) => [keys, ends, slots]),
    compiled.subjectOwners,
    compiled.publicKeyOwners,
    compiled.partners,
    compiled.records,
    compiled.certificates,
    compiled.establishments,
  ]
}

// a stretch of the establishments
interface Range {
  readonly start: number
  readonly end: number
}

/**
 * Compiles a whitelist partner by partner; nothing of a declaration is kept but its flat form.
 *
 * Every problem is collected, with both places where two entries collide: two certificates that
 * claim one name or one key (in one partner or two), two partners of one id, an entry that can
 * match nothing, no entry at all. With one of them there is no whitelist.
 */
export class WhitelistBuilder {
  readonly #findings = new WhitelistFindings()
  readonly #origin: Place
  readonly #ids = new ByteTableBuilder()
  readonly #idOwners = growingUint32()
  readonly #subjects = new ByteTableBuilder()
  readonly #subjectOwners = growingUint32()
  readonly #publicKeys = new ByteTableBuilder()
  readonly #publicKeyOwners = growingUint32()
  readonly #files = new ByteTableBuilder()
  readonly #fileNames: string[] = []
  readonly #partners = growingUint32()
  readonly #records = growingBytes()
  readonly #certificates = growingUint32()
  readonly #establishments = growingFloat64()
  readonly #encoder = new TextEncoder()
  #partnerCount = 0
  #certificateCount = 0

  /** @param origin - where the whitelist is named, for the problem that it is empty */
  constructor(origin: Place = { file: 'whitelist', line: 1, column: 1 }) {
    this.#origin = origin
  }

  add(declaration: PartnerDeclaration): void {
    const { certificates, establishments, place, ...partner } = declaration
    this.#findings.judgePartner(declaration)
    const index = this.#partnerCount
    this.#partnerCount += 1
    const id = this.#ids.put(this.#encoder.encode(partner.id))
    if (id.isNew) this.#idOwners.push(index)
    else {
      const owner = this.#idOwners.array[id.index] ?? 0
      const first = this.#place(this.#partners.array, owner * partnerWidth + partnerFields.file)
      this.#findings.collision({ code: 'duplicate-partner', what: `the id \`${partner.id}\``, place, first })
    }
    this.#records.append(this.#encoder.encode(encodePartner(partner)))
    const shared = this.#addEstablishments(establishments, place)
    for (const certificate of certificates) this.#addCertificate(certificate, index, shared)
    this.#partners.push(
      this.#records.length,
      this.#certificateCount,
      shared.start,
      shared.end,
      this.#fileNumber(place.file),
      place.line,
      place.column,
    )
  }

  /** The whitelist with the warnings, or every error (with the warnings behind them). */
  finish(): Result<{ whitelist: CompiledWhitelist; warnings: readonly Diagnostic[] }, readonly Diagnostic[]> {
    if (this.#partnerCount === 0) {
      this.#findings.error('whitelist-empty', this.#origin, 'the whitelist holds no partner')
    }
    const { errors, warnings } = this.#findings.all()
    if (errors.length > 0) return { ok: false, problem: [...errors, ...warnings] }
    const establishments = this.#establishments.finish()
    const whitelist: CompiledWhitelist = {
      partnerCount: this.#partnerCount,
      certificateCount: this.#certificateCount,
      establishmentCount: countDistinct(new Float64Array(establishments)),
      partners: this.#partners.finish(),
      records: this.#records.finish(),
      certificates: this.#certificates.finish(),
      establishments,
      ids: this.#ids.finish(),
      subjects: this.#subjects.finish(),
      subjectOwners: this.#subjectOwners.finish(),
      publicKeys: this.#publicKeys.finish(),
      publicKeyOwners: this.#publicKeyOwners.finish(),
      files: this.#files.finish(),
    }
    return { ok: true, value: { whitelist, warnings } }
  }

  #addCertificate(certificate: CertificateIdentity, partner: number, shared: Range): void {
    const { subject, publicKey, establishments, validUntil, place } = certificate
    const index = this.#certificateCount
    this.#certificateCount += 1
    const own = establishments === undefined ? undefined : this.#addEstablishments(establishments, place)
    const { start, end } = own ?? shared
    let subjectNumber = 0
    let publicKeyNumber = 0
    if (subject !== undefined) {
      const key = this.#subjects.put(this.#encoder.encode(nameKey(subject)))
      subjectNumber = key.index + 1
      if (key.isNew) this.#subjectOwners.push(index)
      else {
        const first = this.#placeOf(this.#subjectOwners.array[key.index] ?? 0)
        const what = `the subject \`${formatName(subject)}\``
        this.#findings.collision({ code: 'duplicate-subject', what, place, first })
      }
    }
    if (publicKey !== undefined) {
      const pin = new Uint8Array(32)
      writePin(publicKey, pin)
      const key = this.#publicKeys.put(pin)
      publicKeyNumber = key.index + 1
      if (key.isNew) this.#publicKeyOwners.push(index)
      else {
        const first = this.#placeOf(this.#publicKeyOwners.array[key.index] ?? 0)
        const what = `the public key \`${formatSpkiSha256(publicKey)}\``
        this.#findings.collision({ code: 'duplicate-public-key', what, place, first })
      }
    }
    this.#certificates.push(
      partner,
      subjectNumber,
      publicKeyNumber,
      start,
      end,
      own === undefined ? 0 : 1,
      this.#fileNumber(place.file),
      place.line,
      place.column,
      ...splitMoment(validUntil),
    )
  }

  // sorted, each once
  #addEstablishments(establishments: readonly string[], place: Place): Range {
    const start = this.#establishments.length
    const packed: number[] = []
    for (const establishment of establishments) {
      const number = packEstablishment(establishment)
      if (number !== undefined) packed.push(number)
      else {
        const message = `expected an IdNatStruct (\`1\` and the FINESS number), found \`${establishment}\``
        this.#findings.error('establishment-malformed', place, message)
      }
    }
    const sorted = Float64Array.from(packed).sort()
    const twice = new Set<string>()
    for (const [index, number] of sorted.entries()) {
      if (index > 0 && sorted[index - 1] === number) twice.add(unpackEstablishment(number))
      else this.#establishments.push(number)
    }
    if (twice.size > 0) this.#findings.duplicateEstablishments(place, [...twice])
    return { start, end: this.#establishments.length }
  }

  #placeOf(certificate: number): Place {
    return this.#place(this.#certificates.array, certificate * certificateWidth + certificateFields.file)
  }

  // file, line and column stand one behind the other in both records
  #place(numbers: Uint32Array, at: number): Place {
    const file = this.#fileNames[numbers[at] ?? 0] ?? ''
    return { file, line: numbers[at + 1] ?? 0, column: numbers[at + 2] ?? 0 }
  }

  #fileNumber(file: string): number {
    // nearly always the file of the entry before
    const last = this.#fileNames.length - 1
    if (this.#fileNames[last] === file) return last
    const { index, isNew } = this.#files.put(this.#encoder.encode(file))
    if (isNew) this.#fileNames.push(file)
    return index
  }
}

function countDistinct(establishments: Float64Array): number {
  const sorted = establishments.toSorted()
  let distinct = 0
  for (let index = 0; index < sorted.length; index += 1) {
    if (index === 0 || sorted[index - 1] !== sorted[index]) distinct += 1
  }
  return distinct
}
