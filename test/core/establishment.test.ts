import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { parseFiness, passesLuhn, toIdNatStruct } from '../../src/core/establishment.js'

const taken: readonly (readonly [string, string])[] = [
  ['350054680', '1350054680'],
  ['010780054', '1010780054'],
  ['2A0000014', '12A0000014'],
  ['2E0000014', '12E0000014'],
  ['59E780003', 'no'],
  ['11B0073160', '11B0073160'], // `1` and the TEST FINESS number `1B0073160`
  ['1350054680', '1350054680'],
  ['1B0073160', '11B0073160'],
  ['2187512751', '2187512751'],
  ['318751275100020', '318751275100020'],
  ['499700367909006', '499700367909006'],
  ['012345678', '1012345678'],
  ['0123456789', '0123456789'],
  ['4123456789012345', '4123456789012345'],
  ['41234567890123456', 'no'],
  ['3187512751000', 'no'],
  ['218751275', '1218751275'],
  ['21875127511', 'no'],
]

for (const [text, expected] of taken) {
  test(`${text} is ${expected === 'no' ? 'no establishment' : expected}`, () => {
    const read = toIdNatStruct(text)
    if (expected === 'no') assert.equal(read.ok, false)
    else assert.deepEqual(read, { ok: true, value: expected })
  })
}

const refused: readonly (readonly [string, RegExp])[] = [
  ['', /empty/],
  ['10780054', /leading zero is probably lost; did you mean `010780054`\?/],
  ['2a0000014', /lower case letters; did you mean `2A0000014`\?/],
  ['12a0000014', /lower case letters; did you mean `12A0000014`\?/],
  ['35 005 468 0', /spaces; did you mean `350054680`\?/],
  ['350054680 ', /spaces; did you mean `350054680`\?/],
  ['35\u00a0005\u00a04680', /`35\\u00a0005\\u00a04680`: it holds spaces; did you mean `350054680`\?/],
  ['3.5005468E+8', /scientific notation/],
  ['2e14', /scientific notation/],
  ['2E14', /scientific notation/],
  ['350054680.0', /decimal number; did you mean `350054680`\?/],
  ["'350054680", /quotes; did you mean `350054680`\?/],
  ['52/192675', /functional id .* names no establishment/],
  ['1350054680/SSR38888', /unit code; did you mean `1350054680`\?/],
  ['35OO5468O', /letters where digits must stand; did you mean `350054680`\?/],
  ['18751275100020', /SIRET, written with the prefix 3; did you mean `318751275100020`\?/],
  ['5350054680', /no prefix `5`/],
  ['350-054-680', /only the digits .* did you mean `350054680`\?/],
  ['３50054680', /only the digits/],
  ['350054680\u0000', /only the digits/],
  ['1'.repeat(1000), /it has 1000 characters/],
]

for (const [text, message] of refused) {
  test(`says what is wrong with ${JSON.stringify(text.slice(0, 30))}`, () => {
    const read = toIdNatStruct(text)
    assert.ok(!read.ok)
    assert.match(read.problem.message, message)
    assert.ok(read.problem.message.length < 300)
    assert.doesNotMatch(read.problem.message, /\p{Cc}/u)
  })
}

test('a FINESS number has 9 characters and a letter only in the second place', () => {
  for (const text of ['350054680', '2A0000014', '2B0000014', '1B0073160'])
    assert.equal(parseFiness(text).ok, true)
  for (const text of [
    '1350054680',
    'A50054680',
    '35A054680',
    '3500546800',
    '35005468',
    '2a0000014',
    '350054680\n',
  ]) {
    assert.equal(parseFiness(text).ok, false, text)
  }
})

test('the check digit: real numbers pass, TEST numbers and changed digits do not', () => {
  assert.equal(passesLuhn('187512751'), true) // SIREN of the ANS
  assert.equal(passesLuhn('18751275100020'), true) // its SIRET
  assert.equal(passesLuhn('1B0073160'), false)
  assert.equal(passesLuhn('187512752'), false)
  assert.equal(passesLuhn('2C0000014'), false)
  assert.equal(passesLuhn(''), false)
})

test('what is taken is itself on a second reading, and no text makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9A-Za-z ]{7,17}$/)), (text) => {
      const once = toIdNatStruct(text)
      if (!once.ok) return
      assert.deepEqual(toIdNatStruct(once.value), once)
      assert.equal(once.value, text.length === 9 ? `1${text}` : text)
    }),
    { numRuns: 2000 },
  )
})
