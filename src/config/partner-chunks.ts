/** Some list items of a whitelist, as the file spells them, and the line they begin at. */
export interface PartnerChunk {
  readonly text: string
  readonly firstLine: number
}

const blankOrComment = /^[ ]*(?:#.*)?\r?$/
const opening = /^partners:[ ]*(?:#.*)?\r?$/
const fewestCharacters = 32_768

/**
 * The items of a whitelist that is nothing but one block list under `partners:`, some at a time;
 * undefined where the text is anything else, and must be read as a whole.
 *
 * INVARIANT: what is cut here means, part by part, what it means as a whole. A line belongs to an
 * item when it is blank, a comment, or indented deeper than the dashes; YAML lets no scalar and no
 * flow collection of an item reach back to the indentation of the dash. Tabs, `---`, `...`, a
 * second key and anything less indented make the text something else.
 */
export function chunksOf(text: string): Iterable<PartnerChunk> | undefined {
  const start = startOfItems(text)
  if (start === undefined || !isOneList(text, start)) return undefined
  return cutItems(text, start)
}

interface ItemsStart {
  readonly offset: number
  readonly line: number
  /** Spaces before each dash. */
  readonly indent: number
}

function startOfItems(text: string): ItemsStart | undefined {
  let opened = false
  let line = 1
  for (let offset = 0; offset < text.length; line += 1) {
    const end = endOfLine(text, offset)
    // what stands before the first item is short: a modeline, a word of comment
    if (offset > 65_536) return undefined
    const content = text.slice(offset, end)
    if (!blankOrComment.test(content)) {
      const item = opened ? /^( *)-(?: |\r?$)/.exec(content) : null
      if (item !== null) return { offset, line, indent: (item[1] ?? '').length }
      if (opened || !opening.test(content)) return undefined
      opened = true
    }
    offset = end + 1
  }
  return undefined
}

function isOneList(text: string, { offset: start, indent }: ItemsStart): boolean {
  for (let offset = start; offset < text.length; offset = endOfLine(text, offset) + 1) {
    if (indentOf(text, offset) > indent) continue
    if (isItem(text, offset, indent)) continue
    if (!blankOrComment.test(text.slice(offset, endOfLine(text, offset)))) return false
  }
  return true
}

function* cutItems(
  text: string,
  { offset: start, line: firstLine, indent }: ItemsStart,
): Generator<PartnerChunk> {
  let chunkStart = start
  let chunkLine = firstLine
  let line = firstLine
  for (let offset = start; offset < text.length; offset = endOfLine(text, offset) + 1) {
    if (offset - chunkStart >= fewestCharacters && isItem(text, offset, indent)) {
      yield { text: text.slice(chunkStart, offset), firstLine: chunkLine }
      chunkStart = offset
      chunkLine = line
    }
    line += 1
  }
  yield { text: text.slice(chunkStart), firstLine: chunkLine }
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end === -1 ? text.length : end
}

function indentOf(text: string, offset: number): number {
  let end = offset
  while (text.charCodeAt(end) === 0x20) end += 1
  return end - offset
}

function isItem(text: string, offset: number, indent: number): boolean {
  if (indentOf(text, offset) !== indent || text[offset + indent] !== '-') return false
  const after = text[offset + indent + 1]
  return after === undefined || after === ' ' || after === '\n' || after === '\r'
}
