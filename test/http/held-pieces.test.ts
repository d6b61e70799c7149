import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldPieces } from '../../src/http/held-pieces.js'
import { fc } from '../support/fast-check.js'

test('pieces of any sizes come out in their order', () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constantFrom(4_095, 4_096, 16_383, 16_384, 20_000))
  fc.assert(
    fc.property(fc.array(size, { maxLength: 12 }), (sizes) => {
      const pieces = sizes.map((each, index) => Buffer.alloc(each, index + 1))
      const held = new HeldPieces()
      for (const piece of pieces) held.add(Buffer.from(piece))
      assert.equal(
        held.length,
        pieces.reduce((sum, { length }) => sum + length, 0),
      )
      assert.ok(Buffer.concat(pieces).equals(held.whole()))
    }),
  )
})

test('small pieces are copied, so that none of them is kept', () => {
  const held = new HeldPieces()
  const memory = Buffer.alloc(20_000, 'a')
  for (let at = 0; at < memory.length; at += 1) held.add(memory.subarray(at, at + 1))
  memory.fill('b')
  // the first one is kept as it is: most bodies are one piece
  assert.equal(Buffer.from(held.whole()).toString('latin1'), `b${'a'.repeat(19_999)}`)
})

test('large pieces are not copied, nor is a body of one piece', () => {
  const only = Buffer.from('{}')
  const small = new HeldPieces()
  small.add(only)
  assert.equal(small.whole(), only)
  const large = Buffer.alloc(8_192)
  const held = new HeldPieces()
  held.add(large)
  assert.equal(held.whole(), large)
})
