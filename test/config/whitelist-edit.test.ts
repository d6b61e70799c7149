import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { readWhitelistDocument, type PartnerDraft } from '../../src/config/whitelist-file.js'
import {
  addPartner,
  editPartner,
  locatePartner,
  newWhitelist,
  removePartner,
  type LocatedPartner,
  type PartnerEdit,
} from '../../src/config/whitelist-edit.js'

const file = 'whitelist.yaml'

function read(text: string): PartnerDraft[] {
  const partners: PartnerDraft[] = []
  assert.deepEqual(
    readWhitelistDocument({ file, text }, (partner) => partners.push(partner)),
    [],
    text,
  )
  return partners
}

function located(text: string, id: string): LocatedPartner {
  const found = locatePartner(text, id)
  assert.ok(found, `${id} in\n${text}`)
  return found
}

function edited(text: string, id: string, ...edits: readonly PartnerEdit[]): string {
  const result = editPartner(text, located(text, id), edits)
  assert.ok(result.ok, JSON.stringify(result))
  return result.value
}

/** How many characters of both ends two texts share. */
function sharedEnds(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  let before = 0
  while (before < most && one[before] === other[before]) before += 1
  let behind = 0
  while (behind < most - before && one.at(-1 - behind) === other.at(-1 - behind)) behind += 1
  return before + behind
}

// a whitelist as operators spell them: comments anywhere, quotes or none, lists in both styles
interface Style {
  readonly indent: string
  readonly feed: string
  readonly quote: string
  readonly isFlow: boolean
  readonly isMultiLine: boolean
  readonly comments: boolean
  readonly endsWithFeed: boolean
}

const style = fc.record<Style>({
  indent: fc.constantFrom('', '  ', '    '),
  feed: fc.constantFrom('\n', '\r\n'),
  quote: fc.constantFrom('"', "'", ''),
  isFlow: fc.boolean(),
  isMultiLine: fc.boolean(),
  comments: fc.boolean(),
  endsWithFeed: fc.boolean(),
})

const number = fc.nat(9_999_999).map((digits) => `35${String(digits).padStart(7, '0')}`)

function write(count: number, numbers: readonly string[], how: Style): string {
  const { indent, feed, quote, comments } = how
  const aside = comments ? ' # aside' : ''
  const quoted = numbers.map((each) => `${quote}${each}${quote}`)
  const lines: string[] = comments ? ['# head', '', `partners:${aside}`] : ['partners:']
  for (let index = 0; index < count; index += 1) {
    if (comments) lines.push(`${indent}# of p${index}`)
    lines.push(`${indent}- id: p${index}${aside}`, `${indent}  certificates:`)
    lines.push(`${indent}    - subject: "CN=p${index},C=FR"${aside}`, `${indent}  apis: [token]`)
    if (!how.isFlow) {
      lines.push(`${indent}  establishments:${aside}`)
      for (const each of quoted) lines.push(`${indent}    - ${each}${aside}`)
    } else if (how.isMultiLine) {
      lines.push(`${indent}  establishments: [`)
      for (const [at, each] of quoted.entries())
        lines.push(`${indent}      ${each}${at < quoted.length - 1 ? ',' : ''}${aside}`)
      lines.push(`${indent}    ]${aside}`)
    } else {
      lines.push(`${indent}  establishments: [${quoted.join(', ')}]${aside}`)
    }
    if (comments) lines.push('', `${indent}  # below`)
  }
  return lines.join(feed) + (how.endsWithFeed ? feed : '')
}

const whitelist = fc
  .record({
    count: fc.integer({ min: 2, max: 4 }),
    numbers: fc.uniqueArray(number, { minLength: 1, maxLength: 12 }),
    how: style,
    at: fc.nat(3),
  })
  .map(({ count, numbers, how, at }) => {
    return { text: write(count, numbers, how), count, numbers, index: at % count }
  })

test('numbers added to a partner are put in, and not a character of the rest is changed', () => {
  fc.assert(
    fc.property(
      whitelist,
      fc.uniqueArray(number, { minLength: 1, maxLength: 30 }),
      ({ text, index, numbers }, added) => {
        const after = edited(text, `p${index}`, {
          kind: 'append',
          path: [],
          key: 'establishments',
          items: added,
        })
        assert.ok(sharedEnds(text, after) >= text.length, after)
        assert.deepEqual(
          read(after)[index]?.establishments,
          [...numbers, ...added].map((each) => `1${each}`),
        )
      },
    ),
  )
})

test('a number taken from a partner is taken out, and not a character of the rest is changed', () => {
  fc.assert(
    fc.property(whitelist, fc.nat(11), ({ text, index, numbers }, at) => {
      const taken = at % numbers.length
      const edit: PartnerEdit = { kind: 'remove', path: ['establishments'], indexes: new Set([taken]) }
      const after = edited(text, `p${index}`, edit)
      assert.deepEqual(
        read(after)[index]?.establishments,
        numbers.filter((_, each) => each !== taken).map((each) => `1${each}`),
      )
      // the last one leaves `[]` behind its key, and ends the line that had no end
      const room = (numbers.length === 1 ? 3 : 0) + (text.endsWith('\n') ? 0 : 1)
      assert.ok(sharedEnds(text, after) >= after.length - room, after)
    }),
  )
})

test('a certificate and a key are put beside the others, and not a character of the rest is changed', () => {
  fc.assert(
    fc.property(whitelist, ({ text, index }) => {
      const id = `p${index}`
      const items = [{ subject: 'CN=new,C=FR' }]
      const more = edited(text, id, { kind: 'append', path: [], key: 'certificates', items })
      assert.ok(sharedEnds(text, more) >= text.length, more)
      assert.equal(read(more)[index]?.certificates.length, 2)
      const dated = edited(text, id, {
        kind: 'set',
        path: [],
        key: 'validUntil',
        value: '2027-01-31',
        after: 'apis',
      })
      assert.ok(sharedEnds(text, dated) >= text.length, dated)
      const changed = edited(dated, id, { kind: 'set', path: [], key: 'validUntil', value: '2028-02-01' })
      assert.ok(sharedEnds(dated, changed) >= dated.length - '2027-01-31'.length, changed)
      assert.notEqual(read(changed)[index]?.validUntil, read(dated)[index]?.validUntil)
    }),
  )
})

test('a partner added or removed leaves the lines of the others as they are', () => {
  fc.assert(
    fc.property(whitelist, ({ text, index, count }) => {
      const added = addPartner(text, {
        id: 'new',
        certificates: [{ subject: 'CN=new,C=FR' }],
        apis: ['token'],
      })
      assert.ok(added.ok, JSON.stringify(added))
      assert.ok(sharedEnds(text, added.value) >= text.length, added.value)
      assert.equal(read(added.value)[count]?.id, 'new')
      const without = removePartner(text, located(text, `p${index}`), `p${index}`)
      assert.ok(without.ok, JSON.stringify(without))
      assert.ok(sharedEnds(text, without.value) >= without.value.length, without.value)
      assert.deepEqual(
        read(without.value).map(({ id }) => id),
        read(text)
          .map(({ id }) => id)
          .filter((id) => id !== `p${index}`),
      )
    }),
  )
})

test('a partner written in braces on one line is edited there', () => {
  const text = `# one\npartners: [ { id: a, certificates: [ { subject: 'CN=a,C=FR' } ], apis: [token] } ] # end\n`
  const after = edited(
    text,
    'a',
    { kind: 'append', path: [], key: 'establishments', items: ['350054680'] },
    { kind: 'append', path: [], key: 'certificates', items: [{ subject: 'CN=b,C=FR' }] },
  )
  assert.equal(
    after,
    `# one\npartners: [ { id: a, certificates: [ { subject: 'CN=a,C=FR' }, { subject: "CN=b,C=FR" } ], apis: [token], establishments: ["350054680"] } ] # end\n`,
  )
})

test('the one partner of a file leaves an empty list, which no gateway starts with', () => {
  const text = newWhitelist({ id: 'a', certificates: [{ subject: 'CN=a,C=FR' }], apis: ['token'] })
  const without = removePartner(text, located(text, 'a'), 'a')
  assert.deepEqual(without, { ok: true, value: 'partners: []\n' })
})

test('in a file of many megabytes one partner is found and edited, and the rest stays', () => {
  const entries = Array.from(
    { length: 40_000 },
    (_, index) =>
      `  - id: p${index}\n    certificates:\n      - subject: "CN=p${index},C=FR"\n    apis: [token]\n`,
  )
  const text = `partners:\n${entries.join('')}`
  const after = edited(text, 'p20000', {
    kind: 'append',
    path: [],
    key: 'establishments',
    items: ['350054680'],
  })
  assert.equal(after.replace('    establishments: ["350054680"]\n', ''), text)
  assert.equal(locatePartner(text, 'p40000'), undefined)
})

test('what is written for a new partner reads back as what was meant, whatever its texts', () => {
  const word = fc.string({
    unit: fc.constantFrom('a', 'é', ' ', ':', '#', "'", '"', '-', '\\', '0', '&', ',', '='),
  })
  fc.assert(
    fc.property(word, fc.uniqueArray(number, { maxLength: 40 }), (cn, establishments) => {
      fc.pre(/^[aé0]/.test(cn) && !cn.replaceAll('\\', '').endsWith(' '))
      const name = `/C=FR/CN=${cn.replaceAll('\\', '')}`
      const text = newWhitelist({
        id: 'a',
        name: `x${cn}`,
        certificates: [{ subject: name }],
        apis: ['token'],
        establishments,
      })
      const [partner] = read(text)
      assert.equal(partner?.name, `x${cn}`)
      assert.equal(partner.certificates[0]?.subject?.at(-1)?.[0]?.value, cn.replaceAll('\\', ''))
      assert.deepEqual(
        partner.establishments,
        establishments.map((each) => `1${each}`),
      )
    }),
  )
})
