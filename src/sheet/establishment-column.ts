import { isScientific, type EstablishmentProblem } from '../core/establishment.js'
import { isHeadingOfLegalEntities, isHeadingOfOthers, surestColumn } from '../core/establishment-heading.js'
import { readEstablishmentCell, type Repair } from './establishment-number.js'
import { columnName, type Sheet, type SheetRow } from './sheet.js'

/** A number of a sheet, and the row it stands in. */
export interface ListedEstablishment {
  /** IdNatStruct. */
  readonly establishment: string
  readonly row: number
}

/** What is to be told of a row before its number is believed. */
export type RowFinding =
  | {
      readonly code: 'number-repaired'
      readonly row: number
      readonly found: string
      readonly meant: string
      readonly repairs: readonly Repair[]
    }
  | { readonly code: 'number-malformed'; readonly row: number; readonly problem: EstablishmentProblem }
  | { readonly code: 'number-absent'; readonly row: number }
  | { readonly code: 'row-passed-over'; readonly row: number; readonly found: string }
  | { readonly code: 'legal-entity-row'; readonly row: number; readonly establishment: string }
  | { readonly code: 'row-to-remove'; readonly row: number; readonly establishment: string }
  | { readonly code: 'row-hidden'; readonly row: number; readonly establishment: string }

/** The establishments of one sheet, and the column they were found in. */
export interface EstablishmentColumn {
  readonly sheet: string
  /** As the program names it: `C`. */
  readonly column: string
  readonly heading: string | undefined
  /** The heading speaks of legal entities (EJ); writes name geographical ones (EG). */
  readonly isOfLegalEntities: boolean
  readonly establishments: readonly ListedEstablishment[]
  readonly findings: readonly RowFinding[]
}

/** A sheet without a column of establishments, or with several that may be it. */
export interface ColumnProblem {
  readonly sheet: string
  /** Columns that may be meant, with their headings; empty: none. */
  readonly candidates: readonly string[]
  /** The column that a spreadsheet spoilt, where that is why there is none. */
  readonly spoilt?: SpoiltColumn
}

/** A column most of whose numbers a spreadsheet turned into scientific notation. */
export interface SpoiltColumn {
  /** With its heading: `B (FINESS)`. */
  readonly column: string
  readonly rows: readonly { readonly row: number; readonly number: string }[]
}

/**
 * The establishments of a sheet, in the column that holds them by its content.
 *
 * Of several columns the heading decides, and legal entities give way to geographical ones; the heading
 * is the nearest text above the first number, so titles and notes above a table are no hindrance.
 *
 * @param wanted - a column by its letter or heading, in place of the search
 */
export function findEstablishments(sheet: Sheet, wanted?: string): EstablishmentColumn | ColumnProblem {
  const width = sheet.rows.reduce((widest, { cells }) => Math.max(widest, cells.length), 0)
  const columns = Array.from({ length: width }, (_, index) => readColumn(sheet.rows, index))
  const headings = columns.map(({ heading }) => heading)
  const filled = columns.filter(({ held, heading }) => held > 0 && !isHeadingOfOthers(heading ?? ''))
  const likely = filled.filter(({ held, other }) => held >= other).map(({ index }) => index)
  const named = (index: number) =>
    `${columnName(index)}${headings[index] === undefined ? '' : ` (${headings[index]})`}`
  if (wanted !== undefined) {
    const meant = columns.filter((each) => isNamed(each, wanted)).map(({ index }) => index)
    const [only, ...others] = meant
    const isOne = only !== undefined && others.length === 0
    return isOne
      ? readEstablishments(sheet, columns[only])
      : { sheet: sheet.name, candidates: likely.map(named), ...spoiltColumn(sheet.rows, meant) }
  }
  const [only, ...others] = likely
  const found = others.length === 0 ? only : surestColumn(likely, headings)
  if (found === undefined) {
    const spoilt = likely.length === 0 ? spoiltColumn(sheet.rows, columns.keys()) : {}
    return { sheet: sheet.name, candidates: likely.map(named), ...spoilt }
  }
  return readEstablishments(sheet, columns[found])
}

interface Column {
  readonly index: number
  readonly heading: string | undefined
  /** Position in `rows` of the first number, good or spoilt; their count where there is none. */
  readonly first: number
  /** How many cells from there on hold a number, and how many something else. */
  readonly held: number
  readonly other: number
}

// `3E+08`, `290 004`
const mangledNumber = /^[0-9][0-9\s.,]*(?:E[+-]?[0-9]+)?$/i

/** A number gone wrong, such as `35005468O` with the letter; a heading holds few digits, or many letters. */
function isSpoiltNumber(text: string): boolean {
  if (mangledNumber.test(text)) return true
  const digits = text.replaceAll(/[^0-9]/g, '').length
  return digits >= 6 && digits * 2 > text.length
}

// what is said of a row to be taken out of a list, in a cell of its own: « À supprimer », « Fermé le 3/11 »
const removal =
  /^(?:à\s+)?(?:supprim(?:er|ée?)|suppression|retir(?:er|ée?)|retrait|enlever|ferm(?:ée?|eture)|résiliée?|désactivée?|deleted?|removed?|removal|closed)(?:\s+(?:le|du|au|en|depuis|on|since)\s.*|\s+[0-9/.-]+)?$/iu

function readColumn(rows: readonly SheetRow[], index: number): Column {
  const isNumber = rows.map(({ cells }) => {
    const cell = cells[index]
    return cell !== undefined && cell.text !== '' && readEstablishmentCell(cell).ok
  })
  const firstGood = isNumber.indexOf(true)
  if (firstGood === -1) return { index, heading: undefined, first: rows.length, held: 0, other: 0 }
  const textAt = (row: number): string => rows[row]?.cells[index]?.text ?? ''
  let above = firstGood - 1
  while (above >= 0 && (!/\p{L}/u.test(textAt(above)) || isSpoiltNumber(textAt(above)))) above -= 1
  // a number that a spreadsheet spoilt is told of, also where no good one stands above it
  let first = above + 1
  while (first < firstGood && !isSpoiltNumber(textAt(first))) first += 1
  const filled = rows.slice(first).filter(({ cells }) => (cells[index]?.text ?? '') !== '').length
  const held = isNumber.filter(Boolean).length
  return { index, heading: rows[above]?.cells[index]?.text, first, held, other: filled - held }
}

// of the columns with these indices, the first that holds such numbers for the most part
function spoiltColumn(rows: readonly SheetRow[], among: Iterable<number>): { spoilt?: SpoiltColumn } {
  for (const index of among) {
    const filled = rows.flatMap(({ number: row, cells }) => {
      const text = cells[index]?.text ?? ''
      return text === '' ? [] : [{ row, number: text }]
    })
    const spoilt = filled.filter(({ number }) => isScientific(number))
    if (spoilt.length === 0 || spoilt.length * 2 < filled.length) continue
    const heading = filled.find(({ number }) => /^\p{L}/u.test(number))?.number
    const column = heading === undefined ? columnName(index) : `${columnName(index)} (${heading})`
    return { spoilt: { column, rows: spoilt } }
  }
  return {}
}

function isNamed({ index, heading }: Column, wanted: string): boolean {
  const meant = wanted.toLowerCase()
  return columnName(index).toLowerCase() === meant || heading?.toLowerCase() === meant
}

function readEstablishments(sheet: Sheet, column: Column | undefined): EstablishmentColumn | ColumnProblem {
  if (column === undefined || column.held === 0) return { sheet: sheet.name, candidates: [] }
  const { index, heading, first } = column
  const kindColumn = findKinds(sheet.rows.slice(first))
  const establishments: ListedEstablishment[] = []
  const findings: RowFinding[] = []
  for (const { number: row, cells, isHidden } of sheet.rows.slice(first)) {
    const cell = cells[index]
    if (cell === undefined || cell.text === '') {
      findings.push({ code: 'number-absent', row })
      continue
    }
    const read = readEstablishmentCell(cell)
    if (!read.ok) {
      // a total or a remark below the table is no number gone wrong
      const isText = !/[0-9]/.test(cell.text)
      findings.push(
        isText
          ? { code: 'row-passed-over', row, found: cell.text }
          : { code: 'number-malformed', row, problem: read.problem },
      )
      continue
    }
    const { establishment, repairs } = read
    establishments.push({ establishment, row })
    if (repairs.length > 0) {
      findings.push({ code: 'number-repaired', row, found: cell.text, meant: establishment, repairs })
    }
    if (kindColumn !== undefined && cells[kindColumn]?.text.toUpperCase() === 'EJ') {
      findings.push({ code: 'legal-entity-row', row, establishment })
    }
    if (isHidden === true) findings.push({ code: 'row-hidden', row, establishment })
    if (cells.some(({ text }) => removal.test(text)))
      findings.push({ code: 'row-to-remove', row, establishment })
  }
  return {
    sheet: sheet.name,
    column: columnName(index),
    heading,
    isOfLegalEntities: isHeadingOfLegalEntities(heading ?? ''),
    establishments,
    findings,
  }
}

// a column that says EJ or EG of each row: the one thing that tells them apart
function findKinds(rows: readonly SheetRow[]): number | undefined {
  const width = rows.reduce((widest, { cells }) => Math.max(widest, cells.length), 0)
  for (let index = 0; index < width; index += 1) {
    const texts = rows.map(({ cells }) => cells[index]?.text ?? '').filter((text) => text !== '')
    if (texts.length > 0 && texts.every((text) => /^(?:EJ|EG|ET)$/i.test(text))) return index
  }
  return undefined
}
