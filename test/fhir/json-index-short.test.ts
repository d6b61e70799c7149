import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agreedOn, indexOfTests } from './json-index-agreement.js'

const structure = ['{', '}', '[', ']', '"', ':', ',', '\\', 'a', '0', ' ']
const members = ['"a":', '"b":', '"":', '1', '{', '}', '[', ']', ',', 'null']
// alike in their first and last eight bytes, and in less
const names = ['"aaaaaaaaxbbbbbbbb":', '"aaaaaaaaybbbbbbbb":', '"aaaaaaaab":', '1,', '{', '}', '},', '[', ']']
const inStrings = ['"', '\\', 'u', '0', 'd', '\x80', '\xa0', '\xc3', '\xed', '\xf0', '\x1f']
const numbers = ['0', '1', '-', '+', '.', 'e', 'E', ' ', ',', '\0']

const cases: readonly (readonly [
  pieces: readonly string[],
  most: number,
  before: string,
  behind: string,
  leastRead: number,
])[] = [
  [structure, 5, '{', '', 1],
  [structure, 5, '{"b":[{"a":1},', '],"a":1}', 100],
  [members, 5, '{', '}', 10],
  [members, 5, '{"a":{"b":[', ']}}', 10],
  [names, 5, '{', '}', 10],
  [inStrings, 4, `{"a":"${'x'.repeat(13)}`, '"}', 100],
  [inStrings, 4, `{"${'x'.repeat(13)}`, '":1}', 100],
  [numbers, 5, '{"a":[', ']}', 100],
]

/** Every text of so many pieces at most between what stands before and behind (latin1). */
function* texts(pieces: readonly string[], most: number, before: string, behind: string): Generator<Buffer> {
  yield Buffer.from(before + behind, 'latin1')
  if (most === 0) return
  for (const piece of pieces) yield* texts(pieces, most - 1, before + piece, behind)
}

for (const [pieces, most, before, behind, leastRead] of cases) {
  test(`the json-index agrees with the reader on every text of ${most} of ${pieces.length} pieces behind ${before}`, () => {
    let read = 0
    for (const text of texts(pieces, most, before, behind)) {
      if (indexOfTests().reads(text) && agreedOn(text)) read += 1
    }
    assert.ok(read >= leastRead, String(read))
  })
}
