import type { Diagnostic } from '../core/diagnostic.js'
import { toIdNatStruct } from '../core/establishment.js'
import { findColumn } from './list-column.js'
import { cellAt, isSilent, linesOf } from './list-line.js'

/** The numbers of a list file as IdNatStruct, in the order and as often as they stand there. */
export interface EstablishmentList {
  readonly establishments: readonly string[]
  readonly diagnostics: readonly Diagnostic[]
}

const mostDiagnostics = 500

/**
 * The establishments of a list file: a table separated by `;`, `,` or tabs, or one number a line.
 *
 * The column is found by what it holds (FINESS or IdNatStruct numbers), and by its heading where
 * several hold some. Blank lines and lines that begin with `#` are passed over; a byte order mark
 * and quotes are read; a quoted cell does not run over lines. Nothing is repaired: a number that
 * lost its zero is an error with its place, and so is an empty cell in a filled line. Use none of
 * the numbers unless no diagnostic is an error.
 */
export function readEstablishmentList({
  file,
  text,
}: {
  readonly file: string
  readonly text: string
}): EstablishmentList {
  const establishments: string[] = []
  const diagnostics: Diagnostic[] = []
  const refuse = (line: number, column: number, message: string): void => {
    diagnostics.push({
      severity: 'error',
      code: 'wrong-establishment',
      place: { file, line, column },
      message,
    })
  }

  const found = findColumn(text)
  if ('problem' in found) {
    refuse(1, 1, found.problem)
    return { establishments, diagnostics }
  }
  const { separator, index, headingLine } = found
  for (const { line, content } of linesOf(text)) {
    if (line <= headingLine) continue
    const cell = cellAt(content, separator, index)
    const number = cell === undefined ? undefined : toIdNatStruct(cell.value)
    if (number?.ok === true) {
      establishments.push(number.value)
      continue
    }
    if (isSilent(content)) continue
    if (number === undefined)
      refuse(line, content.length + 1, `expected ${index + 1} cells or more, found fewer`)
    else refuse(line, cell?.column ?? 1, number.problem.message)
    if (diagnostics.length >= mostDiagnostics) break
  }
  if (establishments.length === 0 && diagnostics.length === 0) {
    refuse(1, 1, 'expected at least one establishment, found an empty list')
  }
  return { establishments, diagnostics }
}
