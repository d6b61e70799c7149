import type { Result } from './result.js'

declare const finessNumber: unique symbol

/** A FINESS number: 9 characters, letters only in the second place (`2A`, `2B`: Corsica). */
export type FinessNumber = string & { readonly [finessNumber]: true }

/** Why a text is no establishment number, and where one can say so, how it should be written. */
export interface EstablishmentProblem {
  /** The whole of it, in English. */
  readonly message: string
  /** The text as it may be shown: bounded, without what cannot be printed. */
  readonly found: string
  readonly trouble: NumberTrouble
  /** The spelling that was probably meant, where it is a number. */
  readonly meant?: string
}

/** What may be wrong with a number. */
export type NumberTrouble =
  | 'empty'
  | 'spaces'
  | 'quotes'
  | 'scientific'
  | 'decimal'
  | 'functional-id'
  | 'unit-code'
  | 'lower-case'
  | 'characters'
  | 'zero-lost'
  | 'siret'
  | 'letters-alike'
  | 'prefix'
  | 'letter'
  | 'length'

// @see ROR.md section 3: 0 ADELI rang, 1 FINESS, 2 SIREN, 3 SIRET, 4 RPPS rang (lengths of 0 and 4 are open)
const idNatStruct = /^(?:1[0-9][0-9A-Z][0-9]{7}|2[0-9]{9}|3[0-9]{14}|[04][0-9]{8,15})$/
const finess = /^[0-9][0-9A-Z][0-9]{7}$/

/** The text as a FINESS number, exactly as written: nothing is trimmed, padded or folded. */
export function parseFiness(text: string): Result<FinessNumber, EstablishmentProblem> {
  if (finess.test(text)) return { ok: true, value: text as FinessNumber } // checked on this line
  return no(text, 'a FINESS number of 9 characters')
}

/**
 * The IdNatStruct of an establishment: prefix and number, `1350054680` for the FINESS `350054680`.
 *
 * Nine characters are always a FINESS number (so an ADELI or RPPS number of eight digits cannot be
 * written). Nothing is repaired: a spreadsheet's losses (leading zero, scientific notation, spaces,
 * lower case) are named with the spelling that was probably meant.
 */
export function toIdNatStruct(text: string): Result<string, EstablishmentProblem> {
  if (text.length === 9) {
    return finess.test(text) ? { ok: true, value: `1${text}` } : no(text, 'a FINESS number')
  }
  if (idNatStruct.test(text)) return { ok: true, value: text }
  return no(text, 'a FINESS number of 9 characters, or an IdNatStruct (`1` and the FINESS number)')
}

/**
 * Whether the check digit of a FINESS, SIREN or SIRET number (without prefix) is right.
 *
 * For warnings alone: TEST numbers do not pass. `A` counts as 1 and `B` as 2 (inferred for Corsica);
 * a number with another letter does not pass.
 */
export function passesLuhn(number: string): boolean {
  const digits = number.replaceAll('A', '1').replaceAll('B', '2')
  if (!/^[0-9]+$/.test(digits)) return false
  let sum = 0
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48
    const doubled = digit * 2
    if (index % 2 === 0) sum += digit
    else sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

function no(text: string, expected: string): { ok: false; problem: EstablishmentProblem } {
  const [trouble, spelling] = troubleIn(text)
  const found = shown(text)
  const meant = spelling !== undefined && toIdNatStruct(spelling).ok ? { meant: spelling } : {}
  const question = meant.meant === undefined ? '' : `; did you mean \`${meant.meant}\`?`
  const message = `expected ${expected}, found ${found}: ${sentences[trouble](text)}${question}`
  return { ok: false, problem: { message, found, trouble, ...meant } }
}

const sentences: Readonly<Record<NumberTrouble, (text: string) => string>> = {
  empty: () => 'the text is empty',
  spaces: () => 'it holds spaces',
  quotes: () => 'it holds quotes',
  scientific: () =>
    'a spreadsheet turned it into scientific notation, and digits may be lost; take it from the source',
  decimal: () => 'a spreadsheet turned it into a decimal number',
  'functional-id': () => 'a functional id (`region/number`) names no establishment',
  'unit-code': () => 'it goes on with a unit code',
  'lower-case': () => 'it holds lower case letters',
  characters: () => 'only the digits 0-9 and the letters A-Z may stand there',
  'zero-lost': () => 'it has 8 digits, so a leading zero is probably lost',
  siret: () => '14 digits are a SIRET, written with the prefix 3',
  'letters-alike': () => 'it holds letters where digits must stand',
  prefix: (text) => `no prefix \`${text.charAt(0)}\` exists (0 to 4 do)`,
  letter: () => 'a letter stands where a digit must',
  length: (text) => `it has ${text.length} characters`,
}

// what is wrong, and the spelling that may have been meant (offered only where it is a number)
function troubleIn(text: string): readonly [NumberTrouble, string?] {
  if (text === '') return ['empty']
  if (text.length > 100) return ['length']
  if (/\s/u.test(text)) return ['spaces', text.replaceAll(/\s/gu, '')]
  if (/^['"’`].*|.*['"’`]$/u.test(text)) return ['quotes', text.replaceAll(/['"’`]/gu, '')]
  if (isScientific(text)) return ['scientific']
  if (/^[0-9]+[.,]0+$/.test(text)) return ['decimal', text.replace(/[.,]0+$/, '')]
  if (/^[0-9]+\/.+$/.test(text) && !/^[0-4][0-9A-Z]{9,15}\//.test(text)) return ['functional-id']
  if (text.includes('/')) return ['unit-code', text.replace(/\/.*$/s, '')]
  if (/[a-z]/.test(text)) return ['lower-case', text.toUpperCase()]
  if (/[^0-9A-Z]/.test(text)) return ['characters', text.replaceAll(/[^0-9A-Z]/g, '')]
  if (/^[0-9]{8}$/.test(text)) return ['zero-lost', `0${text}`]
  if (/^[0-9]{14}$/.test(text)) return ['siret', `3${text}`]
  if (/[OIL]/.test(text)) return ['letters-alike', text.replaceAll('O', '0').replaceAll(/[IL]/g, '1')]
  if (/^[5-9]/.test(text) && text.length > 9) return ['prefix']
  if (/[A-Z]/.test(text)) return ['letter']
  return ['length']
}

/** Whether a spreadsheet wrote the number as `3,5E+08`: its digits are lost. */
export function isScientific(text: string): boolean {
  return /^[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+$/.test(text)
}

function shown(text: string): string {
  const printable = text.replaceAll(/[\p{C}\p{Z}`]/gu, (character) =>
    character === ' ' ? ' ' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return printable.length > 40 ? `\`${printable.slice(0, 40)}…\`` : `\`${printable}\``
}
