import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { readEstablishmentList } from '../../src/config/establishment-list.js'
import { editList } from '../../src/config/list-edit.js'

const number = fc.nat(9_999_999).map((digits) => `135${String(digits).padStart(7, '0')}`)

function numbersOf(text: string): readonly string[] {
  const { establishments, diagnostics } = readEstablishmentList({ file: 'list.csv', text })
  assert.deepEqual(diagnostics, [], text)
  return establishments
}

test('a list keeps its other lines byte for byte, whatever its spelling', () => {
  const how = fc.record({
    separator: fc.constantFrom('', ';', ',', '\t'),
    feed: fc.constantFrom('\n', '\r\n'),
    quote: fc.constantFrom('', '"'),
    isFiness: fc.boolean(),
    heading: fc.boolean(),
    endsWithFeed: fc.boolean(),
  })
  const numbers = fc.uniqueArray(number, { minLength: 3, maxLength: 20 })
  fc.assert(
    fc.property(how, numbers, (style, [removed = '', added = '', ...kept]) => {
      fc.pre(kept.length > 0)
      const { separator, feed, quote } = style
      const line = (each: string): string => {
        const written = `${quote}${style.isFiness ? each.slice(1) : each}${quote}`
        return separator === '' ? written : `Hôpital${separator}${written}${separator}x`
      }
      const head = style.heading ? [['nom', 'FINESS', 'note'].join(separator || ' '), '# a remark'] : []
      const before = [...head, line(removed), ...kept.map(line)].join(feed) + (style.endsWithFeed ? feed : '')
      const after = editList(before, { added: [added], removed: new Set([removed]) })
      assert.ok(after !== undefined)
      assert.deepEqual(numbersOf(after), [...kept, added])
      const expected = [...head, ...kept.map(line)].join(feed) + feed
      assert.ok(after.startsWith(expected), `${after}\n---\n${expected}`)
    }),
  )
})
