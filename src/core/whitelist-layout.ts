import type { CompiledByteTable } from './byte-table.js'
import type { AttributeTypeAndValue, DistinguishedName } from './distinguished-name.js'
import type { Partner } from './partner.js'
import type { SpkiSha256 } from './spki.js'

/**
 * What a whitelist says, in flat form.
 *
 * Buffers and numbers alone, so that it moves from the thread that loads to the thread that serves
 * without a copy, and is never walked by the garbage collector.
 */
export interface FlatWhitelist {
  readonly partnerCount: number
  readonly certificateCount: number
  /** Distinct establishments over all partners. */
  readonly establishmentCount: number
  /** `partnerWidth` numbers of 32 bits for each partner. */
  readonly partners: ArrayBuffer
  /** JSON of each partner, in UTF-8. */
  readonly records: ArrayBuffer
  /** `certificateWidth` numbers of 32 bits for each certificate. */
  readonly certificates: ArrayBuffer
  /** Packed establishments (64-bit floats), sorted within each list. */
  readonly establishments: ArrayBuffer
  /** Ids of the partners, in UTF-8. */
  readonly ids: CompiledByteTable
  /** `nameKey`s in UTF-8, and for each the certificate it belongs to (32 bits). */
  readonly subjects: CompiledByteTable
  readonly subjectOwners: ArrayBuffer
  /** Pins of 32 bytes, and for each the certificate it belongs to (32 bits). */
  readonly publicKeys: CompiledByteTable
  readonly publicKeyOwners: ArrayBuffer
  /** Names of the files that places name. */
  readonly files: CompiledByteTable
}

export const partnerFields = {
  /** Where the JSON record ends in `records`; it begins where the one before ends. */
  recordEnd: 0,
  /** Behind its last certificate; its first one is behind the last of the partner before. */
  certificatesEnd: 1,
  establishmentsStart: 2,
  establishmentsEnd: 3,
  file: 4,
  line: 5,
  column: 6,
} as const
export const partnerWidth = 7

export const certificateFields = {
  partner: 0,
  /** Number of the key in `subjects`, plus 1; 0: none. */
  subject: 1,
  /** Number of the key in `publicKeys`, plus 1; 0: none. */
  publicKey: 2,
  establishmentsStart: 3,
  establishmentsEnd: 4,
  /** 1 where the establishments are its own, 0 where they are the partner's. */
  ownEstablishments: 5,
  file: 6,
  line: 7,
  column: 8,
  /** A 64-bit float in two halves: epoch milliseconds, or `Infinity`. */
  validUntilHigh: 9,
  validUntilLow: 10,
} as const
export const certificateWidth = 11

const float = new DataView(new ArrayBuffer(8))

/** A moment as two numbers of 32 bits; undefined is `Infinity`. */
export function splitMoment(moment: number | undefined): readonly [high: number, low: number] {
  float.setFloat64(0, moment ?? Infinity)
  return [float.getUint32(0), float.getUint32(4)]
}

/** The moment that `splitMoment` gave. */
export function joinMoment(high: number, low: number): number | undefined {
  float.setUint32(0, high)
  float.setUint32(4, low)
  const moment = float.getFloat64(0)
  return moment === Infinity ? undefined : moment
}

// an array is half as long as an object with its keys, and read three times as fast
type PartnerRecord = readonly [
  id: string,
  name: string,
  solution: Partner['solution'],
  mode: Partner['mode'],
  apis: Partner['apis'],
  validFrom: number | null,
  validUntil: number | null,
  rorHeaders: Partner['rorHeaders'],
  // most partners have none of these
  more?: Pick<Partner, 'rorHeadersMode' | 'clientId' | 'limits'>,
]

/** A partner's record as text. */
export function encodePartner(partner: Partner): string {
  const { id, name, solution, mode, apis, validFrom, validUntil, rorHeaders } = partner
  const { rorHeadersMode, clientId, limits } = partner
  const dates = [validFrom ?? null, validUntil ?? null] as const
  const record: PartnerRecord = [id, name, solution, mode, apis, ...dates, rorHeaders]
  if (rorHeadersMode === undefined && clientId === undefined && limits === undefined)
    return JSON.stringify(record)
  return JSON.stringify([...record, { rorHeadersMode, clientId, limits }])
}

/** The partner of a record that `encodePartner` wrote. */
export function decodePartner(record: string): Partner {
  const [id, name, solution, mode, apis, from, until, rorHeaders, more] = JSON.parse(record) as PartnerRecord // written by encodePartner alone
  return {
    id,
    name,
    solution,
    apis,
    validFrom: from ?? undefined,
    validUntil: until ?? undefined,
    rorHeaders,
    ...more,
    mode,
  }
}

/** The name that `nameKey` made this key of; the attributes of a set come sorted. */
export function nameOfKey(key: string): DistinguishedName {
  const name: AttributeTypeAndValue[][] = []
  let at = 0
  const number = (mark: string): number => {
    const end = key.indexOf(mark, at)
    const value = Number(key.slice(at, end))
    at = end + 1
    return value
  }
  const text = (length: number): string => {
    const value = key.slice(at, at + length)
    at += length + 1
    return value
  }
  while (at < key.length) {
    const size = number('[')
    const rdn: AttributeTypeAndValue[] = []
    while (rdn.length < size) {
      const type = text(number(':'))
      rdn.push({ type, value: text(number(':')) })
    }
    name.push(rdn)
    at += 1
  }
  return name
}

/** Writes the 32 bytes of a pin. */
export function writePin(pin: SpkiSha256, bytes: Uint8Array): void {
  for (let at = 0; at < 32; at += 1) {
    bytes[at] = (hexDigit(pin.charCodeAt(at * 2)) << 4) | hexDigit(pin.charCodeAt(at * 2 + 1))
  }
}

const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The pin of 32 bytes. */
export function pinOf(bytes: Uint8Array): SpkiSha256 {
  let pin = ''
  for (const byte of bytes) pin += hexPairs[byte] ?? ''
  return pin as SpkiSha256 // 32 bytes, as writePin takes them
}

// of lower-case hexadecimal, which a pin is
function hexDigit(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57
}
