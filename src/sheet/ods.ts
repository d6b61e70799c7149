import type { Result } from '../core/result.js'
import {
  emptyCell,
  mostCells,
  tooManyCells,
  type Sheet,
  type SheetCell,
  type SheetProblem,
  type SheetRow,
} from './sheet.js'
import { walkXml, type XmlElement } from './xml.js'
import type { ZipArchive } from './zip.js'

/** The sheets of an OpenDocument spreadsheet. @see OpenDocument 1.3 part 3, sections 9.1 and 19.385 */
export function readOds(archive: ZipArchive): Result<readonly Sheet[], SheetProblem> {
  const content = archive.read('content.xml')
  if (!content.ok) return content
  const reader = new OdsReader()
  const read = walkXml(content.value, reader)
  return read.ok ? { ok: true, value: reader.sheets } : read
}

class OdsReader {
  readonly sheets: Sheet[] = []
  #rows: SheetRow[] = []
  #name = ''
  #row = 0
  #rowRepeats = 1
  #isRowHidden = false
  #cells: SheetCell[] = []
  #cellCount = 0
  #cell: XmlElement['attributes'] = {}
  #paragraphs: string[] = []
  #isParagraph = false
  // annotations of a cell hold paragraphs, too
  #isNote = false

  open({ name, attributes }: XmlElement): string | undefined {
    switch (name) {
      case 'table':
        this.#name = attributes['name'] ?? ''
        this.#rows = []
        this.#row = 1
        return undefined
      case 'table-row':
        this.#rowRepeats = repeats(attributes['number-rows-repeated'])
        this.#isRowHidden = /^(?:collapse|filter)$/.test(attributes['visibility'] ?? '')
        this.#cells = []
        return undefined
      case 'table-cell':
      case 'covered-table-cell':
        this.#cell = attributes
        this.#paragraphs = []
        return undefined
      case 'annotation':
        this.#isNote = true
        return undefined
      case 'p':
        if (!this.#isNote) this.#paragraphs.push('')
        this.#isParagraph = !this.#isNote
        return undefined
      default:
        return undefined
    }
  }

  text(part: string): void {
    if (this.#isParagraph) this.#paragraphs.push(`${this.#paragraphs.pop() ?? ''}${part}`)
  }

  close(name: string): string | undefined {
    switch (name) {
      case 'p':
        this.#isParagraph = false
        return undefined
      case 'annotation':
        this.#isNote = false
        return undefined
      case 'table-cell':
      case 'covered-table-cell':
        return this.#closeCell()
      case 'table-row':
        return this.#closeRow()
      case 'table':
        this.sheets.push({ name: this.#name, rows: this.#rows })
        return undefined
      default:
        return undefined
    }
  }

  #closeCell(): string | undefined {
    const cell = readCell(this.#cell, this.#paragraphs.join(' ').trim())
    const count = repeats(this.#cell['number-columns-repeated'])
    this.#cellCount += count > 1 && cell.text === '' ? 0 : count
    if (this.#cellCount > mostCells) return tooManyCells
    // what is empty to the end of the row (16,384 columns) is not kept
    const kept = cell.text === '' ? Math.min(count, 1024) : count
    for (let copy = 0; copy < kept; copy += 1) this.#cells.push(cell)
    return undefined
  }

  #closeRow(): string | undefined {
    while (this.#cells.at(-1)?.text === '') this.#cells.pop()
    const { length } = this.#cells
    if (length > 0) {
      this.#cellCount += length * (this.#rowRepeats - 1)
      if (this.#cellCount > mostCells) return tooManyCells
      const hidden = this.#isRowHidden ? ({ isHidden: true } as const) : {}
      for (let copy = 0; copy < this.#rowRepeats; copy += 1) {
        this.#rows.push({ number: this.#row + copy, cells: this.#cells, ...hidden })
      }
    }
    this.#row += this.#rowRepeats
    return undefined
  }
}

// the paragraph is what a person saw, zeros included; the value what was stored
function readCell(attributes: XmlElement['attributes'], shown: string): SheetCell {
  const isNumber = attributes['value-type'] === 'float'
  if (!isNumber) return shown === '' ? emptyCell : { text: shown, isNumber }
  return { text: /^[0-9]+$/.test(shown) ? shown : (attributes['value'] ?? shown), isNumber }
}

function repeats(written: string | undefined): number {
  return /^[1-9][0-9]{0,6}$/.test(written ?? '') ? Number(written) : 1
}
