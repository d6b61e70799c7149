import type { Result } from '../core/result.js'
import {
  emptyCell,
  mostCells,
  tooManyCells,
  type SheetCell,
  type SheetProblem,
  type SheetRow,
} from './sheet.js'
import { walkXml, type XmlElement } from './xml.js'

const mostColumns = 16_384

/** What the cells of every sheet refer to. */
export interface WorkbookTexts {
  readonly sharedStrings: readonly string[]
  /** By number of the cell style: how many digits the format shows at least, 0 where it is none of zeros. */
  readonly zeroPadding: readonly number[]
}

/** The filled rows of a worksheet part. @see ECMA-376 part 1 section 18.3.1 */
export function readWorksheet(
  bytes: Uint8Array,
  texts: WorkbookTexts,
): Result<readonly SheetRow[], SheetProblem> {
  const reader = new WorksheetReader(texts)
  const read = walkXml(bytes, reader)
  return read.ok ? { ok: true, value: reader.rows } : read
}

class WorksheetReader {
  readonly rows: SheetRow[] = []
  readonly #texts: WorkbookTexts
  #row = 0
  #isHidden = false
  #cells: SheetCell[] = []
  #cellCount = 0
  #column = -1
  #cell: XmlElement['attributes'] = {}
  #value = ''
  #isValue = false
  #isPhonetic = false

  constructor(texts: WorkbookTexts) {
    this.#texts = texts
  }

  open({ name, attributes }: XmlElement): string | undefined {
    switch (name) {
      case 'row':
        this.#row = Number(attributes['r'] ?? this.#row + 1)
        this.#isHidden = isTrue(attributes['hidden'])
        this.#cells = []
        this.#column = -1
        return undefined
      case 'c':
        this.#cell = attributes
        this.#value = ''
        this.#column = attributes['r'] === undefined ? this.#column + 1 : columnOf(attributes['r'])
        return this.#column >= 0 && this.#column < mostColumns ? undefined : 'a cell has no column'
      case 'rPh':
        this.#isPhonetic = true
        return undefined
      default:
        // `v` of a formula is what it came to; `f`, the formula itself, is not read
        this.#isValue = (name === 'v' || name === 't') && !this.#isPhonetic
        return undefined
    }
  }

  text(part: string): void {
    if (this.#isValue) this.#value += part
  }

  close(name: string): string | undefined {
    this.#isValue = false
    if (name === 'rPh') this.#isPhonetic = false
    if (name === 'c') return this.#closeCell()
    if (name === 'row' && this.#cells.length > 0) {
      const hidden = this.#isHidden ? ({ isHidden: true } as const) : {}
      this.rows.push({ number: this.#row, cells: this.#cells, ...hidden })
    }
    return undefined
  }

  #closeCell(): string | undefined {
    const cell = this.#readCell()
    if (cell === undefined) return `the cell \`${this.#cell['r'] ?? ''}\` refers to a text that is not there`
    if (cell.text === '') return undefined
    this.#cellCount += 1
    // a far column makes a long row of gaps
    this.#cellCount += Math.max(0, this.#column - this.#cells.length)
    if (this.#cellCount > mostCells) return tooManyCells
    while (this.#cells.length < this.#column) this.#cells.push(emptyCell)
    this.#cells[this.#column] = cell
    return undefined
  }

  #readCell(): SheetCell | undefined {
    const type = this.#cell['t'] ?? 'n'
    if (type === 's') {
      const text = this.#texts.sharedStrings[Number(this.#value)]
      return text === undefined ? undefined : { text: text.trim(), isNumber: false }
    }
    if (type !== 'n') return { text: this.#value.trim(), isNumber: false }
    const padding = this.#texts.zeroPadding[Number(this.#cell['s'] ?? 0)] ?? 0
    return {
      text: decimal(this.#value.trim()).padStart(this.#value === '' ? 0 : padding, '0'),
      isNumber: true,
    }
  }
}

// xsd:boolean
function isTrue(written: string | undefined): boolean {
  return written === '1' || written === 'true'
}

// `3.5005468E8` is how a file may store 350054680
function decimal(stored: string): string {
  const value = Number(stored)
  return stored !== '' && Number.isSafeInteger(value) && value >= 0 ? String(value) : stored
}

function columnOf(reference: string): number {
  const letters = /^[A-Z]{1,3}/.exec(reference)?.[0] ?? ''
  let column = 0
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64
  return column - 1
}
