/** A cell of a line: its text without quotes and outer blanks, and the column where it begins. */
export interface Cell {
  readonly value: string
  readonly column: number
}

export type Separator = ';' | ',' | '\t'

/** Walks over the lines of a text; `line` is 1-based, carriage returns are left out. */
export function* linesOf(text: string): Generator<{ readonly line: number; readonly content: string }> {
  let line = 0
  let offset = text.startsWith('\ufeff') ? 1 : 0
  while (offset < text.length) {
    line += 1
    const feed = text.indexOf('\n', offset)
    const end = feed === -1 ? text.length : feed
    const bare = end > offset && text.charCodeAt(end - 1) === 0x0d ? end - 1 : end
    yield { line, content: text.slice(offset, bare) }
    offset = end + 1
  }
}

/** Whether a line says nothing: blank, separators alone, or a comment. */
export function isSilent(content: string): boolean {
  return content === '' || /^[\s;,]*(?:#.*)?$/.test(content)
}

/** The cells of a line; without a separator, what stands before a `#`. */
export function cellsOf(content: string, separator: Separator | undefined): readonly Cell[] {
  if (separator === undefined) return [cell(content.replace(/\s#.*$/, ''), 0)]
  const cells: Cell[] = []
  for (let start = 0; start <= content.length;) {
    const end = endOfCell(content, start, separator)
    cells.push(cell(content.slice(start, end), start))
    start = end + 1
  }
  return cells
}

/** One cell of a line, as `cellsOf` finds it; undefined where the line has fewer. */
export function cellAt(content: string, separator: Separator | undefined, index: number): Cell | undefined {
  if (separator === undefined || content.includes('"')) return cellsOf(content, separator)[index]
  let start = 0
  for (let passed = 0; passed < index; passed += 1) {
    start = content.indexOf(separator, start) + 1
    if (start === 0) return undefined
  }
  const end = content.indexOf(separator, start)
  return cell(content.slice(start, end === -1 ? content.length : end), start)
}

// a separator inside quotes belongs to the cell
function endOfCell(content: string, start: number, separator: Separator): number {
  let end = content.indexOf(separator, start)
  const quote = content.slice(start).search(/[^ ]/)
  if (quote !== -1 && content[start + quote] === '"') {
    let close = content.indexOf('"', start + quote + 1)
    while (close !== -1 && content[close + 1] === '"') close = content.indexOf('"', close + 2)
    if (close === -1) return content.length
    end = content.indexOf(separator, close + 1)
  }
  return end === -1 ? content.length : end
}

function cell(written: string, start: number): Cell {
  const value = written.trim()
  const column = start + written.length - written.trimStart().length + 1
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return { value, column }
  return { value: value.slice(1, -1).replaceAll('""', '"').trim(), column }
}
