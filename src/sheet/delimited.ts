import type { Result } from '../core/result.js'
import {
  sheetProblem,
  tooManyCells,
  mostCells,
  type SheetCell,
  type SheetProblem,
  type SheetRow,
} from './sheet.js'

/** How the bytes of a text were read. */
export type TextEncoding = 'utf-8' | 'utf-16le' | 'windows-1252'

export interface DecodedText {
  readonly text: string
  readonly encoding: TextEncoding
}

type Separator = ';' | ',' | '\t' | '|'

const separators: readonly Separator[] = [';', '\t', ',', '|']
const sampled = 65_536

/**
 * Bytes as text: UTF-8, UTF-16 with its mark (Excel's "Unicode text"), else Windows-1252, which is what
 * a French Excel writes and which reads any bytes; undefined where a NUL says that it is no text.
 */
export function decodeText(bytes: Uint8Array): DecodedText | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) {
    return { text: new TextDecoder('utf-16le').decode(bytes), encoding: 'utf-16le' }
  }
  if (bytes.includes(0)) return undefined
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'utf-8' }
  } catch {
    return { text: decodeWindows1252(bytes), encoding: 'windows-1252' }
  }
}

// 0x80 to 0x9f; the TextDecoder of Node 20 reads them as ISO 8859-1 where it is asked for windows-1252
const windows1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

function decodeWindows1252(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/[\u0080-\u009f]/g, (character) => windows1252.charAt(character.charCodeAt(0) - 0x80))
}

/**
 * The rows of a table in text form: `;`, `,`, tab or `|` between cells, whichever the lines agree on.
 *
 * Quotes are read as RFC 4180 has them, over lines too. A cell of digits alone counts as a number unless
 * it is quoted: whatever wrote the file may have lost its zeros.
 */
export function readDelimited(text: string): Result<readonly SheetRow[], SheetProblem> {
  const separator = separatorOf(text)
  const rows: SheetRow[] = []
  let cells: SheetCell[] = []
  let cellCount = 0
  let [at, line, rowLine] = [0, 1, 1]
  while (at < text.length) {
    const cell = readCell(text, at, separator)
    if (cell === undefined) {
      return sheetProblem('sheet-malformed', `line ${line}: a quote opens a cell and nothing closes it`)
    }
    cells.push(cell.cell)
    cellCount += 1
    if (cellCount > mostCells) return sheetProblem('sheet-too-large', tooManyCells)
    line += cell.lines
    at = cell.end + 1
    const ended = cell.end >= text.length || text[cell.end] === '\n'
    if (!ended) {
      // a separator at the very end leaves one more, empty cell
      if (at >= text.length) pushRow(rows, rowLine, cells)
      continue
    }
    pushRow(rows, rowLine, cells)
    cells = []
    line += 1
    rowLine = line
  }
  return { ok: true, value: rows }
}

function pushRow(rows: SheetRow[], number: number, cells: readonly SheetCell[]): void {
  if (cells.some(({ text }) => text !== '')) rows.push({ number, cells })
}

interface ReadCell {
  readonly cell: SheetCell
  /** Where its separator or line feed stands. */
  readonly end: number
  /** Line feeds inside its quotes. */
  readonly lines: number
}

function readCell(text: string, start: number, separator: Separator): ReadCell | undefined {
  let open = start
  while (text[open] === ' ') open += 1
  if (text[open] !== '"') {
    const end = endOfCell(text, start, separator)
    const bare = unwrapped(text.slice(start, end).trim())
    return { cell: { text: bare, isNumber: /^[0-9]+$/.test(bare) }, end, lines: 0 }
  }
  let close = text.indexOf('"', open + 1)
  while (close !== -1 && text[close + 1] === '"') close = text.indexOf('"', close + 2)
  if (close === -1) return undefined
  const inside = text.slice(open + 1, close).replaceAll('""', '"')
  const end = endOfCell(text, close + 1, separator)
  const value = unwrapped(`${inside}${text.slice(close + 1, end).trim()}`.trim())
  return { cell: { text: value, isNumber: false }, end, lines: inside.split('\n').length - 1 }
}

// `="010780054"` is how a list is told to Excel so that it keeps the zero
function unwrapped(text: string): string {
  return /^="(.*)"$/s.exec(text)?.[1]?.trim() ?? text
}

function endOfCell(text: string, from: number, separator: Separator): number {
  let end = from
  while (end < text.length && text[end] !== separator && text[end] !== '\n') end += 1
  return end
}

function separatorOf(text: string): Separator {
  const unquoted = text.slice(0, sampled).replaceAll(/"[^"]*"/g, '')
  const lines = unquoted.split('\n')
  const counts = separators.map((separator) => lines.filter((line) => line.includes(separator)).length)
  const most = Math.max(...counts)
  return separators[counts.indexOf(most)] ?? ';'
}
