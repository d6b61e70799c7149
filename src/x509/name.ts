import { isUtf8 } from 'node:buffer'
import type {
  AttributeTypeAndValue,
  DistinguishedName,
  RelativeDistinguishedName,
} from '../core/distinguished-name.js'
import { DerError, tags, type DerElementSpan, type DerReader } from './der-reader.js'
import { readObjectIdentifier } from './object-identifier.js'

/** A name that is DER, but that two programs could read in two ways. */
export class NameError extends DerError {}

// far above any real name; what is longer only costs time
const mostAttributes = 100
const mostBytes = 4_096

const refusedStrings: Readonly<Record<number, string>> = {
  18: 'NumericString',
  20: 'T61String',
  21: 'VideotexString',
  25: 'GraphicString',
  26: 'VisibleString',
  27: 'GeneralString',
  28: 'UniversalString',
  30: 'BMPString',
}

/**
 * A Name, in encoded order, with its multi-valued RDNs and repeats.
 *
 * Every value is decoded here and nowhere else: UTF8String, PrintableString and IA5String are text; other
 * string types, invalid UTF-8, NUL and control characters are refused, because programs read them differently.
 * An empty sequence is a name without RDNs. One of more than 4 KB is refused: anybody may show a certificate of
 * their own, and each refusal of it writes the names out.
 *
 * @see RFC 5280 section 4.1.2.4
 */
export function readName(reader: DerReader, what: string): DistinguishedName {
  const rdns = reader.enter(tags.sequence, what)
  if (rdns.end - rdns.position > mostBytes) throw new NameError(`${what} has more than ${mostBytes} bytes`)
  const name: RelativeDistinguishedName[] = []
  let count = 0
  while (!rdns.isAtEnd) {
    const attributes = rdns.enter(tags.set, `an RDN of ${what}`)
    const rdn: AttributeTypeAndValue[] = []
    do {
      rdn.push(readAttribute(attributes, what))
      if (++count > mostAttributes) throw new NameError(`${what} has more than ${mostAttributes} attributes`)
    } while (!attributes.isAtEnd)
    name.push(rdn)
  }
  return name
}

function readAttribute(reader: DerReader, what: string): AttributeTypeAndValue {
  const attribute = reader.enter(tags.sequence, `an attribute of ${what}`)
  const type = readObjectIdentifier(attribute, `an attribute type of ${what}`)
  const span = attribute.next(`the value of ${type}`)
  attribute.finish(`an attribute of ${what}`)
  return { type, value: decodeText(attribute, span, `${type} in ${what}`) }
}

function decodeText(reader: DerReader, span: DerElementSpan, what: string): string {
  const octets = Buffer.from(
    reader.bytes.buffer,
    reader.bytes.byteOffset + span.contents,
    span.end - span.contents,
  )
  if (octets.length === 0) throw new NameError(`${what} is empty`)
  switch (span.tag) {
    case 12: {
      if (!isUtf8(octets)) throw new NameError(`${what} is not valid UTF-8`)
      // `toString` keeps a byte order mark, which a TextDecoder would swallow: it would be another name's twin
      const text = octets.toString('utf8')
      if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) throw new NameError(`${what} has a control character`)
      return text
    }
    case 19: {
      const text = octets.toString('latin1')
      if (!/^[A-Za-z0-9 '()+,\-./:=?]+$/.test(text)) {
        throw new NameError(`${what} has a character that a PrintableString may not hold`)
      }
      return text
    }
    case 22: {
      const text = octets.toString('latin1')
      if (!/^[ -~]+$/.test(text))
        throw new NameError(`${what} has a character that an IA5String name may not hold`)
      return text
    }
    default:
      throw new NameError(
        `${what} is a ${refusedStrings[span.tag] ?? 'value of another type'}; only UTF8String, PrintableString and IA5String are read`,
      )
  }
}
