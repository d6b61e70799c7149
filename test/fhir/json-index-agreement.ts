import assert from 'node:assert/strict'
import type { FhirElement, Wanted } from '../../src/fhir/fhir-element.js'
import { readFhirJson, readWithVisitor } from '../../src/fhir/fhir-json.js'
import { jsonIndex } from '../../src/fhir/json-index.js'
import { readJson } from '../../src/fhir/json-reader.js'
import { patchWanted } from '../../src/fhir/patch.js'
import { resourceWanted } from '../../src/fhir/resource.js'
import { ValueVisitor } from './value-visitor.js'

/** Wants every name, and every name below it. */
const everything: Wanted = new Proxy<Wanted>(
  {},
  {
    get: () => everything,
    getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: everything }),
  },
)
const nothing: Wanted = {}
const wantedOfAllKinds: readonly Wanted[] = [
  everything,
  nothing,
  patchWanted,
  resourceWanted,
  { entry: { resource: { ...resourceWanted, ...patchWanted } } },
  { a: {}, b: { a: { b: {} } } },
]

/** The index of this thread, which every Node that tests run on has. */
export function indexOfTests() {
  const index = jsonIndex()
  assert.ok(index !== undefined)
  return index
}

/**
 * Asserts that a text the index reads is one that the reader takes, and that both ways build one tree, in one
 * order, or say one problem. Answers whether the index reads it.
 */
export function agreedOn(bytes: Uint8Array): boolean {
  const isLarge = bytes.length > 100_000
  const isRead = indexOfTests().reads(bytes)
  if (isRead) assert.equal(readJson(bytes, new ValueVisitor()), undefined, 'the reader refuses it')
  for (const wanted of isLarge ? wantedOfAllKinds.slice(0, 1) : wantedOfAllKinds) {
    assert.deepEqual(shown(readFhirJson(bytes, wanted)), shown(readWithVisitor(bytes, wanted)))
  }
  return isRead
}

function shown(read: ReturnType<typeof readFhirJson>): unknown {
  return read.ok ? listed(read.value) : read.problem
}

// a Map equals another in any order; a list does not
function listed({ kind, value, children }: FhirElement): unknown {
  return [kind, value, [...children].map(([name, elements]) => [name, elements.map(listed)])]
}
