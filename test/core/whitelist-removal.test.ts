import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSpkiSha256 } from '../../src/core/spki.js'
import type { OpenWhitelist } from '../../src/core/whitelist-lookup.js'
import { removedFrom } from '../../src/core/whitelist-removal.js'
import { openWhitelist, WhitelistBuilder } from '../../src/core/whitelist-table.js'
import { fc } from '../support/fast-check.js'

/** Partners by id: the list of each, and a list of its certificate's own where it has one. */
type Lists = readonly (readonly [id: string, shared: readonly string[], own: readonly string[] | undefined])[]

function open(lists: Lists): OpenWhitelist {
  const builder = new WhitelistBuilder()
  for (const [index, [id, establishments, own]] of lists.entries()) {
    const place = { file: 'whitelist.yaml', line: index + 1, column: 1 }
    const publicKey = parseSpkiSha256(index.toString(16).padStart(64, '0'))
    assert.ok(publicKey !== undefined)
    builder.add({
      id,
      name: id,
      solution: 'saas',
      mode: 'enforce',
      apis: ['fhir-write'],
      validFrom: undefined,
      validUntil: undefined,
      rorHeaders: {},
      certificates: [{ subject: undefined, publicKey, establishments: own, place }],
      establishments,
      place,
    })
  }
  const built = builder.finish()
  assert.ok(built.ok)
  return openWhitelist(built.value.whitelist)
}

const establishments = fc.uniqueArray(
  fc.integer({ min: 0, max: 12 }).map((number) => `1${String(350_000_000 + number)}`),
  { maxLength: 6 },
)
const whitelist = fc.uniqueArray(
  fc.tuple(
    fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    establishments,
    fc.option(establishments, { nil: undefined }),
  ),
  { minLength: 1, maxLength: 5, selector: ([id]) => id },
)

function pairsOf(lists: Lists): Set<string> {
  return new Set(
    lists.flatMap(([id, shared, own = []]) => [...shared, ...own].map((each) => `${id} ${each}`)),
  )
}

function allOf(lists: Lists): Set<string> {
  return new Set(lists.flatMap(([, shared, own = []]) => [...shared, ...own]))
}

test('what is removed is what the one lists and the other does not, as sets count it', () => {
  fc.assert(
    fc.property(whitelist, whitelist, (before, after) => {
      const { partners, listings, establishments } = removedFrom(open(before), open(after))
      const ids = new Set<string>(after.map(([id]) => id))
      const [pairs, left] = [pairsOf(before), pairsOf(after)]
      const all = allOf(after)
      assert.equal(partners, before.filter(([id]) => !ids.has(id)).length)
      const gone = [...pairs].filter((each) => !left.has(each))
      const goneOfOthers = gone.filter((each) => ids.has(each.charAt(0))).length
      assert.deepEqual(listings, { before: pairs.size, gone: gone.length, goneOfOthers })
      assert.equal(establishments(), [...allOf(before)].filter((each) => !all.has(each)).length)
    }),
  )
})
