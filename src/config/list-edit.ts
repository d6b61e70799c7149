import { toIdNatStruct } from '../core/establishment.js'
import { findColumn } from './list-column.js'
import { cellAt, linesOf } from './list-line.js'
import { TextLines } from './yaml-layout.js'

/** What is changed in a list file, as IdNatStruct. */
export interface ListChange {
  readonly added: readonly string[]
  readonly removed: ReadonlySet<string>
}

/**
 * The text of a list file without the lines of some numbers, and with lines for others at its end.
 *
 * The lines that stay are kept byte for byte; new ones are spelled like the first that holds a number
 * (FINESS or IdNatStruct, quoted or not), with the other cells of the table empty. Undefined where the
 * column cannot be found.
 */
export function editList(text: string, { added, removed }: ListChange): string | undefined {
  const column = findColumn(text)
  if ('problem' in column) return undefined
  const { separator, index, headingLine } = column
  const { feed } = new TextLines(text)
  const starts = lineStarts(text)
  let kept = ''
  let model: { readonly isFiness: boolean; readonly quote: string } | undefined
  let width = 0
  for (const { line, content } of linesOf(text)) {
    const cell = line <= headingLine ? undefined : cellAt(content, separator, index)
    const number = cell === undefined ? undefined : toIdNatStruct(cell.value)
    width = separator === undefined ? 1 : Math.max(width, content.split(separator).length)
    if (number?.ok === true && cell !== undefined) {
      const quote = content[cell.column - 1] === '"' ? '"' : ''
      model ??= { isFiness: cell.value.length === 9, quote }
      if (removed.has(number.value)) continue
    }
    kept += text.slice(starts[line - 1], starts[line] ?? text.length)
  }
  if (kept !== '' && !kept.endsWith('\n') && added.length > 0) kept += feed
  const { isFiness = true, quote = '' } = model ?? {}
  const gap = separator ?? ''
  for (const establishment of added) {
    const number = isFiness && establishment.startsWith('1') ? establishment.slice(1) : establishment
    kept += `${gap.repeat(index)}${quote}${number}${quote}${gap.repeat(Math.max(0, width - index - 1))}${feed}`
  }
  return kept
}

// by line, counted from 0; a byte order mark belongs to the first
function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let feed = text.indexOf('\n'); feed !== -1; feed = text.indexOf('\n', feed + 1)) starts.push(feed + 1)
  return starts
}
