/** What is written into a YAML text: texts, lists, and mappings in the order of their keys. */
export type YamlValue = string | readonly YamlValue[] | YamlMapping

export interface YamlMapping {
  readonly [key: string]: YamlValue
}

/** Longest line that is made here. */
const widest = 110

/** Whether a value of this spelling stays what it is wherever it stands, for other readers of YAML too. */
const plain = /^(?:[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9]{4}-[0-9]{2}-[0-9]{2})$/
const reserved = /^(?:true|false|yes|no|on|off|null|y|n)$/i
const plainText = /^\p{L}[\p{L}\p{N} '’().-]*[\p{L}\p{N})]$/u

/** A text as a scalar: plain where every reader of YAML takes it for the same text, else in double quotes. */
export function renderScalar(text: string): string {
  const isPlain = (plain.test(text) || plainText.test(text)) && !reserved.test(text)
  return isPlain ? text : JSON.stringify(text)
}

/** A value on one line. */
export function renderFlow(value: YamlValue): string {
  if (typeof value === 'string') return renderScalar(value)
  if (isList(value)) return `[${value.map(renderFlow).join(', ')}]`
  const pairs = Object.entries(value).map(([key, each]) => `${renderScalar(key)}: ${renderFlow(each)}`)
  return `{ ${pairs.join(', ')} }`
}

/** The lines of a value below its key or behind its dash, without indentation of their own. */
export function renderBlock(value: YamlValue): readonly string[] {
  if (typeof value === 'string') return [renderScalar(value)]
  if (isList(value)) return value.flatMap(renderItem)
  return Object.entries(value).flatMap(([key, each]) => renderPair(key, each))
}

/** A list item: a dash, and the value behind it. */
export function renderItem(value: YamlValue): readonly string[] {
  const isScalarList = isList(value)
  const lines = isScalarList ? [renderFlow(value)] : renderBlock(value)
  return lines.map((line, index) => (index === 0 ? `- ${line}` : `  ${line}`))
}

/** A key with its value, on one line where a short list or a text is all there is. */
export function renderPair(key: string, value: YamlValue): readonly string[] {
  const name = renderScalar(key)
  const isShort = typeof value === 'string' || isShortList(value)
  if (isShort) return [`${name}: ${renderFlow(value)}`]
  return [`${name}:`, ...renderBlock(value).map((line) => `  ${line}`)]
}

function isShortList(value: YamlValue): boolean {
  if (!isList(value)) return false
  return value.every((each) => typeof each === 'string') && renderFlow(value).length <= 80
}

export function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value)
}

/** Where lines of a text begin and end, and how they end. */
export class TextLines {
  readonly text: string
  readonly feed: '\n' | '\r\n'

  constructor(text: string) {
    this.text = text
    const first = text.indexOf('\n')
    this.feed = first > 0 && text[first - 1] === '\r' ? '\r\n' : '\n'
  }

  /** Of the line that holds this offset. */
  startOf(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1
  }

  /** Behind the feed of the line that holds this offset. */
  endOf(offset: number): number {
    const feed = this.text.indexOf('\n', offset)
    return feed === -1 ? this.text.length : feed + 1
  }

  columnOf(offset: number): number {
    return offset - this.startOf(offset)
  }

  /** How many spaces the line that holds this offset begins with. */
  indentOf(offset: number): number {
    return /^ */.exec(this.text.slice(this.startOf(offset), offset))?.[0].length ?? 0
  }

  /** Whether nothing but spaces stands before this offset on its line. */
  isFirst(offset: number): boolean {
    return this.text.slice(this.startOf(offset), offset).trim() === ''
  }

  /** What is behind a value, back over the blanks and feeds that belong to it. */
  trimmedEnd(end: number): number {
    let last = end
    while (last > 0 && /\s/.test(this.text[last - 1] ?? '')) last -= 1
    return last
  }

  /** Lines of this indentation, to be put before the line that begins at `at`. */
  block(at: number, indent: number, lines: readonly string[]): string {
    const written = lines.map((line) => `${' '.repeat(indent)}${line}${this.feed}`).join('')
    const isCut = at === this.text.length && at > 0 && !this.text.endsWith('\n')
    return isCut ? `${this.feed}${written}`.slice(0, -this.feed.length) : written
  }

  /** Items of a flow list behind the one that ends at `at`, broken into lines that are not too long. */
  flow(at: number, items: readonly string[], { indent, isOnOwnLine }: FlowLayout): string {
    let column = this.columnOf(at)
    let written = ''
    for (const item of items) {
      const isNew = isOnOwnLine || column + item.length + 2 > widest
      written += isNew ? `,${this.feed}${' '.repeat(indent)}${item}` : `, ${item}`
      column = (isNew ? indent : column + 2) + item.length
    }
    return written
  }
}

/** How the items of a flow list that goes over lines stand. */
export interface FlowLayout {
  readonly indent: number
  readonly isOnOwnLine: boolean
}
