import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { judgeTarget } from '../../src/core/request-target.js'
import { readShared } from '../support/shared.js'

const refused: readonly (readonly [string, string])[] = [
  ['absolute-form', 'http://bas-api-fhir.qualif.ror.esante.gouv.fr/ws-diffusion-fhir/Location'],
  ['authority-form', 'bas-api-fhir.qualif.ror.esante.gouv.fr:443'],
  ['asterisk-form', '*'],
  ['an empty target', ''],
  ['a doubled slash at the start', '//Location'],
  ['a doubled slash inside', '/ws-diffusion-fhir//Location'],
  ['a dot segment', '/ws-diffusion-fhir/./Location'],
  ['a double dot segment', '/ws-diffusion-fhir/../ws-synchro-dispo-lits-fhir/Location'],
  ['a dot segment at the end', '/ws-diffusion-fhir/..'],
  ['an escaped dot segment', '/ws-diffusion-fhir/%2e%2e/Location'],
  ['an escaped slash', '/ws-diffusion-fhir%2fLocation'],
  ['an escaped backslash', '/a%5cb'],
  ['a backslash', '/a\\..\\b'],
  ['a path parameter', '/ws-diffusion-fhir/Location;x=1'],
  ['an escaped semicolon', '/ws-diffusion-fhir/Location%3Bx'],
  ['an escaped letter', '/ws-diffusion-fhir/%4cocation'],
  ['a doubled escape', '/ws-diffusion-fhir/%254cocation'],
  ['an escaped NUL', '/Location%00'],
  ['a broken escape', '/Location/%zz'],
  ['a cut escape', '/Location/%4'],
  ['an overlong escape', '/Location/%c0%af'],
  ['a fragment', '/Location?identifier=1#x'],
  ['a fragment in the path', '/Location#x'],
  ['a space', '/Loc ation'],
  ['an 8-bit character', '/Locati\u00f3n'],
  ['a control character', '/Location\u0007'],
  ['a quote in the path', '/Location"'],
  ['a `_method` parameter', '/Location?identifier=1350054680/A&_method=PUT'],
  ['an escaped `_method` parameter', '/Location?%5fm%65thod=PUT'],
  ['a `_method` parameter behind a semicolon', '/Location?a=b;_method=PUT'],
  ['a doubly escaped `_method` parameter', '/Location?a=b&%255Fmethod=PUT'],
  ['a `_method` parameter without a value', '/Location?+_METHOD'],
  ['a `_method` parameter escaped three times', '/Location?a=b&%25255Fmethod=PUT'],
  ['an unclosed IPv6 target', 'http://[::1'],
]

for (const [what, target] of refused) {
  test(`refuses ${what}: ${JSON.stringify(target)}`, () => {
    assert.equal(judgeTarget(target).ok, false)
  })
}

test('takes every search of the guide as it stands, byte for byte', () => {
  const searches = readShared('samples', 'ror', 'search-urls.txt')
    .split(/\r?\n/)
    .flatMap((line) => /^GET \[BASE\](\S.*)$/.exec(line)?.[1] ?? [])
  assert.ok(searches.length > 10)
  for (const search of searches) {
    // a raw space cannot stand in a request line: clients send it escaped
    const target = `/ws-diffusion-fhir${search.trim().replaceAll(' ', '%20')}`
    const judged = judgeTarget(target)
    assert.ok(judged.ok, `${target}: ${judged.ok ? '' : judged.problem}`)
    assert.equal(judged.value.raw, target)
  }
})

test('takes the path of an operation and an escaped accent', () => {
  assert.ok(judgeTarget('/ws-diffusion-fhir/$export?_outputFormat=application/json').ok)
  assert.ok(judgeTarget('/ws-diffusion-fhir/Organization/a%20b%C3%A9').ok)
})

test('never throws, and what it takes is made of what was sent', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (path, query) => {
      const raw = `/${path}?${query}`
      const judged = judgeTarget(raw)
      if (!judged.ok) return
      const { value } = judged
      assert.equal(value.query === undefined ? value.path : `${value.path}?${value.query}`, raw)
      assert.equal(`/${value.segments.join('/')}`, value.path)
    }),
  )
})
