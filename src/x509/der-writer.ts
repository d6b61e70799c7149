import forge from 'node-forge'

const { asn1 } = forge

/** An element being built; `encode` makes it bytes. */
export type DerElement = forge.asn1.Asn1

/** What an element may hold: text stands for itself in Latin-1, so binary goes in as bytes. */
type Contents = Uint8Array | string

export function sequence(...items: readonly DerElement[]): DerElement {
  return element(0x30, [...items])
}

/** A SET OF, sorted as DER wants it. @see X.690 section 11.6 */
export function setOf(...items: readonly DerElement[]): DerElement {
  const sorted = items.map((item) => ({ item, bytes: encode(item) }))
  sorted.sort((one, other) => Buffer.compare(one.bytes, other.bytes))
  return element(
    0x31,
    sorted.map(({ item }) => item),
  )
}

/** `[n] EXPLICIT`. */
export function explicit(tag: number, item: DerElement): DerElement {
  return element(0xa0 | tag, [item])
}

/** `[n] IMPLICIT` over a constructed type. */
export function implicit(tag: number, items: readonly DerElement[]): DerElement {
  return element(0xa0 | tag, [...items])
}

/** `[n] IMPLICIT` over a primitive type. */
export function implicitBytes(tag: number, contents: Contents): DerElement {
  return element(0x80 | tag, binary(contents))
}

/** A primitive of any universal type; the contents are written as they are. */
export function primitive(type: number, contents: Contents): DerElement {
  return element(type, binary(contents))
}

export function boolean(value: boolean): DerElement {
  return primitive(asn1.Type.BOOLEAN, Uint8Array.of(value ? 0xff : 0x00))
}

/** A small non-negative number. */
export function integer(value: number): DerElement {
  return integerOfHex(value.toString(16))
}

/** A non-negative integer from hexadecimal digits; a leading zero is added where the sign would be misread. */
export function integerOfHex(hex: string): DerElement {
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  const first = bytes[0]
  if (first === undefined) throw new TypeError(`expected hexadecimal digits, found \`${hex}\``)
  return primitive(asn1.Type.INTEGER, first >= 0x80 ? Buffer.concat([Uint8Array.of(0), bytes]) : bytes)
}

export function enumerated(value: number): DerElement {
  return primitive(asn1.Type.ENUMERATED, Uint8Array.of(value))
}

export function nullValue(): DerElement {
  return primitive(asn1.Type.NULL, '')
}

export function objectIdentifier(dotted: string): DerElement {
  return primitive(asn1.Type.OID, encodeObjectIdentifier(dotted))
}

export function octetString(contents: Contents): DerElement {
  return primitive(asn1.Type.OCTETSTRING, contents)
}

/** @param unused - how many low bits of the last byte mean nothing */
export function bitString(contents: Uint8Array, unused = 0): DerElement {
  return primitive(asn1.Type.BITSTRING, Buffer.concat([Uint8Array.of(unused), contents]))
}

/** UTCTime until 2049, GeneralizedTime from 2050. @see RFC 5280 section 4.1.2.5 */
export function time(at: number): DerElement {
  const digits = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
  const compact = digits.replaceAll(/[-:T]/g, '')
  const year = Number(compact.slice(0, 4))
  if (year >= 1950 && year < 2050) return primitive(asn1.Type.UTCTIME, compact.slice(2))
  return primitive(asn1.Type.GENERALIZEDTIME, compact)
}

/** An element that is already encoded (a SubjectPublicKeyInfo, a name), taken over byte for byte. */
export function encoded(der: Uint8Array): DerElement {
  const [tag, length] = der
  if (tag === undefined || length === undefined)
    throw new TypeError('expected an encoded element, found none')
  const header = length < 0x80 ? 2 : 2 + (length & 0x7f)
  return element(tag, binary(der.subarray(header)))
}

/** The bytes of an element. */
export function encode(element: DerElement): Buffer {
  return Buffer.from(asn1.toDer(element).getBytes(), 'latin1')
}

// forge's own encoder stops at 32 bits an arc, and UUID arcs (2.25) have 128
function encodeObjectIdentifier(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split('.').map((arc) => BigInt(arc))
  if (first === undefined || second === undefined) throw new TypeError(`expected an OID, found \`${dotted}\``)
  const bytes: number[] = []
  for (const arc of [first * 40n + second, ...rest]) {
    const groups = [Number(arc & 0x7fn)]
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80)
    bytes.push(...groups)
  }
  return Uint8Array.from(bytes)
}

// the whole identifier octet goes in as the class, so that forge adds nothing of its own to the contents
// (by type it widens BMPString and trims INTEGER)
function element(tag: number, value: string | DerElement[]): DerElement {
  return asn1.create(tag, asn1.Type.NONE, Array.isArray(value), value) // eslint-disable-line @typescript-eslint/no-unsafe-enum-assignment -- forge ORs the bits of both, whatever they are
}

function binary(contents: Contents): string {
  return typeof contents === 'string' ? contents : Buffer.from(contents).toString('latin1')
}
