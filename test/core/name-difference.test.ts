import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { isSameName, type DistinguishedName } from '../../src/core/distinguished-name.js'
import { differencesBetween, nearestNames } from '../../src/core/name-difference.js'
import { formatName, parseName } from '../../src/core/name-text.js'
import { likeness } from '../../src/core/text-likeness.js'

function name(text: string): DistinguishedName {
  const read = parseName(text)
  assert.ok(read.ok, read.ok ? '' : read.problem.message)
  return read.value
}

const ema = '/C=FR/ST=Paris (75)/O=HOPITAL DES 3. DAMES/OU=11B0073160/CN=EMA'

const told: readonly (readonly [what: string, expected: string, found: string, kinds: string, en: RegExp])[] =
  [
    ['nothing', ema, ema, '', /^$/],
    [
      'case',
      ema,
      ema.replace('EMA', 'Ema'),
      'value case',
      /^differs only by case: expected `CN=EMA`, found `CN=Ema`$/,
    ],
    [
      'accents',
      '/C=FR/O=HÔPITAL/CN=x',
      '/C=FR/O=HOPITAL/CN=x',
      'value accents',
      /only by accents: .* \(U\+00D4 ≠ U\+004F\)$/,
    ],
    [
      'Unicode form',
      '/C=FR/O=H\u00d4PITAL',
      '/C=FR/O=HO\u0302PITAL',
      'value unicode-form',
      /only by Unicode form: .* \(U\+00D4 ≠ U\+004F\)$/,
    ],
    ['spaces', '/C=FR/CN=a b', '/C=FR/CN=a  b', 'value spaces', /only by spaces: .* \(U\+0062 ≠ U\+0020\)$/],
    [
      'a no-break space',
      '/C=FR/CN=a b',
      '/C=FR/CN=a\u00a0b',
      'value spaces',
      /found `CN=a\\C2\\A0b` \(U\+0020 ≠ U\+00A0\)$/,
    ],
    ['a trailing space', '/C=FR/CN=a', '/C=FR/CN=a\\x20', 'value spaces', /found `CN=a\\ ` \(∅ ≠ U\+0020\)$/],
    [
      'a zero-width space',
      '/C=FR/CN=ab',
      '/C=FR/CN=a\u200bb',
      'value invisible',
      /only by invisible characters: .*`CN=a\\E2\\80\\8Bb` \(U\+0062 ≠ U\+200B\)/,
    ],
    [
      'a look-alike letter',
      '/C=FR/CN=EMA',
      '/C=FR/CN=\u0415MA',
      'value homoglyphs',
      /only by look-alike characters: .* \(U\+0045 ≠ U\+0415\)/,
    ],
    ['O for 0', '/C=FR/OU=11B0073160', '/C=FR/OU=11BO073160', 'value homoglyphs', /U\+0030 ≠ U\+004F/],
    [
      'a typographic apostrophe',
      "/C=FR/O=SYSTEMES D'INFORMATION",
      '/C=FR/O=SYSTEMES D’INFORMATION',
      'value homoglyphs',
      /U\+0027 ≠ U\+2019/,
    ],
    [
      'case and accents',
      '/C=FR/O=HÔPITAL',
      '/C=FR/O=Hopital',
      'value accents case',
      /only by accents and case:/,
    ],
    ['another value', ema, ema.replace('EMA', 'EMA2'), 'value', /^expected `CN=EMA`, found `CN=EMA2`$/],
    [
      'another type',
      ema,
      ema.replace('OU=', 'serialNumber='),
      'type',
      /type: expected `OU=11B0073160`, found `serialNumber=11B0073160`/,
    ],
    [
      'one missing',
      ema,
      ema.replace('/ST=Paris (75)', ''),
      'missing',
      /^expected `ST=Paris \(75\)` in place 2, found nothing of it$/,
    ],
    ['one more', ema, ema.replace('/CN', '/OU=x/CN'), 'added', /^`OU=x` in place 5 is one too many$/],
    [
      'one moved',
      ema,
      '/C=FR/O=HOPITAL DES 3. DAMES/OU=11B0073160/ST=Paris (75)/CN=EMA',
      'moved',
      /^expected `ST=Paris \(75\)` in place 2, found it in place 4$/,
    ],
    [
      'the opposite order',
      '/C=FR/O=x/CN=y',
      '/CN=y/O=x/C=FR',
      'order',
      /opposite order: expected `C=FR` first, found `CN=y` first/,
    ],
    ['a set', '/C=FR/OU=a/CN=b', '/C=FR/OU=a+CN=b', 'grouping', /joined into sets/],
    ['case inside a set', '/C=FR/OU=a+CN=B', '/C=FR/OU=a+CN=b', 'value case', /only by case/],
    [
      'several things',
      ema,
      '/C=FR/ST=PARIS (75)/O=HOPITAL DES 3. DAMES/OU=1/OU=2/CN=EMA',
      'value case,value,added',
      /only by case/,
    ],
  ]

for (const [what, expected, found, kinds, en] of told) {
  test(`tells ${what}`, () => {
    const differences = differencesBetween(name(expected), name(found))
    const seen = differences.map(({ kind, likeness: folds }) => [kind, ...folds].join(' '))
    assert.deepEqual(seen.sort(), kinds === '' ? [] : kinds.split(',').sort())
    assert.match(differences[0]?.en ?? '', en)
    for (const each of differences) {
      assert.ok(each.fr.length > 0 && each.fr !== each.en)
      assert.doesNotMatch(each.en + each.fr, /undefined|NaN|place 0|position 0/)
    }
  })
}

const anyName = fc.array(
  fc.array(
    fc.record({
      type: fc.constantFrom('2.5.4.3', '2.5.4.6', '2.5.4.10', '2.5.4.11'),
      value: fc.constantFrom('a', 'A', 'á', 'b', ' a', 'а', 'FR', '1', 'l'),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  { maxLength: 40 },
)

test('there is a difference to tell exactly when the names are not the same', () => {
  fc.assert(
    fc.property(anyName, anyName, fc.boolean(), (one, other, near) => {
      const found = near ? [...one, ...other.slice(0, 1)] : other
      assert.equal(differencesBetween(one, found).length === 0, isSameName(one, found))
      assert.deepEqual(differencesBetween(one, one), [])
    }),
    { numRuns: 2000 },
  )
})

test('two texts are alike by the fewest folds, in either order, and never by none', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'A', 'á', 'а', ' ', '\u00a0', '\u200b', 'o', '0', 'l', 'I', 'b'),
  })
  fc.assert(
    fc.property(text, text, (one, other) => {
      const folds = likeness(one, other)
      assert.deepEqual(folds, likeness(other, one))
      if (one !== other) assert.notDeepEqual(folds, [])
    }),
    { numRuns: 3000 },
  )
})

test('finds the nearest names, nearest first, and none that shares only its country and region', () => {
  const found = name(ema.replace('EMA', 'Ema'))
  const candidates = [
    '/C=FR/ST=Paris (75)/O=SANTEOS SA/OU=341930067800069/CN=sonde1.mssante.fr',
    ema.replace('EMA', 'EMA lecture'),
    ema,
    '/C=FR/O=HOPITAL DES 3. DAMES/OU=11B0073160/CN=Ema',
    '/C=FR/ST=Paris (75)/O=x/OU=y/CN=z',
  ].map(name)
  const near = nearestNames(found, candidates)
  assert.deepEqual(
    near.map((each) => [formatName(each.name), each.score]),
    [
      ['CN=EMA,OU=11B0073160,O=HOPITAL DES 3. DAMES,ST=Paris (75),C=FR', 1],
      ['CN=Ema,OU=11B0073160,O=HOPITAL DES 3. DAMES,C=FR', 2],
      ['CN=EMA lecture,OU=11B0073160,O=HOPITAL DES 3. DAMES,ST=Paris (75),C=FR', 3],
    ],
  )
  assert.match(near[0]?.differences[0]?.en ?? '', /only by case/)
  assert.equal(nearestNames(found, candidates, 1).length, 1)
  assert.deepEqual(nearestNames(found, []), [])
})

test('looks at a bounded number of candidates', () => {
  let taken = 0
  const endless = function* () {
    for (;;) {
      taken += 1
      yield name('CN=x')
    }
  }
  assert.deepEqual(nearestNames(name(ema), endless()), [])
  assert.ok(taken < 300_000)
})
