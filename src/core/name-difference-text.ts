import type { RelativeDistinguishedName } from './distinguished-name.js'
import { formatName } from './name-text.js'
import type { Fold } from './text-likeness.js'

/** An RDN, and its place in the certificate's order, from 1. */
export interface PlacedRdn {
  readonly rdn: RelativeDistinguishedName
  readonly place: number
}

/** What differs between two names, before it is put into words. */
export interface NameDifferenceFacts {
  /**
   * `order`: the whole name is reversed; `grouping`: the same attributes in other sets; `missing`,
   * `added`, `moved`: an RDN; `type`: another type with the same value; `value`: another value.
   */
  readonly kind: 'order' | 'grouping' | 'missing' | 'added' | 'moved' | 'type' | 'value'
  readonly expected: PlacedRdn | undefined
  readonly found: PlacedRdn | undefined
  /** Of two values, what alone tells them apart; empty where they are simply others. */
  readonly likeness: readonly Fold[]
}

const foldsInEnglish: Readonly<Record<Fold, string>> = {
  'unicode-form': 'Unicode form',
  accents: 'accents',
  case: 'case',
  spaces: 'spaces',
  invisible: 'invisible characters',
  homoglyphs: 'look-alike characters',
}

const foldsInFrench: Readonly<Record<Fold, string>> = {
  'unicode-form': 'la forme Unicode',
  accents: 'les accents',
  case: 'la casse',
  spaces: 'les espaces',
  invisible: 'des caractères invisibles',
  homoglyphs: 'des caractères ressemblants',
}

/** One difference in words: expected before found. */
export function sentencesOf(difference: NameDifferenceFacts): { readonly en: string; readonly fr: string } {
  const expected = shown(difference.expected)
  const found = shown(difference.found)
  const [there, here] = [difference.expected?.place ?? 0, difference.found?.place ?? 0]
  switch (difference.kind) {
    case 'order':
      return {
        en: `the same attributes in the opposite order: expected ${expected} first, found ${found} first`,
        fr: `les mêmes attributs dans l’ordre inverse : ${expected} attendu en premier, ${found} trouvé`,
      }
    case 'grouping':
      return {
        en: 'the same attributes, joined into sets (`+`) in another way',
        fr: 'les mêmes attributs, réunis autrement en ensembles (`+`)',
      }
    case 'missing':
      return {
        en: `expected ${expected} in place ${there}, found nothing of it`,
        fr: `${expected} attendu en position ${there}, absent`,
      }
    case 'added':
      return {
        en: `${found} in place ${here} is one too many`,
        fr: `${found} en position ${here} est en trop`,
      }
    case 'moved':
      return {
        en: `expected ${expected} in place ${there}, found it in place ${here}`,
        fr: `${expected} attendu en position ${there}, trouvé en position ${here}`,
      }
    case 'type':
      return {
        en: `another attribute type: expected ${expected}, found ${found}`,
        fr: `un autre type d’attribut : ${expected} attendu, ${found} trouvé`,
      }
    case 'value':
      return valueSentences(difference, expected, found)
  }
}

function valueSentences(
  difference: NameDifferenceFacts,
  expected: string,
  found: string,
): { readonly en: string; readonly fr: string } {
  const en = difference.likeness.map((fold) => foldsInEnglish[fold]).join(' and ')
  const fr = difference.likeness.map((fold) => foldsInFrench[fold]).join(' et ')
  const characters = en === '' || en === 'case' ? '' : firstDifference(difference)
  return {
    en: `${en === '' ? '' : `differs only by ${en}: `}expected ${expected}, found ${found}${characters}`,
    fr: `${fr === '' ? '' : `ne diffère que par ${fr} : `}${expected} attendu, ${found} trouvé${characters}`,
  }
}

// the two characters that only their numbers tell apart
function firstDifference({ expected, found }: NameDifferenceFacts): string {
  if (expected?.rdn.length !== 1 || found?.rdn.length !== 1) return ''
  const one = Array.from(expected.rdn[0]?.value ?? '')
  const other = Array.from(found.rdn[0]?.value ?? '')
  const index = one.findIndex((character, at) => character !== other[at])
  const at = index === -1 ? one.length : index
  return ` (${codePointOf(one[at])} ≠ ${codePointOf(other[at])})`
}

function codePointOf(character: string | undefined): string {
  if (character === undefined) return '∅'
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

function shown(placed: PlacedRdn | undefined): string {
  return placed === undefined ? '' : `\`${formatName([placed.rdn])}\``
}
