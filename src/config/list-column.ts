import { toIdNatStruct } from '../core/establishment.js'
import { isHeadingOfOthers, surestColumn } from '../core/establishment-heading.js'
import { cellsOf, isSilent, linesOf, type Separator } from './list-line.js'
import { shown } from './spelling.js'

/** Where the numbers of a list file stand. */
export interface ListColumn {
  readonly separator: Separator | undefined
  /** 0-based. */
  readonly index: number
  /** The line of the headings; 0 where there are none. */
  readonly headingLine: number
}

const sampled = 200
const separators: readonly Separator[] = [';', '\t', ',']
interface Row {
  readonly line: number
  readonly cells: readonly string[]
}

/** The column of a list file that holds the establishments, or why there is none to be sure of. */
export function findColumn(text: string): ListColumn | { readonly problem: string } {
  const lines: { readonly line: number; readonly content: string }[] = []
  for (const each of linesOf(text)) {
    if (!isSilent(each.content)) lines.push(each)
    if (lines.length === sampled) break
  }
  const separator = findSeparator(lines.map(({ content }) => content))
  const rows = lines.map(({ line, content }): Row => {
    return { line, cells: cellsOf(content, separator).map(({ value }) => value) }
  })
  const [first, ...others] = rows
  if (first === undefined) return { separator, index: 0, headingLine: 0 }
  const hasHeadings =
    !first.cells.some(isNumber) &&
    first.cells.some((value) => /\p{L}{2}/u.test(value)) &&
    !first.cells.some((value) => /[0-9]{5}/.test(value))
  const headingLine = hasHeadings ? first.line : 0
  if (separator === undefined) return { separator, index: 0, headingLine }
  const index = findIndex(hasHeadings ? others : rows, hasHeadings ? first.cells : [])
  return typeof index === 'number' ? { separator, index, headingLine } : index
}

function findSeparator(lines: readonly string[]): Separator | undefined {
  let best: Separator | undefined
  let most = 0
  for (const separator of separators) {
    const count = lines.filter((line) => line.includes(separator)).length
    if (count > most) {
      best = separator
      most = count
    }
  }
  return best
}

function findIndex(rows: readonly Row[], named: readonly string[]): number | { readonly problem: string } {
  const width = Math.max(named.length, ...rows.map(({ cells }) => cells.length))
  const columns = Array.from({ length: width }, (_, index) => index)
  const filled = columns.filter((index) => {
    if (isHeadingOfOthers(named[index] ?? '')) return false
    const held = rows.filter(({ cells }) => isNumber(cells[index] ?? '')).length
    return held > 0 && held * 2 >= rows.length
  })
  const [only, ...rest] = filled
  if (only !== undefined && rest.length === 0) return only
  const surest = surestColumn(filled.length > 0 ? filled : columns, named)
  if (surest !== undefined) return surest
  if (filled.length === 0) {
    return { problem: 'no column holds FINESS or IdNatStruct numbers; expected one of them in each line' }
  }
  const names = filled.map((index) =>
    named[index] === undefined ? `column ${index + 1}` : shown(named[index]),
  )
  return {
    problem: `several columns hold what may be establishments (${names.join(', ')}); keep one of them`,
  }
}

function isNumber(value: string): boolean {
  return toIdNatStruct(value).ok
}
