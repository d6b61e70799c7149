import { encode, objectIdentifier, primitive, sequence, setOf, type DerElement } from './der-writer.js'

/** How the text of an attribute is written; what a reader of names must tell apart. */
export type StringType = 'utf8' | 'printable' | 'ia5' | 'numeric' | 't61' | 'visible' | 'bmp' | 'universal'

/** One attribute to write: `type` is a short name (`CN`) or a dotted OID; bytes are written as they are. */
export interface IssuedAttribute {
  readonly type: string
  readonly value: string | Uint8Array
  /** PrintableString for `C` and `serialNumber`, IA5String for `DC` and `emailAddress`, UTF8String otherwise. */
  readonly string?: StringType
}

/** A name to write, in encoded order; an array inside is one multi-valued RDN. */
export type IssuedName = readonly (IssuedAttribute | readonly IssuedAttribute[])[]

const attributeTypes: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  SN: '2.5.4.4',
  serialNumber: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  title: '2.5.4.12',
  GN: '2.5.4.42',
  organizationIdentifier: '2.5.4.97',
  emailAddress: '1.2.840.113549.1.9.1',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
}

const usualStrings: Readonly<Record<string, StringType>> = {
  C: 'printable',
  serialNumber: 'printable',
  DC: 'ia5',
  emailAddress: 'ia5',
}

const stringTags: Readonly<Record<StringType, number>> = {
  utf8: 12,
  numeric: 18,
  printable: 19,
  t61: 20,
  ia5: 22,
  visible: 26,
  universal: 28,
  bmp: 30,
}

/** `[['C','FR'],['O','…']]` as a name with the usual string types. */
export function issuedName(attributes: readonly (readonly [type: string, value: string])[]): IssuedName {
  return attributes.map(([type, value]) => ({ type, value }))
}

/** The Name, encoded. */
export function encodeName(name: IssuedName): Uint8Array {
  return encode(sequence(...name.map((rdn) => setOf(...(isMultiValued(rdn) ? rdn : [rdn]).map(attribute)))))
}

function isMultiValued(rdn: IssuedAttribute | readonly IssuedAttribute[]): rdn is readonly IssuedAttribute[] {
  return Array.isArray(rdn)
}

function attribute({ type, value, string }: IssuedAttribute): DerElement {
  const kind = string ?? usualStrings[type] ?? 'utf8'
  const contents = typeof value === 'string' ? encodeText(value, kind) : value
  return sequence(objectIdentifier(attributeTypes[type] ?? type), primitive(stringTags[kind], contents))
}

function encodeText(text: string, kind: StringType): Uint8Array {
  switch (kind) {
    case 'utf8':
      return Buffer.from(text, 'utf8')
    case 'bmp':
      return Buffer.from(text, 'utf16le').swap16()
    case 'universal':
      return Uint8Array.from(
        Array.from(text).flatMap((character) => bigEndian(character.codePointAt(0) ?? 0)),
      )
    case 'printable':
    case 'ia5':
    case 'numeric':
    case 't61':
    case 'visible':
      return Buffer.from(text, 'latin1')
  }
}

function bigEndian(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}
