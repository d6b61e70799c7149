import { Failure } from '../core/failure.js'
import { valueAt } from './schema-diagnostics.js'
import { Places, type YamlText } from './text-places.js'
import { largestText, misleading, readYaml, type TreePath, type YamlTree } from './yaml-source.js'

// what the everyday whitelist is written in; whatever else stands in a text sends all of it to the library
const silence = / *(?:#[^\n\r]*)?(?:\r?\n|$)/y
const endOfValue = /(?: +#[^\n\r]*| *)(?:\r?\n|$)/y
const indentation = / */y
const keyStart = /([A-Za-z][A-Za-z0-9-]*):(?= |\r?\n|$)/y
const quoted = /"([^"\\\n\r\t]*)"|'([^'\n\r\t]*)'/y
const plainInBlock = /[A-Za-z0-9/.](?: *[A-Za-z0-9\u00c0-\u024f_./+=@()',;-]|:(?=[A-Za-z0-9/]))*/y
const plainInFlow = /[A-Za-z0-9/.](?: *[A-Za-z0-9\u00c0-\u024f_./+=@()-])*/y
const deepestFlow = 4
const deepestBlock = 8

type Mapping = Record<string, unknown>
type Container = Mapping | unknown[]

interface Level {
  readonly indent: number
  readonly container: Container
}

/** A key without a value yet: its list or mapping begins on the next line. */
interface Waiting {
  readonly mapping: Mapping
  readonly key: string
  readonly indent: number
}

/**
 * The block list of a whitelist in its everyday spelling, read ten times as fast as the library
 * reads it; undefined where anything in it is spelled otherwise.
 *
 * INVARIANT: what is read here is what `readYaml` reads, value for value and place for place; a
 * property test holds the two together. There is no error here: what is not understood is not read.
 */
export function readPlainItems(source: YamlText): YamlTree | undefined {
  if (source.text.length > largestText || misleading.test(source.text)) return undefined
  const reader = new PlainItems(source.text)
  if (!reader.read()) return undefined
  const places = new Places(source)
  let library: YamlTree | undefined
  const slowly = (): YamlTree => (library ??= readByLibrary(source))
  return {
    file: source.file,
    plain: reader.items,
    placeOf: (path) => {
      const offset = reader.offsetOf(path)
      return offset === undefined ? slowly().placeOf(path) : places.at(offset)
    },
    placeOfKey: (path) => slowly().placeOfKey(path),
    placeWithin: (path, offset) => slowly().placeWithin(path, offset),
  }
}

function readByLibrary(source: YamlText): YamlTree {
  const read = readYaml(source)
  if (read.ok) return read.value
  throw new Failure('internal', 'a text in its everyday spelling must be one that the library reads')
}

class PlainItems {
  readonly items: unknown[] = []
  readonly #text: string
  readonly #offsets = new Map<unknown, number>()
  #at = 0
  #levels: Level[] = []
  #waiting: Waiting | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** Where the list or the mapping at a path begins; undefined for texts. */
  offsetOf(path: TreePath): number | undefined {
    const value = valueAt(this.items, path)
    return typeof value === 'object' ? this.#offsets.get(value) : undefined
  }

  read(): boolean {
    while (this.#at < this.#text.length) {
      if (this.#levels.length > deepestBlock) return false
      if (this.#skip(silence)) continue
      const start = this.#at
      this.#skip(indentation)
      const indent = this.#at - start
      if (!(this.#text[this.#at] === '-' ? this.#readItem(indent) : this.#readPair(indent))) return false
    }
    return this.#waiting === undefined && this.items.length > 0
  }

  #readItem(indent: number): boolean {
    if (this.#text[this.#at + 1] !== ' ' || this.#text[this.#at + 2] === ' ') return false
    const list = this.#listAt(indent)
    if (list === undefined) return false
    this.#at += 2
    const offset = this.#at
    keyStart.lastIndex = offset
    if (!keyStart.test(this.#text)) {
      const value = this.#readValue()
      if (value === undefined) return false
      list.push(value)
      return true
    }
    const mapping: Mapping = {}
    this.#offsets.set(mapping, offset)
    list.push(mapping)
    this.#levels.push({ indent: indent + 2, container: mapping })
    return this.#readEntry(mapping, indent + 2)
  }

  #readPair(indent: number): boolean {
    const mapping = this.#mappingAt(indent)
    return mapping !== undefined && this.#readEntry(mapping, indent)
  }

  #readEntry(mapping: Mapping, indent: number): boolean {
    keyStart.lastIndex = this.#at
    const key = keyStart.exec(this.#text)?.[1]
    if (key === undefined || Object.hasOwn(mapping, key)) return false
    this.#at = keyStart.lastIndex
    if (this.#skip(endOfValue)) {
      // the key keeps its turn, so that a second one of its name is seen
      mapping[key] = ''
      this.#waiting = { mapping, key, indent }
      return true
    }
    this.#skip(indentation)
    const value = this.#readValue()
    if (value === undefined) return false
    mapping[key] = value
    return true
  }

  // the list whose dashes stand at this indentation, opened where a key waits for one
  #listAt(indent: number): unknown[] | undefined {
    const waiting = this.#waiting
    if (waiting === undefined && this.#levels.length > 0) {
      const container = this.#levelAt(indent, true)
      return Array.isArray(container) ? container : undefined
    }
    if (waiting !== undefined && indent < waiting.indent) return undefined
    const list: unknown[] = waiting === undefined ? this.items : []
    if (waiting !== undefined) waiting.mapping[waiting.key] = list
    this.#waiting = undefined
    this.#offsets.set(list, this.#at)
    this.#levels.push({ indent, container: list })
    return list
  }

  #mappingAt(indent: number): Mapping | undefined {
    const waiting = this.#waiting
    if (waiting === undefined) {
      const container = this.#levelAt(indent, false)
      return Array.isArray(container) ? undefined : container
    }
    if (indent <= waiting.indent) return undefined
    const mapping: Mapping = {}
    waiting.mapping[waiting.key] = mapping
    this.#waiting = undefined
    this.#offsets.set(mapping, this.#at)
    this.#levels.push({ indent, container: mapping })
    return mapping
  }

  #levelAt(indent: number, isList: boolean): Container | undefined {
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      if (level.indent < indent) return undefined
      if (level.indent === indent && Array.isArray(level.container) === isList) return level.container
      this.#levels.pop()
    }
    return undefined
  }

  // a value, and the rest of its line
  #readValue(): unknown {
    const value = this.#readFlow(plainInBlock, 0)
    return value !== undefined && this.#skip(endOfValue) ? value : undefined
  }

  #readFlow(plain: RegExp, depth: number): unknown {
    const first = this.#text[this.#at]
    if (first === '"' || first === "'") {
      quoted.lastIndex = this.#at
      const found = quoted.exec(this.#text)
      if (found === null) return undefined
      this.#at = quoted.lastIndex
      return found[1] ?? found[2]
    }
    if (first === '[' || first === '{')
      return depth < deepestFlow ? this.#readBrackets(first, depth) : undefined
    plain.lastIndex = this.#at
    const found = plain.exec(this.#text)
    if (found === null) return undefined
    this.#at = plain.lastIndex
    return found[0]
  }

  #readBrackets(open: '[' | '{', depth: number): Container | undefined {
    const container: Container = open === '[' ? [] : {}
    const close = open === '[' ? ']' : '}'
    this.#offsets.set(container, this.#at)
    this.#at += 1
    this.#skip(indentation)
    if (this.#text[this.#at] === close) {
      this.#at += 1
      return container
    }
    for (;;) {
      if (!this.#readMember(container, depth)) return undefined
      this.#skip(indentation)
      const next = this.#text[this.#at]
      this.#at += 1
      if (next === close) return container
      if (next !== ',') return undefined
      this.#skip(indentation)
    }
  }

  #readMember(container: Container, depth: number): boolean {
    if (Array.isArray(container)) {
      const item = this.#readFlow(plainInFlow, depth + 1)
      if (item !== undefined) container.push(item)
      return item !== undefined
    }
    keyStart.lastIndex = this.#at
    const key = keyStart.exec(this.#text)?.[1]
    if (key === undefined || Object.hasOwn(container, key)) return false
    this.#at = keyStart.lastIndex
    this.#skip(indentation)
    const value = this.#readFlow(plainInFlow, depth + 1)
    if (value !== undefined) container[key] = value
    return value !== undefined
  }

  #skip(what: RegExp): boolean {
    what.lastIndex = this.#at
    if (!what.test(this.#text)) return false
    this.#at = what.lastIndex
    return true
  }
}
