import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { readPlainItems } from '../../src/config/plain-items.js'
import { readYaml, type TreePath } from '../../src/config/yaml-source.js'

const file = 'x.yaml'

/** Every path of a value, with its keys. */
function* pathsOf(value: unknown, path: TreePath = []): Generator<TreePath> {
  yield path
  if (typeof value !== 'object' || value === null) return
  for (const [key, below] of Object.entries(value)) {
    yield* pathsOf(below, [...path, Array.isArray(value) ? Number(key) : key])
  }
}

/** Whether the text was read fast; fails unless the library reads it as the same. */
function agrees(text: string): boolean {
  const fast = readPlainItems({ file, text, firstLine: 7 })
  if (fast === undefined) return false
  const slow = readYaml({ file, text, firstLine: 7 })
  assert.ok(slow.ok, `the library refuses\n${text}\n${JSON.stringify(slow)}`)
  assert.deepEqual(fast.plain, slow.value.plain, text)
  for (const path of pathsOf(fast.plain)) {
    assert.deepEqual(fast.placeOf(path), slow.value.placeOf(path), `${JSON.stringify(path)} of\n${text}`)
    assert.deepEqual(fast.placeOfKey(path), slow.value.placeOfKey(path))
  }
  return true
}

test('the everyday spelling of a partner is read fast', () => {
  assert.ok(
    agrees(`  # word
  - id: eai-bretagne
    name: EAI régional de Bretagne, l'ouest   # word
    certificates:
      - subject: "CN=CLIENT_TEST_RORN,OU=33333333333,O=GIP - TEST3012,ST=Paris (75),C=FR"
      # word
      - publicKey: sha256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=
        establishments: ['350054680' , 010780054,"290004324" ]
    apis: [token, fhir-read]

    establishments:
    - "350054680"
    - 2E0000014
    rorHeaders: { Ror-A: x, Ror-B: "y: z" }
    validFrom: 2026-12-01T08:00:00+01:00
  - id: b
    apis: []
    rorHeaders: {}
    certificates: [{ subject: "CN=x" }, { publicKey: ../keys/a.pem }]\r
`),
  )
})

test('what is spelled otherwise is left to the library', () => {
  for (const text of [
    'a: b',
    '',
    '- a: "x\\ty"',
    '- a: |\n    x',
    '- a: b\n  a: c',
    '- a: &x b',
    '- a: *x',
    '- a: !x b',
    '- a: b: c',
    '- a:',
    '- a:\n',
    '- - a',
    '-  a: b',
    '-\ta',
    '- a: "x\n    y"',
    '- a: b\n    c',
    '- ? a',
    '- a: [b',
    '- a: [b,]',
    '- a: [b] c',
    '- a: b #c\n   d',
    '- a : b',
    '- "a": b',
    '- a: {b}',
    '- a: >-\n    x',
    '- a: [[[[[b]]]]]',
    '- a: b\n---\n- c',
    '- a: "b"c',
    "- a: 'it''s'",
    '- a: -1',
    '- a: b:',
    '- a: \u00a0b',
    '- a: b\u202e',
    '- __proto__: x',
    '- a:\n  b: c',
    '- a: "b',
    '- a: @b',
    '- a: `b',
    '- a: %b',
    ' - a\n- b',
    '- a: b\n c: d',
    '- a: b\n   c: d',
  ]) {
    assert.equal(readPlainItems({ file, text }), undefined, text)
  }
  assert.equal(
    readPlainItems({
      file,
      text: '- a:\n'.concat(...Array.from({ length: 20 }, (_, n) => `${' '.repeat(n + 2)}a:\n`)),
    }),
    undefined,
  )
})

const spaces = fc.integer({ min: 0, max: 7 }).map((count) => ' '.repeat(count))
const scalar = fc.oneof(
  fc.constantFrom(
    'x',
    '010780054',
    '"a b"',
    "'it'",
    'CN=a,OU=b',
    'a:b',
    'a: b',
    'a #b',
    'a#b',
    '"a\\n"',
    "'it''s'",
    '-',
    '- a',
    '?',
    '~',
    '|',
    '>',
    '[',
    ']',
    '{}',
    '[]',
    '""',
    'a  b',
    'é',
    "l'a",
    ',',
    'a,',
    'a:',
    '&a',
    '*a',
    '!a',
    '%a',
    '@a',
    '`a',
    '"a',
    "'a",
    '[a, "b"]',
    '[a,b]',
    '[a, [b], {c: d}]',
    '{ a: b, c: "d" }',
    '{a: b}',
    '{a:b}',
    '{ a: b:c }',
    '[a:b]',
    '[a ,b ]',
    '[ ]',
    '{ }',
    '[a, ]',
    '[a b, c]',
    '{ a: , b: c }',
    '[-a]',
    '[a-b]',
    "[l'a]",
    '{ a b: c }',
    '1.2e3',
    '...',
    '---',
    '(a) b',
    '/a/b',
    '../a.pem',
    'a\tb',
    '\ta',
    'a\u00a0b',
    'a;b',
    'a\u2028b',
    'a\u0085',
  ),
  fc.string({
    unit: fc.constantFrom(
      'a',
      ' ',
      ':',
      '#',
      ',',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '-',
      '?',
      '\\',
      '\t',
      'é',
      '|',
      '&',
      '\u00a0',
      '\u2029',
    ),
    maxLength: 8,
  }),
)
const tail = fc.constantFrom('', '', '', ' ', ' # word', '#', ' #', '\r', ' # word\r', '\t', '\t# x')
const line = fc.oneof(
  fc
    .tuple(
      spaces,
      fc.constantFrom('- ', '', '-', '-  '),
      fc.constantFrom('a: ', 'b: ', 'c:', 'a:  ', '', 'ab-c: ', 'a :', '"q": '),
      scalar,
      tail,
    )
    .map((parts) => parts.join('')),
  fc
    .tuple(spaces, fc.constantFrom('- a: x', '- a:', 'a:', 'b:', 'c: y', '- z', '# word', ''), tail)
    .map((parts) => parts.join('')),
)

test('whatever is read fast is what the library reads, value for value and place for place', () => {
  let read = 0
  const text = fc.array(line, { minLength: 1, maxLength: 6 }).map((lines) => `- a: x\n${lines.join('\n')}`)
  fc.assert(
    fc.property(text, (candidate) => {
      if (agrees(candidate)) read += 1
    }),
    { numRuns: 20_000 },
  )
  assert.ok(read > 200, `${read} read`)
})

test('structures of every shape agree, as deep as they are read', () => {
  // a tree written out in the everyday spelling, its lists at the indentation of their key or deeper
  const leaf = fc.constantFrom('x', '"a b"', "'c'", '010780054', 'CN=a,OU=b', '[a, "b"]', '{ k: v }', '[]')
  const { mapping } = fc.letrec<{ mapping: string[]; list: string[]; value: string[] }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      leaf.map((text) => [text]),
      tie('list'),
      tie('mapping'),
    ),
    mapping: fc
      .array(tie('value'), { minLength: 1, maxLength: 3 })
      .map((values) => values.flatMap((lines, index) => written(`${'abc'[index] ?? 'd'}:`, lines, '  '))),
    list: fc
      .tuple(
        fc.array(
          fc.oneof(
            leaf.map((text) => [text]),
            tie('mapping'),
          ),
          { minLength: 1, maxLength: 3 },
        ),
        fc.constantFrom('', '  '),
      )
      .map(([items, indent]) =>
        items.flatMap((lines) => lines.map((text, index) => `${indent}${index === 0 ? '- ' : '  '}${text}`)),
      ),
  }))
  fc.assert(
    fc.property(fc.array(mapping, { minLength: 1, maxLength: 3 }), (items) => {
      const text = items
        .flatMap((lines) => lines.map((content, index) => `  ${index === 0 ? '- ' : '  '}${content}`))
        .join('\n')
      assert.ok(agrees(text) || text.split('\n').some((content) => /^ {16}/.test(content)), text)
    }),
    { numRuns: 1000 },
  )
})

// a mapping goes deeper than its key; a list brings its own indentation
function written(key: string, lines: readonly string[], deeper: string): readonly string[] {
  const [first = ''] = lines
  if (lines.length === 1 && !/^ *- |^[a-d]:/.test(first)) return [`${key} ${first}`]
  return [key, ...lines.map((content) => (/^ *- /.test(first) ? content : `${deeper}${content}`))]
}
