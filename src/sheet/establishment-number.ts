import { passesLuhn, toIdNatStruct, type EstablishmentProblem } from '../core/establishment.js'
import type { SheetCell } from './sheet.js'

/** What was done to a cell so that it is a number: every one of them is told. */
export type Repair = 'zero' | 'spaces' | 'case' | 'apostrophe' | 'decimals'

/** A cell read as the number of an establishment, or why it is none. */
export type CellReading =
  | { readonly ok: true; readonly establishment: string; readonly repairs: readonly Repair[] }
  | { readonly ok: false; readonly problem: EstablishmentProblem }

/**
 * The IdNatStruct in a cell, with what a spreadsheet did to it undone where only one number can be meant.
 *
 * Spaces inside, an apostrophe before, `.0` behind and lower case go. A zero is put back before eight
 * digits that the file holds as a number, and only where the check digit is then right: what has none,
 * as the numbers of tests, stays as it is.
 */
export function readEstablishmentCell({ text, isNumber }: SheetCell): CellReading {
  const repairs: Repair[] = []
  const change = (repair: Repair, from: string, to: string): string => {
    if (from !== to) repairs.push(repair)
    return to
  }
  let number = change('apostrophe', text, text.replace(/^['’]/u, ''))
  number = change('spaces', number, number.replaceAll(/\s/gu, ''))
  number = change('decimals', number, number.replace(/^([0-9]{8,10})[.,]0+$/, '$1'))
  number = change('case', number, number.toUpperCase())
  const read = toIdNatStruct(number)
  if (read.ok) return { ok: true, establishment: read.value, repairs }
  const padded = `0${number}`
  if (isNumber && /^[0-9]{8}$/.test(number) && passesLuhn(padded)) {
    return { ok: true, establishment: `1${padded}`, repairs: [...repairs, 'zero'] }
  }
  return read
}

/** Whether the check digit of a FINESS, SIREN or SIRET number is right; true of kinds that have none. */
export function isCheckDigitRight(establishment: string): boolean {
  return /^[04]/.test(establishment) || passesLuhn(establishment.slice(1))
}
