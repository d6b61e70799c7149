import { FhirElementBuilder, type FhirElement, type FhirKind, type Wanted } from './fhir-element.js'
import { elementOnTape } from './fhir-tape.js'
import { jsonIndex } from './json-index.js'
import { readJson } from './json-reader.js'
import type { JsonVisitor } from './json-visitor.js'
import type { Result } from '../core/result.js'

class FhirJsonVisitor implements JsonVisitor {
  wantsText = false
  problem: string | undefined = undefined
  readonly #builder: FhirElementBuilder
  // for each open object or array: the name of what stands in it, undefined for an object
  readonly #arrays: (string | undefined)[] = []
  #name = ''
  #hasRoot = false

  constructor(builder: FhirElementBuilder) {
    this.#builder = builder
  }

  openObject(): void {
    if (this.#hasRoot) this.#builder.open(this.#childName())
    this.#hasRoot = true
    this.#arrays.push(undefined)
    this.wantsText = false
  }

  closeObject(): void {
    this.#arrays.pop()
    if (this.#arrays.length > 0) this.#builder.close()
    this.#backInArray()
  }

  openArray(): void {
    if (!this.#hasRoot) this.problem ??= 'a FHIR body is one JSON object'
    if (this.#builder.isRead && this.#arrays.at(-1) !== undefined) {
      this.problem ??= 'an array stands directly in an array'
    }
    const name = this.#childName()
    this.#builder.mention(name)
    this.#arrays.push(name)
  }

  closeArray(): void {
    this.#arrays.pop()
    this.#backInArray()
  }

  key(name: string): void {
    this.#name = name
    this.wantsText = this.#builder.wants(name)
  }

  string(text: string | undefined): void {
    this.#primitive('string', text)
  }

  number(text: string | undefined): void {
    this.#primitive('number', text)
  }

  literal(value: boolean | null): void {
    const isNull = value === null
    this.#primitive(isNull ? 'null' : 'boolean', this.wantsText ? String(value) : undefined)
  }

  #primitive(kind: FhirKind, text: string | undefined): void {
    if (!this.#hasRoot) this.problem ??= 'a FHIR body is one JSON object'
    this.#builder.primitive(this.#childName(), kind, text)
  }

  #childName(): string {
    return this.#arrays.at(-1) ?? this.#name
  }

  // the next value of an array has the array's name again, which a name inside it has replaced
  #backInArray(): void {
    const name = this.#arrays.at(-1)
    if (name !== undefined) this.wantsText = this.#builder.wants(name)
  }
}

/** The wanted part of a FHIR body in JSON, or why it cannot be read. */
export function readFhirJson(bytes: Uint8Array, wanted: Wanted): Result<FhirElement, string> {
  const index = jsonIndex()
  const found = index?.reads(bytes) === true ? elementOnTape(index, wanted) : undefined
  return found === undefined ? readWithVisitor(bytes, wanted) : { ok: true, value: found }
}

/** The same without the index: reads every text, says of each problem where it is, and is slower. */
export function readWithVisitor(bytes: Uint8Array, wanted: Wanted): Result<FhirElement, string> {
  const builder = new FhirElementBuilder(wanted)
  const visitor = new FhirJsonVisitor(builder)
  const problem = readJson(bytes, visitor)
  if (problem !== undefined) return { ok: false, problem: `byte ${problem.offset}: ${problem.message}` }
  if (visitor.problem !== undefined) return { ok: false, problem: visitor.problem }
  return { ok: true, value: builder.root }
}
