/**
 * The attribute types that have a name: what OpenSSL prints, the OID, how broad a thing it names,
 * and the other names people and tools write. @see RFC 4514 section 3, RFC 4519, X.520
 */
const attributeTypes: readonly AttributeType[] = [
  ['C', '2.5.4.6', 'country', 'countryName'],
  ['ST', '2.5.4.8', 'place', 'S', 'stateOrProvinceName'],
  ['L', '2.5.4.7', 'place', 'localityName'],
  ['street', '2.5.4.9', 'place', 'streetAddress'],
  ['postalCode', '2.5.4.17', 'place'],
  ['postalAddress', '2.5.4.16', 'place'],
  ['postOfficeBox', '2.5.4.18', 'place'],
  ['O', '2.5.4.10', 'place', 'organizationName'],
  ['OU', '2.5.4.11', 'place', 'organizationalUnitName', 'organizationalUnit'],
  ['organizationIdentifier', '2.5.4.97', 'place', 'orgId'],
  ['businessCategory', '2.5.4.15', 'place'],
  ['DC', '0.9.2342.19200300.100.1.25', 'place', 'domainComponent'],
  ['CN', '2.5.4.3', 'holder', 'commonName'],
  ['SN', '2.5.4.4', 'holder', 'surname'],
  ['GN', '2.5.4.42', 'holder', 'G', 'givenName'],
  ['serialNumber', '2.5.4.5', 'holder'],
  ['UID', '0.9.2342.19200300.100.1.1', 'holder', 'userId'],
  ['emailAddress', '1.2.840.113549.1.9.1', 'holder', 'E', 'email', 'pkcs9email'],
  ['title', '2.5.4.12', 'holder', 'T'],
  ['initials', '2.5.4.43', 'holder'],
  ['generationQualifier', '2.5.4.44', 'holder', 'generation'],
  ['name', '2.5.4.41', 'holder'],
  ['pseudonym', '2.5.4.65', 'holder'],
  ['dnQualifier', '2.5.4.46', 'other', 'DNQ'],
  ['description', '2.5.4.13', 'other'],
  ['telephoneNumber', '2.5.4.20', 'other'],
  ['x500UniqueIdentifier', '2.5.4.45', 'other', 'uniqueIdentifier'],
  ['unstructuredName', '1.2.840.113549.1.9.2', 'other'],
  ['unstructuredAddress', '1.2.840.113549.1.9.8', 'other'],
  ['jurisdictionL', '1.3.6.1.4.1.311.60.2.1.1', 'other', 'jurisdictionLocalityName'],
  ['jurisdictionST', '1.3.6.1.4.1.311.60.2.1.2', 'other', 'jurisdictionStateOrProvinceName'],
  ['jurisdictionC', '1.3.6.1.4.1.311.60.2.1.3', 'other', 'jurisdictionCountryName'],
]

/** How broad a thing an attribute names: a name is written from one end of this scale to the other. */
export type Breadth = 'country' | 'place' | 'holder' | 'other'

type AttributeType = readonly [name: string, oid: string, breadth: Breadth, ...aliases: string[]]

const oidByName = new Map<string, string>()
const typeByOid = new Map<string, AttributeType>()
for (const type of attributeTypes) {
  const [name, oid, , ...aliases] = type
  typeByOid.set(oid, type)
  for (const each of [name, ...aliases]) oidByName.set(each.toLowerCase(), oid)
}

const dottedOid = /^(?:[01]\.[1-3]?[0-9]|2\.(?:0|[1-9][0-9]{0,9}))(?:\.(?:0|[1-9][0-9]{0,18}))*$/

/** The dotted OID of a type as written: a name in any case, `2.5.4.97` or `OID.2.5.4.97`. */
export function attributeOid(written: string): string | undefined {
  const oid = written.replace(/^OID\./i, '')
  if (dottedOid.test(oid)) return oid
  return oidByName.get(written.toLowerCase())
}

/** The name OpenSSL prints for a type, or the OID itself where the type has none here. */
export function attributeName(oid: string): string {
  return typeByOid.get(oid)?.[0] ?? oid
}

/** How broad a thing the type names. */
export function breadthOf(oid: string): Breadth {
  return typeByOid.get(oid)?.[2] ?? 'other'
}

/** The known name nearest to one that is not known, where one is near. */
export function suggestAttributeName(written: string): string | undefined {
  const wanted = written.toLowerCase()
  let best: string | undefined
  let bestDistance = wanted.length <= 2 ? 1 : 2
  for (const [known, oid] of oidByName) {
    // a change in a name of one letter is another name, not a slip
    if (known.length === 1 || Math.abs(known.length - wanted.length) > bestDistance) continue
    const distance = editDistance(wanted, known)
    if (distance > bestDistance || (distance === bestDistance && best !== undefined)) continue
    best = attributeName(oid)
    bestDistance = distance
  }
  return best
}

function editDistance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= other.length; column += 1) {
      const changed = (previous[column - 1] ?? 0) + (one[row - 1] === other[column - 1] ? 0 : 1)
      current.push(Math.min(changed, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[other.length] ?? 0
}
