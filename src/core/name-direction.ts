import { breadthOf, type Breadth } from './attribute-types.js'
import { isSameName, type DistinguishedName, type RelativeDistinguishedName } from './distinguished-name.js'

/** Which end of the written name the certificate begins with; undefined: the text does not tell. */
export type Direction = 'first-is-first' | 'last-is-first' | undefined

/** How a name of `,`-separated attributes was written. */
export interface CommaStyle {
  readonly equals: 'tight' | 'spaced'
  /** `,` everywhere, `, ` everywhere, or some of each. */
  readonly commas: 'tight' | 'spaced' | 'mixed'
}

/**
 * The direction of a `,`-separated name, settled once, from its form alone.
 *
 * | written | read as |
 * |---|---|
 * | `C = FR, O = x, CN = y` (spaces round `=`) | OpenSSL: as encoded, unless it runs from holder to country |
 * | `CN=y,O=x,C=FR` (no space round `=`) | RFC 4514: the last one is encoded first, unless it runs from broad to narrow |
 * | `C=FR, O=x, CN=y` (`, `, begins with C, ends with CN) | OpenSSL 3.2 and later: as encoded |
 * | `OU=a, OU=b` (`, `, tells nothing) | unsettled: RFC 4514 and OpenSSL 3.2 both print this |
 *
 * "Broad" is the country, then places and organisations, then the holder (CN, serialNumber, UID…).
 * A name that reads the same from both ends needs no direction.
 */
export function directionOf(written: DistinguishedName, style: CommaStyle): Direction {
  if (isSameName(written, written.toReversed())) return 'first-is-first'
  const run = runOf(written)
  if (style.equals === 'spaced') return run === 'narrowing' || run === 'level' ? 'first-is-first' : undefined
  if (run === 'widening') return 'last-is-first'
  if (run === 'level') return style.commas === 'tight' ? 'last-is-first' : undefined
  const beginsWithCountry = holds(written[0], '2.5.4.6')
  const endsWithCommonName = holds(written.at(-1), '2.5.4.3')
  return style.commas === 'spaced' && beginsWithCountry && endsWithCommonName ? 'first-is-first' : undefined
}

/**
 * The direction of a name with one attribute a line.
 *
 * Node and OpenSSL print it as encoded. A name that widens, from the holder to the country, is the
 * one that the viewer of Windows shows, with spaces round `=`; without them it was put together by
 * hand, and tells nothing.
 */
export function directionOfLines(written: DistinguishedName, equals: CommaStyle['equals']): Direction {
  if (runOf(written) !== 'widening') return 'first-is-first'
  return equals === 'spaced' ? 'last-is-first' : undefined
}

const widths: Readonly<Record<Breadth, number | undefined>> = {
  country: 3,
  place: 2,
  holder: 1,
  other: undefined,
}

// how the breadth changes from the first RDN to the last
function runOf(written: DistinguishedName): 'narrowing' | 'widening' | 'level' {
  const first = widthOf(written[0])
  const last = widthOf(written.at(-1))
  if (first === undefined || last === undefined || first === last) return 'level'
  return first > last ? 'narrowing' : 'widening'
}

// of a set, the broadest
function widthOf(rdn: RelativeDistinguishedName | undefined): number | undefined {
  let broadest: number | undefined
  for (const { type } of rdn ?? []) {
    const width = widths[breadthOf(type)]
    if (width !== undefined && (broadest === undefined || width > broadest)) broadest = width
  }
  return broadest
}

function holds(rdn: RelativeDistinguishedName | undefined, type: string): boolean {
  return rdn?.some((attribute) => attribute.type === type) ?? false
}
