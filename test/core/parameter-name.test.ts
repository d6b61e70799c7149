import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parameterFinder } from '../../src/core/parameter-name.js'
import { parametersOf, percentDecoded } from '../../src/core/request-target.js'
import { fc } from '../support/fast-check.js'

const holdsMethod = parameterFinder('_method')

test('finds a parameter by its name, however that is escaped, padded or cased', () => {
  for (const text of [
    '_method',
    '_METHOD=PUT',
    'a=b&_method=PUT',
    'a=b;_method=PUT',
    '%5fm%65thod=PUT',
    '%255F%256dethod',
    '%25252525255fmethod',
    '+_method+=x',
    '%20_method%09=x',
    '%c2%a0_method',
    'x_method&_method',
    '_method_method&%5Fmethod',
  ]) {
    assert.ok(holdsMethod(text), text)
  }
})

test('takes no value, no part of a name and no other name for it', () => {
  for (const text of [
    '',
    'a=_method',
    'a=b_method',
    'x_method',
    '_methods=1',
    '_method_method',
    'a=%5fmethod;b',
  ]) {
    assert.equal(holdsMethod(text), false, text)
  }
})

test('finds whatever a reader finds that decodes each name twice', () => {
  const piece = fc.constantFrom(
    '_method',
    '%5f',
    'METHOD',
    '&',
    ';',
    '=',
    '+',
    '%20',
    '%2520',
    '%c2%a0',
    '%',
    'x',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('')
      const isThere = parametersOf(text.replaceAll(';', '&')).some(({ name }) => {
        const once = percentDecoded(name.replaceAll('+', ' ')) ?? name
        return (percentDecoded(once) ?? once).trim().toLowerCase() === '_method'
      })
      assert.ok(!isThere || holdsMethod(text), text)
    }),
  )
})

test('a text of broken escapes is searched and decoded without one exception', (context) => {
  const decode = context.mock.method(globalThis, 'decodeURIComponent')
  const text = `${'%&'.repeat(10_000)}%80&%ed%a0%80&_metho`
  assert.equal(holdsMethod(text), false)
  for (const { name } of parametersOf(text))
    assert.equal(percentDecoded(name), name.includes('%') ? undefined : name)
  assert.equal(decode.mock.callCount(), 0)
})

test('percent-escapes are decoded as UTF-8, as `decodeURIComponent` does', () => {
  const piece = fc.constantFrom(
    '%',
    '%2',
    'a',
    'é',
    '%c3',
    '%A9',
    '%e0',
    '%a0',
    '%80',
    '%ed',
    '%9f',
    '%f0',
    '%f4',
    '%bf',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join('')
      assert.equal(percentDecoded(text), decodedOf(text), text)
    }),
  )
})

function decodedOf(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
