import { Composer, isMap, isScalar, isSeq, Parser, type CST, type Document } from 'yaml'
import type { Diagnostic, Place } from '../core/diagnostic.js'
import type { Result } from '../core/result.js'
import { shown } from './spelling.js'
import { Places, type YamlText } from './text-places.js'

export type { YamlText } from './text-places.js'

/** Keys and list positions, from the root. */
export type TreePath = readonly PropertyKey[]

/** A YAML text as values: every scalar a string, mappings as plain objects. */
export interface YamlTree {
  readonly file: string
  readonly plain: unknown
  /** Where the value at this path begins; where it is absent, the mapping or list that lacks it. */
  placeOf(path: TreePath): Place
  /** Where the key at this path stands; a list item's own place. */
  placeOfKey(path: TreePath): Place
  /** The place `offset` characters into the scalar, where it is spelled as it reads; else its beginning. */
  placeWithin(path: TreePath, offset: number): Place
}

// one character of YAML becomes some 75 bytes of tokens and nodes: 4 million stay below 300 MB
export const largestText = 4_000_000
const deepest = 32
const mostProblems = 20
/** Control characters, and those that make a text look like another (CVE-2021-42574). */
export const misleading = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069\ufeff]/

const refusedTokens: Readonly<Record<string, readonly [code: string, message: string]>> = {
  anchor: ['yaml-anchor', 'anchors are not read here; write the value out'],
  alias: ['yaml-alias', 'aliases are not read here; write the value out'],
  tag: ['yaml-tag', 'tags are not read here; every value is text'],
  directive: ['yaml-directive', 'directives are not read here'],
}

/**
 * The values of one YAML document, or everything that is wrong with the text, with places.
 *
 * Failsafe schema: `010780054` and `2E0000014` stay the text they are. Refused: anchors, aliases,
 * tags, directives, merge keys, a second document, duplicate keys, keys that are no text, control
 * characters, and nesting deeper than any configuration needs. Never throws.
 *
 * INVARIANT: nothing recursive sees the text before its depth is known: nesting such as `[[[[…`
 * ends in an abort of the process inside the composer of yaml 2.9.1, and its tokenizer does not recurse.
 */
export function readYaml(source: YamlText): Result<YamlTree, readonly Diagnostic[]> {
  const text = source.text.startsWith('\ufeff') ? source.text.slice(1) : source.text
  const places = new Places(source, text)
  if (text.length > largestText) {
    return refused(places, 0, [
      'yaml-too-large',
      `expected at most ${largestText} characters to read as one, found ${text.length}; move numbers to an \`establishmentsFile\``,
    ])
  }
  const hidden = misleading.exec(text)
  if (hidden !== null) {
    const code = hidden[0].codePointAt(0) ?? 0
    const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
    return refused(places, hidden.index, [
      'yaml-control-character',
      `the character ${name} must not stand here`,
    ])
  }

  const tokens = [...new Parser().parse(text)]
  const problems = judgeTokens(tokens, places)
  if (problems.length > 0) return { ok: false, problem: problems }
  const composer = new Composer({ schema: 'failsafe', uniqueKeys: false, prettyErrors: false, strict: true })
  const [document] = composer.compose(tokens, true, text.length)
  if (document === undefined) return refused(places, 0, ['yaml-empty', 'expected a document, found nothing'])
  for (const { message, pos } of document.errors.slice(0, mostProblems)) {
    problems.push(places.diagnostic(pos[0], 'yaml-syntax', inHouseStyle(message)))
  }
  if (problems.length > 0) return { ok: false, problem: problems }

  const plain = new PlainReader(places)
  const value = document.contents === null ? '' : plain.read(document.contents)
  if (plain.problems.length > 0) return { ok: false, problem: plain.problems }
  return { ok: true, value: treeOf(document, value, places) }
}

function refused(places: Places, offset: number, [code, message]: readonly [string, string]) {
  return { ok: false, problem: [places.diagnostic(offset, code, message)] } as const
}

function inHouseStyle(message: string): string {
  const line = message.split('\n', 1).join('').replace(/[.:]$/, '')
  return line.charAt(0).toLowerCase() + line.slice(1)
}

// with a stack of its own: the depth is what it must find out
function judgeTokens(tokens: readonly CST.Token[], places: Places): Diagnostic[] {
  const problems: Diagnostic[] = []
  const second = tokens.filter(({ type }) => type === 'document')[1]
  if (second !== undefined) {
    const message = 'expected one document, found a second'
    problems.push(places.diagnostic(second.offset, 'yaml-second-document', message))
  }
  const open: CST.Token[] = [...tokens]
  const depths: number[] = tokens.map(() => 0)
  for (let token = open.pop(); token !== undefined; token = open.pop()) {
    const depth = depths.pop() ?? 0
    const refusal = refusedTokens[token.type]
    if (refusal !== undefined) problems.push(places.diagnostic(token.offset, ...refusal))
    if (depth > deepest) {
      const message = `expected at most ${deepest} levels of nesting, found more`
      return [places.diagnostic(token.offset, 'yaml-too-deep', message)]
    }
    openChildren(token, open)
    const below = 'items' in token ? depth + 1 : depth
    while (depths.length < open.length) depths.push(below)
  }
  problems.sort(({ place: one }, { place: other }) => one.line - other.line || one.column - other.column)
  return problems.slice(0, mostProblems)
}

function openChildren(token: CST.Token, open: CST.Token[]): void {
  if (token.type === 'document') {
    open.push(...token.start)
    if (token.value !== undefined) open.push(token.value)
  }
  if (token.type === 'block-scalar') open.push(...token.props)
  if (!('items' in token)) return
  for (const { start, key, sep, value } of token.items) {
    open.push(...start)
    if (key) open.push(key)
    if (sep) open.push(...sep)
    if (value) open.push(value)
  }
}

/** Nodes as plain values; remembers what no configuration may hold. */
class PlainReader {
  readonly problems: Diagnostic[] = []
  readonly #places: Places

  constructor(places: Places) {
    this.#places = places
  }

  read(node: unknown): unknown {
    if (isScalar(node)) return typeof node.value === 'string' ? node.value : ''
    if (isSeq(node)) return node.items.map((item) => this.read(item))
    // `key:` without a value, and `{key}`
    if (!isMap(node)) return ''
    const plain: Record<string, unknown> = {}
    const firsts = new Map<string, number>()
    for (const { key, value } of node.items) {
      const offset = offsetOf(key) ?? node.range?.[0] ?? 0
      const name = isScalar(key) && typeof key.value === 'string' ? key.value : undefined
      if (name === undefined) {
        this.problems.push(
          this.#places.diagnostic(offset, 'yaml-key', 'expected a text as key, found a list or a mapping'),
        )
        continue
      }
      const first = firsts.get(name)
      if (first !== undefined) {
        this.problems.push({
          ...this.#places.diagnostic(offset, 'duplicate-key', `duplicate key ${shown(name)}`),
          related: [{ place: this.#places.at(first), message: `${shown(name)} stands here first` }],
        })
        continue
      }
      if (name === '<<') {
        this.problems.push(
          this.#places.diagnostic(offset, 'yaml-merge', 'merge keys are not read here; write the keys out'),
        )
        continue
      }
      if (name === '__proto__') {
        this.problems.push(this.#places.diagnostic(offset, 'unknown-key', 'unknown key `__proto__`'))
        continue
      }
      firsts.set(name, offset)
      plain[name] = this.read(value)
    }
    return plain
  }
}

function offsetOf(node: unknown): number | undefined {
  if (isScalar(node) || isMap(node) || isSeq(node)) return node.range?.[0]
  return undefined
}

function treeOf(document: Document.Parsed | Document, plain: unknown, places: Places): YamlTree {
  interface Step {
    readonly key: unknown
    readonly value: unknown
    readonly found: boolean
  }
  const walk = (path: TreePath): Step => {
    let step: Step = { key: document.contents, value: document.contents, found: true }
    for (const part of path) {
      const { value } = step
      let next: Step | undefined
      if (isMap(value)) {
        const pair = value.items.find(({ key }) => isScalar(key) && key.value === part)
        if (pair !== undefined) next = { key: pair.key, value: pair.value ?? pair.key, found: true }
      } else if (isSeq(value) && typeof part === 'number' && part < value.items.length) {
        next = { key: value.items[part], value: value.items[part], found: true }
      }
      if (next === undefined) return { ...step, found: false }
      step = next
    }
    return step
  }
  return {
    file: places.file,
    plain,
    placeOf: (path) => places.at(offsetOf(walk(path).value) ?? 0),
    placeOfKey: (path) => places.at(offsetOf(walk(path).key) ?? 0),
    placeWithin: (path, offset) => {
      const { value, found } = walk(path)
      const start = offsetOf(value) ?? 0
      if (!found || !isScalar(value) || typeof value.value !== 'string') return places.at(start)
      const quote = value.type === 'QUOTE_DOUBLE' || value.type === 'QUOTE_SINGLE' ? 1 : 0
      const literal = places.text.startsWith(value.value, start + quote)
      return places.at(literal ? start + quote + offset : start)
    },
  }
}
