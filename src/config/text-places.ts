import type { Diagnostic, Place } from '../core/diagnostic.js'

/** A text to read, and the line of its file at which it begins (1 unless it is a part). */
export interface YamlText {
  readonly file: string
  readonly text: string
  readonly firstLine?: number
}

/** Offsets of one text as places of its file. */
export class Places {
  readonly file: string
  readonly text: string
  readonly #firstLine: number
  #lineStarts: number[] | undefined

  constructor(source: YamlText, text = source.text) {
    this.file = source.file
    this.text = text
    this.#firstLine = source.firstLine ?? 1
  }

  at(offset: number): Place {
    this.#lineStarts ??= lineStartsOf(this.text)
    let low = 0
    let high = this.#lineStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    const column = offset - (this.#lineStarts[low] ?? 0) + 1
    return { file: this.file, line: this.#firstLine + low, column }
  }

  diagnostic(offset: number, code: string, message: string): Diagnostic {
    return { severity: 'error', code, place: this.at(offset), message }
  }
}

function lineStartsOf(text: string): number[] {
  const starts = [0]
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1)
  return starts
}
