import type { Result } from '../core/result.js'

/** A cell as its program stored it. */
export interface SheetCell {
  /** What a person saw, as near as the file tells; outer blanks are left out. */
  readonly text: string
  /** Stored as a number, so that leading zeros may have been lost. */
  readonly isNumber: boolean
}

export interface SheetRow {
  /** 1-based, as the program numbers its rows; in a text, the line on which the row begins. */
  readonly number: number
  /** By column; gaps are empty cells. */
  readonly cells: readonly SheetCell[]
  /** Whoever opens the workbook does not see it: a filter, or a hand, hides it. */
  readonly isHidden?: true
}

export interface Sheet {
  readonly name: string
  readonly rows: readonly SheetRow[]
  /** Whoever opens the workbook does not see it. */
  readonly isHidden?: true
}

/** Why a file is no table that is read here; `message` may be shown to whoever gave it. */
export interface SheetProblem {
  readonly code: 'sheet-too-large' | 'sheet-malformed' | 'sheet-encrypted' | 'sheet-macros' | 'sheet-unknown'
  readonly message: string
}

export const emptyCell: SheetCell = { text: '', isNumber: false }

/** More cells than any list of establishments fills. */
export const mostCells = 2_000_000

export const tooManyCells = `expected at most ${mostCells} filled cells, found more`

/** `A`, `B`, … `Z`, `AA`: the name of a column, 0-based. */
export function columnName(index: number): string {
  const last = String.fromCharCode(65 + (index % 26))
  return index < 26 ? last : `${columnName(Math.floor(index / 26) - 1)}${last}`
}

export function sheetProblem(
  code: SheetProblem['code'],
  message: string,
): Extract<Result<never, SheetProblem>, { ok: false }> {
  return { ok: false, problem: { code, message } }
}
