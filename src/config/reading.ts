import type { Diagnostic, Place } from '../core/diagnostic.js'
import type { PlacedPath } from './gateway-config.js'
import { resolvePath } from './paths.js'
import { nameOf, valueAt } from './schema-diagnostics.js'
import { shown } from './spelling.js'
import type { TreePath, YamlTree } from './yaml-source.js'

/** A tree that is being turned into values, and what was found wrong on the way. */
export class Reading {
  readonly tree: YamlTree
  readonly diagnostics: Diagnostic[] = []

  constructor(tree: YamlTree) {
    this.tree = tree
  }

  /** An error at the value of `path`; a message that begins with `expected` says what was found, too. */
  refuse(path: TreePath, code: string, message: string): void {
    const found = valueAt(this.tree.plain, path)
    const tail = message.startsWith('expected') && typeof found === 'string' ? `, found ${shown(found)}` : ''
    const place = this.tree.placeOf(path)
    const name = message.startsWith('missing key') ? '' : nameOf(path)
    this.diagnostics.push({ severity: 'error', code, place, message: `${name}${message}${tail}` })
  }

  /** An error of two places that cannot both stand. */
  refusePair(
    path: TreePath,
    problem: { readonly code: string; readonly message: string },
    first: Place,
  ): void {
    const place = this.tree.placeOf(path)
    const related = [{ place: first, message: 'the other one stands here' }]
    this.diagnostics.push({ severity: 'error', place, ...problem, related })
  }

  /** A path, from the folder of the file that names it. */
  placedPath(path: TreePath, written: string): PlacedPath {
    return { path: resolvePath(this.tree.file, written), place: this.tree.placeOf(path) }
  }
}

/** Diagnostics of one file in the order of its lines. */
export function inOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.toSorted(
    ({ place: one }, { place: other }) => one.line - other.line || one.column - other.column,
  )
}
