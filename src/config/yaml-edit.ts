import { isDeepStrictEqual } from 'node:util'
import { isMap, isScalar, isSeq, parseDocument, type Document, type YAMLMap, type YAMLSeq } from 'yaml'
import type { Result } from '../core/result.js'
import {
  isList,
  renderFlow,
  renderItem,
  renderPair,
  renderScalar,
  TextLines,
  type YamlValue,
} from './yaml-layout.js'
import { colonOf, contentEnd, dashOf, pairOf, rangeOf, Unedited } from './yaml-nodes.js'
import { readYaml, type TreePath } from './yaml-source.js'

/** One change of the values of a document. */
export type YamlEdit =
  /** Items at the end of the list under a key of the mapping at `path`; an absent list is made, after `after`. */
  | {
      readonly kind: 'append'
      readonly path: TreePath
      readonly key: string
      readonly items: readonly YamlValue[]
      readonly after?: string
    }
  /** Items of the list at `path` itself. */
  | { readonly kind: 'append-here'; readonly path: TreePath; readonly items: readonly YamlValue[] }
  /** The items at these positions of the list at `path`; a list under a key that loses all becomes `[]`. */
  | { readonly kind: 'remove'; readonly path: TreePath; readonly indexes: ReadonlySet<number> }
  /** A text under a key of the mapping at `path`, in place of the one that stands there. */
  | {
      readonly kind: 'set'
      readonly path: TreePath
      readonly key: string
      readonly value: string
      readonly after?: string
    }

/** Why a text was left as it is: its spelling is one that is not edited here. */
export interface YamlEditProblem {
  readonly message: string
}

interface Splice {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * The text with one change made where it belongs; every other line stays as it is, byte for byte.
 *
 * Comments, order, quotes, indentation and line ends of the file are kept; what is new is written as
 * its neighbours are. The values of the result are compared with those that the change must give, so a
 * spelling that is not understood is refused and never damaged.
 */
export function editYaml(text: string, edit: YamlEdit): Result<string, YamlEditProblem> {
  const before = readYaml({ file: '', text })
  if (!before.ok) return { ok: false, problem: { message: before.problem[0]?.message ?? 'unreadable' } }
  try {
    const document = parseDocument(text, { schema: 'failsafe', keepSourceTokens: true, uniqueKeys: false })
    const edited = spliced(text, new Editor(document, text).splices(edit))
    const after = readYaml({ file: '', text: edited })
    if (after.ok && isDeepStrictEqual(after.value.plain, changed(before.value.plain, edit))) {
      return { ok: true, value: edited }
    }
    throw new Unedited()
  } catch (error) {
    if (!(error instanceof Unedited)) throw error
    const message = error.message || 'this spelling is not edited in place; make the change by hand'
    return { ok: false, problem: { message } }
  }
}

function spliced(text: string, splices: readonly Splice[]): string {
  let result = ''
  let at = 0
  for (const { start, end, text: written } of splices) {
    result += text.slice(at, start) + written
    at = end
  }
  return result + text.slice(at)
}

class Editor {
  readonly #document: Document.Parsed
  readonly #lines: TextLines

  constructor(document: Document.Parsed, text: string) {
    this.#document = document
    this.#lines = new TextLines(text)
  }

  splices(edit: YamlEdit): readonly Splice[] {
    switch (edit.kind) {
      case 'append-here':
        return [this.#append(this.#list(edit.path), edit.items)]
      case 'append': {
        const mapping = this.#mapping(edit.path)
        const pair = pairOf(mapping, edit.key)
        if (pair === undefined) return [this.#insert(mapping, { ...edit, value: edit.items })]
        if (!isSeq(pair.value)) throw new Unedited()
        return [this.#append(pair.value, edit.items)]
      }
      case 'set': {
        const mapping = this.#mapping(edit.path)
        const pair = pairOf(mapping, edit.key)
        if (pair === undefined) return [this.#insert(mapping, edit)]
        if (!isScalar(pair.value)) throw new Unedited()
        const [start, end] = rangeOf(pair.value)
        if (start === end) throw new Unedited()
        return [{ start, end, text: renderScalar(edit.value) }]
      }
      case 'remove':
        return this.#remove(edit.path, edit.indexes)
    }
  }

  #append(list: YAMLSeq, items: readonly YamlValue[]): Splice {
    const lines = this.#lines
    const last = list.items.at(-1)
    const [start, end] = rangeOf(list)
    if (list.flow !== true) {
      const at = lines.endOf(lines.trimmedEnd(contentEnd(list)))
      return insertion(at, lines.block(at, lines.columnOf(dashOf(list, 0)), items.flatMap(renderItem)))
    }
    const texts = items.map((item) => this.#likeNeighbour(item, last))
    const indent = lines.indentOf(start) + 2
    if (last === undefined) {
      const [first = '', ...others] = texts
      const layout = { indent, isOnOwnLine: false }
      // the items stand where the empty brackets did
      const written = new TextLines(`${' '.repeat(lines.columnOf(start))}[${first}`)
      return { start, end, text: `[${first}${written.flow(written.text.length, others, layout)}]` }
    }
    const [lastStart, lastEnd] = rangeOf(last)
    const isMultiLine = lines.startOf(lastStart) !== lines.startOf(start)
    const isOnOwnLine = isMultiLine && list.items.every((item) => lines.isFirst(rangeOf(item)[0]))
    const layout = { indent: isMultiLine ? lines.indentOf(lastStart) : indent, isOnOwnLine }
    return insertion(lastEnd, lines.flow(lastEnd, texts, layout))
  }

  // quoted as the item before it is; a plain number is better quoted
  #likeNeighbour(item: YamlValue, neighbour: unknown): string {
    if (typeof item !== 'string') return renderFlow(item)
    if (isScalar(neighbour) && neighbour.type === 'QUOTE_SINGLE') return `'${item.replaceAll("'", "''")}'`
    if (isScalar(neighbour) && neighbour.type === 'QUOTE_DOUBLE') return JSON.stringify(item)
    return renderScalar(item)
  }

  #insert(
    mapping: YAMLMap,
    { key, value, after }: { readonly key: string; readonly value: YamlValue; readonly after?: string },
  ): Splice {
    const lines = this.#lines
    const before = (after === undefined ? undefined : pairOf(mapping, after)) ?? mapping.items.at(-1)
    const first = mapping.items[0]
    if (before === undefined || first === undefined) throw new Unedited()
    if (mapping.flow === true) {
      const text = `, ${renderScalar(key)}: ${renderFlow(value)}`
      return insertion(contentEnd(before.value ?? before.key), text)
    }
    const at = lines.endOf(lines.trimmedEnd(contentEnd(before.value ?? before.key)))
    return insertion(at, lines.block(at, lines.columnOf(rangeOf(first.key)[0]), renderPair(key, value)))
  }

  #remove(path: TreePath, indexes: ReadonlySet<number>): readonly Splice[] {
    const list = this.#list(path)
    if (indexes.size === list.items.length && path.length > 0) return this.#empty(list, path)
    if (list.flow === true) return this.#removeFlow(list, indexes)
    const lines = this.#lines
    return [...indexes]
      .sort((one, other) => one - other)
      .map((index) => {
        const dash = dashOf(list, index)
        if (!lines.isFirst(dash)) throw new Unedited()
        const end = lines.endOf(lines.trimmedEnd(contentEnd(list.items[index])))
        return { start: lines.startOf(dash), end, text: '' }
      })
  }

  #empty(list: YAMLSeq, path: TreePath): readonly Splice[] {
    const [start, end] = rangeOf(list)
    if (list.flow === true) return [{ start, end, text: '[]' }]
    const mapping = this.#mapping(path.slice(0, -1))
    const pair = pairOf(mapping, String(path.at(-1)))
    if (pair === undefined || mapping.flow === true) throw new Unedited()
    const colon = colonOf(mapping, pair)
    const lines = this.#lines
    const from = lines.startOf(dashOf(list, 0))
    const to = lines.endOf(lines.trimmedEnd(contentEnd(list)))
    return [insertion(colon + 1, ' []'), { start: from, end: to, text: '' }]
  }

  // one run of neighbours after the other, so that a comma stays between those that stay
  #removeFlow(list: YAMLSeq, indexes: ReadonlySet<number>): readonly Splice[] {
    const splices: Splice[] = []
    const ranges = list.items.map((item) => rangeOf(item))
    for (let first = 0; first < ranges.length; first += 1) {
      if (!indexes.has(first)) continue
      let behind = first + 1
      while (indexes.has(behind)) behind += 1
      const start = ranges[first]?.[0] ?? 0
      const next = ranges[behind]
      if (next !== undefined) splices.push({ start, end: next[0], text: '' })
      else
        splices.push({
          start: ranges[first - 1]?.[1] ?? start,
          end: ranges[behind - 1]?.[1] ?? start,
          text: '',
        })
      first = behind
    }
    return splices
  }

  #list(path: TreePath): YAMLSeq {
    const node = this.#nodeAt(path)
    if (!isSeq(node)) throw new Unedited()
    return node
  }

  #mapping(path: TreePath): YAMLMap {
    const node = this.#nodeAt(path)
    if (!isMap(node)) throw new Unedited()
    return node
  }

  #nodeAt(path: TreePath): unknown {
    let node: unknown = this.#document.contents
    for (const part of path) {
      if (isMap(node)) node = pairOf(node, String(part))?.value
      else if (isSeq(node) && typeof part === 'number') node = node.items[part]
      else return undefined
    }
    return node
  }
}

function insertion(at: number, text: string): Splice {
  return { start: at, end: at, text }
}

/** The values as the change must leave them. */
function changed(plain: unknown, edit: YamlEdit): unknown {
  const copy = structuredClone(plain)
  let node: unknown = copy
  for (const part of edit.path) node = (node as Record<PropertyKey, unknown>)[part] // a path that was found
  switch (edit.kind) {
    case 'append-here':
      ;(node as unknown[]).push(...edit.items) // a list, where the editor found one
      return copy
    case 'append': {
      const mapping = node as Record<string, YamlValue> // a mapping, where the editor found one
      const list = mapping[edit.key]
      mapping[edit.key] = [...(list !== undefined && isList(list) ? list : []), ...edit.items]
      return copy
    }
    case 'set':
      ;(node as Record<string, YamlValue>)[edit.key] = edit.value // a mapping, where the editor found one
      return copy
    case 'remove': {
      const list = node as unknown[] // a list, where the editor found one
      list.splice(0, list.length, ...list.filter((_, index) => !edit.indexes.has(index)))
      return copy
    }
  }
}
