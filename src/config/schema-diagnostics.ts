import { z } from 'zod'
import type { Diagnostic } from '../core/diagnostic.js'
import { alternatives, shown, suggestion } from './spelling.js'
import type { TreePath, YamlTree } from './yaml-source.js'

type Issue = z.core.$ZodIssue

/** A part of a tree read by a schema: its value, or everything wrong with it, each with its place. */
export function readBySchema<Schema extends z.ZodType>(
  schema: Schema,
  tree: YamlTree,
  path: TreePath = [],
): { readonly value: z.output<Schema> | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const read = schema.safeParse(valueAt(tree.plain, path))
  if (read.success) return { value: read.data, diagnostics: [] }
  const reader = new IssueReader(schema, tree, path)
  return { value: undefined, diagnostics: read.error.issues.flatMap((issue) => reader.diagnosticsOf(issue)) }
}

/** What stands at a path of plain values; undefined where nothing does. */
export function valueAt(plain: unknown, path: TreePath): unknown {
  let value = plain
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<PropertyKey, unknown>)[part] // an object that has it, as checked above
  }
  return value
}

/** zod's issues in the words and with the places of the file that was read. */
class IssueReader {
  readonly #schema: z.ZodType
  readonly #tree: YamlTree
  readonly #base: TreePath

  constructor(schema: z.ZodType, tree: YamlTree, base: TreePath) {
    this.#schema = schema
    this.#tree = tree
    this.#base = base
  }

  diagnosticsOf(issue: Issue, above: TreePath = []): readonly Diagnostic[] {
    const local = [...above, ...issue.path]
    const path = [...this.#base, ...local]
    switch (issue.code) {
      case 'unrecognized_keys': {
        const known = keysOf(schemaAt(this.#schema, local))
        return issue.keys.map((name) => ({
          severity: 'error',
          code: 'unknown-key',
          place: this.#tree.placeOfKey([...path, name]),
          message: `unknown key ${shown(name)}${suggestion(name, known) || expectedKeys(known)}`,
        }))
      }
      case 'invalid_union':
        return this.#bestBranch(issue.errors, local)
      case 'invalid_type':
        return [this.#wrongType(issue.expected, path)]
      case 'invalid_value': {
        const values = issue.values.map(String)
        const found = valueAt(this.#tree.plain, path)
        if (typeof found !== 'string')
          return [this.#wrongType('string', path, `one of ${alternatives(values)}`)]
        const tail = suggestion(found, values)
        return [
          this.#wrong(path, `expected ${values.length > 1 ? 'one of ' : ''}${alternatives(values)}`, tail),
        ]
      }
      case 'too_small':
        if (issue.origin === 'array' || issue.origin === 'set') {
          const least = Number(issue.minimum)
          return [this.#wrong(path, `expected a list of at least ${least}`)]
        }
        return [this.#wrong(path, issue.message)]
      case 'invalid_key':
        return issue.issues.flatMap((inner) => this.#atKey(path, inner.message))
      case 'custom': {
        const offset: unknown = issue.params?.['offset']
        const wrong = this.#wrong(path, issue.message)
        if (typeof offset !== 'number') return [wrong]
        return [{ ...wrong, place: this.#tree.placeWithin(path, offset) }]
      }
      case 'invalid_element':
      case 'invalid_format':
      case 'not_multiple_of':
      case 'too_big':
        return [this.#wrong(path, issue.message)]
    }
  }

  // the branch that takes such a value at all speaks for the union
  #bestBranch(branches: readonly (readonly Issue[])[], local: TreePath): readonly Diagnostic[] {
    const path = [...this.#base, ...local]
    const found = valueAt(this.#tree.plain, path)
    const fits = branches.find((issues) => {
      const first = issues.find(({ path: below }) => below.length === 0)
      if (first === undefined) return true
      if (typeof found === 'string') return first.code !== 'invalid_type'
      return first.code !== 'invalid_type' && first.code !== 'invalid_value'
    })
    const spoken = fits ?? branches.find((issues) => issues.length > 0) ?? []
    return spoken.flatMap((issue) => this.diagnosticsOf(issue, local))
  }

  #atKey(path: TreePath, expected: string): readonly Diagnostic[] {
    const place = this.#tree.placeOfKey(path)
    const name = path.at(-1)
    const found = typeof name === 'string' ? `, found ${shown(name)}` : ''
    return [{ severity: 'error', code: 'wrong-key', place, message: `${expected}${found}` }]
  }

  #wrongType(expected: string, path: TreePath, noun = nounOf(expected)): Diagnostic {
    const found = valueAt(this.#tree.plain, path)
    if (found === undefined) {
      const name = String(path.at(-1))
      const place = this.#tree.placeOf(path)
      return {
        severity: 'error',
        code: 'missing-key',
        place,
        message: `missing key \`${name}\`${noun === 'a text' ? '' : `: expected ${noun}`}`,
      }
    }
    return { ...this.#wrong(path, `expected ${noun}`), code: 'wrong-type' }
  }

  #wrong(path: TreePath, expected: string, tail = ''): Diagnostic {
    const complete = !expected.startsWith('expected') || expected.includes(', found ')
    const found = complete ? '' : `, found ${describeFound(valueAt(this.#tree.plain, path))}`
    const message = `${nameOf(path)}${expected}${found}${tail}`
    return { severity: 'error', code: 'wrong-value', place: this.#tree.placeOf(path), message }
  }
}

/** `` `port`:  `` from the nearest key of a path; nothing at the root. */
export function nameOf(path: TreePath): string {
  const name = path.findLast((part) => typeof part === 'string')
  return name === undefined ? '' : `\`${name}\`: `
}

function describeFound(value: unknown): string {
  if (typeof value === 'string') return shown(value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return value === undefined ? 'nothing' : 'a mapping'
}

function nounOf(expected: string): string {
  if (expected === 'array') return 'a list'
  if (expected === 'object' || expected === 'record') return 'a mapping'
  return 'a text'
}

function expectedKeys(known: readonly string[]): string {
  return known.length === 0 ? '' : `; expected ${alternatives(known)}`
}

function schemaAt(schema: unknown, path: TreePath): unknown {
  let current = bare(schema)
  for (const part of path) {
    if (current instanceof z.ZodArray) current = bare(current.element)
    else if (current instanceof z.ZodObject) current = bare(Reflect.get(current.shape, part))
    else return undefined
  }
  return current
}

// what stands below defaults, options, and conversions; of a union the mapping
function bare(schema: unknown): unknown {
  let current = schema
  for (;;) {
    if (current instanceof z.ZodDefault || current instanceof z.ZodPrefault) current = current.unwrap()
    else if (current instanceof z.ZodOptional) current = current.unwrap()
    else if (current instanceof z.ZodPipe) current = current.in
    else if (current instanceof z.ZodUnion)
      current = current.options.find((one) => one instanceof z.ZodObject)
    else return current
  }
}

function keysOf(schema: unknown): readonly string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}
