import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { parseGatewayConfig } from '../../src/config/gateway-file.js'
import { readWhitelistDocument } from '../../src/config/whitelist-file.js'
import { largestText, readYaml } from '../../src/config/yaml-source.js'
import { readShared } from '../support/shared.js'

const file = 'x.yaml'

function plainOf(text: string): unknown {
  const read = readYaml({ file, text })
  assert.ok(read.ok, JSON.stringify(read))
  // null prototypes are not what these tests are about
  return JSON.parse(JSON.stringify(read.value.plain))
}

function refusal(text: string): string {
  const read = readYaml({ file, text })
  if (read.ok) assert.fail('it was read')
  const [first] = read.problem
  return first === undefined ? 'no diagnostic' : `${first.place.line}:${first.place.column} ${first.code}`
}

test('every scalar stays the text it is', () => {
  assert.deepEqual(
    plainOf('a: [010780054, 2E0000014, 59E780003, 0x1F, yes, null, ~, 1_000, 2026-12-01, .inf]'),
    {
      a: ['010780054', '2E0000014', '59E780003', '0x1F', 'yes', 'null', '~', '1_000', '2026-12-01', '.inf'],
    },
  )
  assert.deepEqual(plainOf('a:\nb: ""\nc: |\n  x\n  y\n'), { a: '', b: '', c: 'x\ny\n' })
})

test('what YAML offers beyond plain values is refused where it stands', () => {
  assert.equal(refusal('a: &x 1\nb: *x'), '1:4 yaml-anchor')
  assert.equal(refusal('a: 1\nb: *x'), '2:4 yaml-alias')
  assert.equal(refusal('a: !!int 1'), '1:4 yaml-tag')
  assert.equal(refusal('a: !secret x'), '1:4 yaml-tag')
  assert.equal(refusal('%YAML 1.2\n---\na: 1'), '1:1 yaml-directive')
  assert.equal(refusal('<<: { a: 1 }'), '1:1 yaml-merge')
  assert.equal(refusal('a: 1\n---\nb: 2'), '2:1 yaml-second-document')
  assert.equal(refusal('? [a]\n: 1'), '1:3 yaml-key')
  assert.equal(refusal('x:\n  __proto__: { polluted: y }'), '2:3 unknown-key')
  assert.equal(refusal('a: "x'), '1:6 yaml-syntax')
  assert.equal(refusal('a: b\u0000'), '1:5 yaml-control-character')
  assert.equal(refusal('a: b\u202ecba'), '1:5 yaml-control-character')
})

test('a duplicate key is refused with both places', () => {
  const read = readYaml({ file, text: 'a:\n  k: 1\n  l: 2\n  k: 3\n' })
  if (read.ok) assert.fail('it was read')
  const [found] = read.problem
  assert.equal(found?.code, 'duplicate-key')
  assert.deepEqual(found.place, { file, line: 4, column: 3 })
  assert.deepEqual(found.related?.[0]?.place, { file, line: 2, column: 3 })
})

test('nesting that would abort the process is refused, in each of its spellings (yaml 2.9.1 recurses)', () => {
  for (const piece of ['[', '{', '- ', '? ', '[{', '{a: ', '[[]', 'a: ', '!!x [', '"a": [']) {
    const read = readYaml({ file, text: piece.repeat(50_000) })
    assert.ok(!read.ok, piece)
    assert.ok(read.problem.length > 0, piece)
  }
  const indented = Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')
  assert.match(refusal(indented), /yaml-too-deep$/)
  assert.match(refusal(`${'['.repeat(40)}${']'.repeat(40)}`), /yaml-too-deep$/)
  // brackets that nest nothing count for nothing
  assert.deepEqual(plainOf(`a: "${'['.repeat(100)}" # ${'['.repeat(100)}`), { a: '['.repeat(100) })
})

test('a text too large to be read as one is refused before it is parsed', () => {
  assert.equal(refusal('#'.repeat(largestText + 1)), '1:1 yaml-too-large')
})

test('places are those an editor shows, behind a byte order mark, after accents, with CRLF', () => {
  const read = readYaml({ file, text: '\ufeffé: "aé"\r\nlist:\r\n  - x: 1\r\n    y: "a b"\r\n' })
  assert.ok(read.ok)
  const tree = read.value
  const at = ({ line, column }: { line: number; column: number }) => `${line}:${column}`
  assert.equal(at(tree.placeOf(['é'])), '1:4')
  assert.equal(at(tree.placeOf(['list', 0])), '3:5')
  assert.equal(at(tree.placeOfKey(['list', 0, 'y'])), '4:5')
  assert.equal(at(tree.placeOf(['list', 0, 'y'])), '4:8')
  assert.equal(at(tree.placeWithin(['list', 0, 'y'], 2)), '4:11')
  assert.equal(at(tree.placeOf(['list', 0, 'absent'])), '3:5')
})

test('no text makes the reader throw, and a refusal always names a place', () => {
  const pieces = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '#',
    '|',
    '>',
    '&x',
    '*x',
    '!t',
    '%',
    '---\n',
    '...\n',
    '? ',
    '\t',
    '\r\n',
    '<<',
    'partners:',
    '  ',
    '\\',
    '\u00e9',
    '\ud800',
    '\u0000',
    '`',
    '@',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 40 }).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(text, (candidate) => {
      const read = readYaml({ file, text: candidate })
      const problems = read.ok ? [] : read.problem
      assert.ok(read.ok || problems.length > 0)
      for (const { diagnostics } of [parseGatewayConfig({ file, text: candidate })]) {
        assert.ok(diagnostics.length > 0)
        for (const { place } of diagnostics) assert.ok(place.line >= 1 && place.column >= 1)
      }
      const whitelist = readWhitelistDocument({ file, text: candidate }, () =>
        assert.fail('a partner of nothing'),
      )
      assert.ok(whitelist.length > 0)
      for (const { place } of whitelist) assert.ok(place.line >= 1 && place.column >= 1)
    }),
    { numRuns: 2000 },
  )
})

test('each document of the YAML test suite is refused as a whitelist and as a configuration, with a place', () => {
  // the shape of the corpus
  const suite = JSON.parse(readShared('corpora', 'yaml-suite.json')) as { name: string; yaml_b64: string }[]
  assert.ok(suite.length > 100)
  for (const { name, yaml_b64 } of suite) {
    const text = Buffer.from(yaml_b64, 'base64').toString('utf8')
    const whitelist = readWhitelistDocument({ file: name, text }, () =>
      assert.fail(`${name} holds a partner`),
    )
    const { config, diagnostics } = parseGatewayConfig({ file: name, text })
    assert.equal(config, undefined)
    for (const found of [whitelist, diagnostics]) {
      assert.ok(found.length > 0, name)
      const lines = text.split('\n').length
      for (const { place, severity } of found) {
        assert.equal(severity, 'error')
        assert.ok(
          place.line >= 1 && place.line <= lines && place.column >= 1,
          `${name} ${JSON.stringify(place)}`,
        )
      }
    }
  }
})
