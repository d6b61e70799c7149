import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { root } from '../support/shared.js'

/** Every document of a YAML file of the repository; throws where one cannot be read. */
export function documentsOf(file: string): readonly unknown[] {
  return parseAllDocuments(readFileSync(join(root, file), 'utf8')).map((document) => {
    const [error] = [...document.errors, ...document.warnings]
    if (error !== undefined) throw new Error(`${file}: ${error.message}`)
    return document.toJS() as unknown // whatever stands there
  })
}

/** What stands at a path of keys and indexes; undefined where nothing does. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current = value
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined
    current = (current as Readonly<Record<string, unknown>>)[key] // an array is read by its indexes
  }
  return current
}

/** The items of a list at a path; none where no list stands there. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}
