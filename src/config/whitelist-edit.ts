import type { Result } from '../core/result.js'
import { chunksOf } from './partner-chunks.js'
import { readPlainItems } from './plain-items.js'
import { valueAt } from './schema-diagnostics.js'
import { editYaml, type YamlEdit, type YamlEditProblem } from './yaml-edit.js'
import { renderBlock, type YamlMapping } from './yaml-layout.js'
import { readYaml, type TreePath } from './yaml-source.js'

/** A partner as its file spells it: texts, lists and mappings, unread. */
export type WrittenPartner = Readonly<Record<string, unknown>>

/** Where in a whitelist text a partner stands. */
export interface LocatedPartner {
  readonly written: WrittenPartner
  readonly part: TextPart
  /** To the partner, inside the part. */
  readonly path: TreePath
  /** Whether the part holds this partner alone. */
  readonly isAlone: boolean
}

/** A stretch of a text that reads as a YAML document by itself. */
interface TextPart {
  readonly start: number
  readonly end: number
  /** To the list of partners. */
  readonly list: TreePath
}

/** One change of a partner; paths start at the partner. */
export type PartnerEdit = YamlEdit

type Edited = Result<string, YamlEditProblem>

const mark = '\ufeff'

/** Where the partner of this id stands; undefined where the text holds none, or cannot be read. */
export function locatePartner(text: string, id: string): LocatedPartner | undefined {
  for (const part of partsOf(text)) {
    const content = text.slice(part.start, part.end)
    if (!content.includes(id)) continue
    const plain = readPlain(content)
    const list = valueAt(plain, part.list)
    if (!Array.isArray(list)) continue
    const index = list.findIndex((each) => valueAt(each, ['id']) === id)
    const written: unknown = list[index]
    if (!isRecord(written)) continue
    return { written, part, path: [...part.list, index], isAlone: list.length === 1 }
  }
  return undefined
}

/**
 * The text with changes made to one partner, one after the other; the rest of it stays byte for byte.
 *
 * @param text - the one in which the partner was located
 */
export function editPartner(text: string, located: LocatedPartner, edits: readonly PartnerEdit[]): Edited {
  const { start, end } = located.part
  let content = text.slice(start, end)
  for (const edit of edits) {
    const edited = editYaml(content, { ...edit, path: [...located.path, ...edit.path] })
    if (!edited.ok) return edited
    content = edited.value
  }
  return { ok: true, value: text.slice(0, start) + content + text.slice(end) }
}

/** The text without a partner; comments above its entry stay. */
export function removePartner(text: string, { part, path, isAlone }: LocatedPartner, id: string): Edited {
  const list = path.slice(0, -1)
  const index = Number(path.at(-1))
  if (!isAlone) return replacePart(text, part, { kind: 'remove', path: list, indexes: new Set([index]) })
  // a part that would lose everything cannot be read by itself
  const whole = wholeOf(text)
  const partners = valueAt(readPlain(text.slice(whole.start)), whole.list)
  const found = Array.isArray(partners) ? partners.findIndex((each) => valueAt(each, ['id']) === id) : -1
  return replacePart(text, whole, { kind: 'remove', path: whole.list, indexes: new Set([found]) })
}

/** The text with a partner behind the others. */
export function addPartner(text: string, partner: YamlMapping): Edited {
  let last = wholeOf(text)
  for (const part of partsOf(text)) last = part
  return replacePart(text, last, { kind: 'append-here', path: last.list, items: [partner] })
}

/** A whitelist of one partner. */
export function newWhitelist(partner: YamlMapping): string {
  return `${renderBlock({ partners: [partner] }).join('\n')}\n`
}

function replacePart(text: string, { start, end }: TextPart, edit: YamlEdit): Edited {
  const edited = editYaml(text.slice(start, end), edit)
  return edited.ok ? { ok: true, value: text.slice(0, start) + edited.value + text.slice(end) } : edited
}

function* partsOf(text: string): Generator<TextPart> {
  const whole = wholeOf(text)
  const bare = text.slice(whole.start)
  const chunks = chunksOf(bare)
  if (chunks === undefined) {
    yield whole
    return
  }
  // the parts follow each other to the end of the text
  const lengths = Array.from(chunks, (chunk) => chunk.text.length)
  let start = text.length - lengths.reduce((sum, length) => sum + length, 0)
  for (const length of lengths) {
    yield { start, end: start + length, list: [] }
    start += length
  }
}

function wholeOf(text: string): TextPart {
  return { start: text.startsWith(mark) ? 1 : 0, end: text.length, list: ['partners'] }
}

function readPlain(text: string): unknown {
  const source = { file: '', text }
  const plain = readPlainItems(source)
  if (plain !== undefined) return plain.plain
  const read = readYaml(source)
  return read.ok ? read.value.plain : undefined
}

function isRecord(value: unknown): value is WrittenPartner {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
