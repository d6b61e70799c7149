import assert from 'node:assert/strict'
import type { JsonVisitor } from '../../src/fhir/json-visitor.js'

/** Builds the value as JSON.parse would, out of what the visitor is told. */
export class ValueVisitor implements JsonVisitor {
  readonly wantsText = true
  root: unknown
  readonly #open: (unknown[] | Map<string, unknown>)[] = []
  readonly #names: string[] = []

  openObject(): void {
    this.#open.push(new Map())
  }
  closeObject(): void {
    const members = this.#open.pop()
    assert.ok(members instanceof Map)
    this.#take(Object.fromEntries(members))
  }
  openArray(): void {
    this.#open.push([])
  }
  closeArray(): void {
    this.#take(this.#open.pop())
  }
  key(name: string): void {
    this.#names.push(name)
  }
  string(text: string | undefined): void {
    this.#take(text)
  }
  number(text: string | undefined): void {
    this.#take(Number(text))
  }
  literal(value: boolean | null): void {
    this.#take(value)
  }
  #take(value: unknown): void {
    const parent = this.#open.at(-1)
    if (parent === undefined) this.root = value
    else if (Array.isArray(parent)) parent.push(value)
    else parent.set(this.#names.pop() ?? '', value)
  }
}
