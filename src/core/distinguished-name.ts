/**
 * One attribute of a name: its type as a dotted OID and its value as decoded text.
 *
 * @see RFC 5280 section 4.1.2.4
 */
export interface AttributeTypeAndValue {
  readonly type: string
  readonly value: string
}

/** A set of attributes (nearly always one); the order inside the set means nothing. */
export type RelativeDistinguishedName = readonly AttributeTypeAndValue[]

/** A name as a certificate holds it: a sequence, in encoded order (`C` first in IGC-Santé). */
export type DistinguishedName = readonly RelativeDistinguishedName[]

/**
 * The text that two names share exactly when they are the same name.
 *
 * INVARIANT: injective. Types and values are length-prefixed, so no value can imitate a boundary;
 * inside one RDN the attributes are sorted, since a set has no order. Nothing is folded: case,
 * accents and spaces count (stricter than RFC 5280 section 7.1 on purpose).
 */
export function nameKey(name: DistinguishedName): string {
  let key = ''
  for (const rdn of name) {
    const parts = rdn.map(({ type, value }) => `${type.length}:${type}=${value.length}:${value};`)
    key += `${rdn.length}[${parts.sort().join('')}]`
  }
  return key
}

/** Whether both are the same sequence of RDN sets, with the same text in each attribute. */
export function isSameName(one: DistinguishedName, other: DistinguishedName): boolean {
  return one.length === other.length && nameKey(one) === nameKey(other)
}
