import { parseFiness, toIdNatStruct } from '../core/establishment.js'

/** System of an IdNatStruct: prefix and number. */
export const idNatStructSystem = 'urn:oid:1.2.250.1.71.4.2.2'
/** How a national system numbers establishments. */
export type Numbering = 'idnatstruct' | 'finess' | 'sirene'
// @see ROR.md section 3: the type codes of the published examples contradict each other, the systems do not
const numberings: ReadonlyMap<string, Numbering> = new Map([
  [idNatStructSystem, 'idnatstruct'],
  ['https://finess.esante.gouv.fr', 'finess'],
  ['http://finess.esante.gouv.fr', 'finess'],
  ['http://finess.sante.gouv.fr', 'finess'],
  ['http://sirene.fr', 'sirene'],
  ['https://sirene.fr', 'sirene'],
])
// a host or an OID of theirs in other words: with a port, behind `www.`, without `urn:oid:`, escaped
const alike = /finess\.e?sante\.gouv\.fr|sirene\.fr|(?<![0-9.])1\.2\.250\.1\.71\.4\.2\.2(?!\.?[0-9])/
const folded: ReadonlySet<string> = new Set([...numberings.keys()].map(fold))

/** What a system means: a national one, one that a lenient reader would take for one, another. */
export function numberingOf(system: string): Numbering | 'almost' | 'other' {
  const known = numberings.get(system)
  if (known !== undefined) return known
  const plain = fold(system)
  return folded.has(plain) || alike.test(plain) || alike.test(fold(decoded(system))) ? 'almost' : 'other'
}

/** IdNatStruct of a number, exactly as written. @see ROR.md section 3 */
export function readNumber(
  number: string,
  numbering: Numbering,
  prefixes: readonly string[],
): string | undefined {
  switch (numbering) {
    case 'idnatstruct': {
      if (!prefixes.includes(number.charAt(0))) return undefined
      const id = toIdNatStruct(number)
      // nine characters are read as a FINESS number there: here the prefix must be written
      return id.ok && id.value === number ? number : undefined
    }
    case 'finess':
      return parseFiness(number).ok ? `1${number}` : undefined
    case 'sirene':
      if (/^[0-9]{9}$/.test(number)) return `2${number}`
      return /^[0-9]{14}$/.test(number) ? `3${number}` : undefined
  }
}

/** What should have stood there. */
export function expectedNumber(numbering: Numbering, prefixes: readonly string[]): string {
  switch (numbering) {
    case 'idnatstruct':
      return `an IdNatStruct (prefix ${prefixes.join(' or ')}, then the number)`
    case 'finess':
      return 'a FINESS number of 9 characters'
    case 'sirene':
      return 'a SIREN of 9 or a SIRET of 14 digits'
  }
}

function decoded(system: string): string {
  return system.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

// case, white space, invisible characters, http or https, a last `/`: what a lenient reader folds away
function fold(system: string): string {
  return withoutLastSlashes(
    system
      .replaceAll(/[\s\p{C}]/gu, '')
      .toLowerCase()
      .replace(/^https:/, 'http:'),
  )
}

// by hand: `/\/+$/` walks through a run of slashes that something follows once from each of them
function withoutLastSlashes(text: string): string {
  let end = text.length
  while (text.charAt(end - 1) === '/') end -= 1
  return text.slice(0, end)
}
