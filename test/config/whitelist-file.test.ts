import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { chunksOf } from '../../src/config/partner-chunks.js'
import { readWhitelistDocument, type PartnerDraft } from '../../src/config/whitelist-file.js'
import { formatDiagnostic } from '../../src/core/diagnostic.js'
import { sharedPath } from '../support/shared.js'

const contract =
  /```yaml\n(# whitelist[\s\S]*?)```/.exec(readFileSync(sharedPath('DESIGN.md'), 'utf8'))?.[1] ?? ''

interface Reading {
  readonly partners: readonly PartnerDraft[]
  readonly errors: readonly string[]
}

function read(text: string, file = 'w.yaml'): Reading {
  const partners: PartnerDraft[] = []
  const diagnostics = readWhitelistDocument({ file, text }, (partner) => partners.push(partner))
  return { partners, errors: diagnostics.map(formatDiagnostic) }
}

/** The same text in a spelling that must be read as a whole. */
function whole(text: string): string {
  const spelled = text.replace('partners:', '"partners":')
  assert.equal(chunksOf(spelled), undefined)
  return spelled
}

const minimal = 'partners:\n  - id: a\n    certificates:\n      - subject: CN=x\n    apis: [token]\n'

test('the contract is read as far as its texts are whole', () => {
  // the pin of the contract is cut short with `…`
  const pinned = contract.replace('sha256:5v0…=', 'sha256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=')
  const { partners, errors } = read(pinned, '/etc/ror/whitelist/eai-bretagne.yaml')
  assert.deepEqual(errors, [])
  const [partner] = partners
  assert.ok(partner !== undefined)
  assert.equal(partner.id, 'eai-bretagne')
  assert.equal(partner.solution, 'regional-eai')
  assert.deepEqual(partner.apis, ['token', 'fhir-read', 'fhir-write'])
  assert.deepEqual(partner.establishments, ['1350054680', '1290004324'])
  assert.equal(partner.establishmentsFile?.path, '/etc/ror/lists/eai-bretagne.csv')
  assert.equal(new Date(partner.validFrom ?? 0).toISOString(), '2026-11-30T23:00:00.000Z')
  assert.equal(new Date(partner.validUntil ?? 0).toISOString(), '2027-12-01T23:00:00.000Z')
  assert.deepEqual(partner.rorHeaders, { 'ror-role-metier-code': 'AUTOMATE' })
  assert.equal(partner.mode, 'enforce')
  assert.equal(partner.place.line, 3)
  const [named, keyed] = partner.certificates
  assert.deepEqual(
    named?.subject?.map(([attribute]) => attribute?.value),
    ['FR', 'Paris (75)', 'GIP - TEST3012', '33333333333', 'CLIENT_TEST_RORN'],
  )
  assert.equal(named.establishments, undefined)
  assert.equal(keyed?.publicKey, '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08')
  assert.deepEqual(keyed.establishments, ['1350054680'])
})

test('unquoted numbers stay what they are, and what YAML would spoil is refused at its place', () => {
  const { partners, errors } = read(`${minimal}    establishments: [010780054, 2A0000014, 1350054680]\n`)
  assert.deepEqual(errors, [])
  assert.deepEqual(partners[0]?.establishments, ['1010780054', '12A0000014', '1350054680'])
  const spoiled = read(`${minimal}    establishments: ["350054680", 10780054, "35005468 0"]\n`)
  assert.equal(spoiled.partners.length, 0)
  assert.match(spoiled.errors[0] ?? '', /^w\.yaml:6:35 .*`010780054`/)
  assert.match(spoiled.errors[1] ?? '', /^w\.yaml:6:45 /)
})

test('a key is a pin, or a file by its extension, or an error that says what is accepted', () => {
  const key = (written: string) =>
    read(minimal.replace('subject: CN=x', `publicKey: ${written}`), '/w/x.yaml')
  const file = key('../keys/a.CER').partners[0]?.certificates[0]?.publicKey
  assert.ok(typeof file === 'object')
  assert.equal(file.file, '/keys/a.CER')
  assert.deepEqual(file.place, { file: '/w/x.yaml', line: 4, column: 20 })
  const hex = key('9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08')
  assert.equal(
    hex.partners[0]?.certificates[0]?.publicKey,
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  )
  assert.match(key('abc').errors.join(), /^\/w\/x\.yaml:4:20 `publicKey`: expected `sha256:`.*found `abc`$/)
  assert.match(key('"-----BEGIN CERTIFICATE-----"').errors.join(), /found a PEM text$/)
})

test('a subject that cannot be read is refused at the character', () => {
  assert.match(read(minimal.replace('CN=x', '"CN=x,QQ=1"')).errors.join(), /^w\.yaml:4:24 `subject`: /)
  assert.match(read(minimal.replace('CN=x', 'CN=x,QQ=1')).errors.join(), /^w\.yaml:4:23 `subject`: /)
})

test('an entry that can match nothing is refused', () => {
  assert.match(
    read(minimal.replace('subject: CN=x', '{}')).errors.join(),
    /^w\.yaml:4:9 .*expected `subject`, `publicKey` or both/,
  )
  assert.match(
    read(minimal.replace('\n      - subject: CN=x', ' []')).errors.join(),
    /`certificates`: expected a list of at least 1, found an empty list/,
  )
  assert.match(read(minimal.replace('[token]', '[]')).errors.join(), /`apis`: expected a list of at least 1/)
  assert.match(
    read(`${minimal}    validFrom: 2027-01-02\n    validUntil: 2027-01-01\n`).errors.join(),
    /the validity ends before it begins/,
  )
  assert.equal(read(`${minimal}    validFrom: 2027-01-01\n    validUntil: 2027-01-01\n`).errors.length, 0)
  assert.match(
    read('partners: []').errors.join(),
    /`partners`: expected a list of at least 1, found an empty list/,
  )
  assert.match(read('').errors.join(), /expected a mapping, found nothing/)
  assert.match(read('partners:\n').errors.join(), /`partners`: expected a list, found nothing/)
})

test('pinned fields begin with `Ror-` and stand once in any case', () => {
  const pin = (written: string) => read(`${minimal}    rorHeaders: ${written}\n`)
  assert.deepEqual(pin('{ Ror-Role-Metier-Code: 007 }').partners[0]?.rorHeaders, {
    'ror-role-metier-code': '007',
  })
  assert.match(
    pin('{ Authorization: x }').errors.join(),
    /^w\.yaml:6:19 expected a field whose name begins with `Ror-`, found `Authorization`/,
  )
  assert.match(pin('{ Ror-A: x, ror-a: y }').errors.join(), /^w\.yaml:6:29 `ror-a` is pinned twice/)
  assert.match(pin('{ Ror-A: "x\\ny" }').errors.join(), /expected a value of printable ASCII/)
})

test('one broken partner is told, with all its errors, and hides no other', () => {
  const text = `${minimal}  - id: "b c"\n    soluton: saas\n    certificates: [{ subject: CN=y }]\n    apis: [x]\n    validFrom: 2026-02-30\n  - id: d\n    certificates: [{ subject: CN=z }]\n    apis: [x, x]\n`
  for (const spelling of [text, whole(text)]) {
    const { partners, errors } = read(spelling)
    assert.deepEqual(
      partners.map(({ id }) => id),
      ['a'],
    )
    assert.equal(errors.length, 4, errors.join('\n'))
    assert.match(errors.join('\n'), /w\.yaml:6:9 `id`: expected a short name/)
    assert.match(errors.join('\n'), /w\.yaml:7:5 unknown key `soluton`; did you mean `solution`\?/)
    assert.match(
      errors.join('\n'),
      /w\.yaml:10:16 `validFrom`: expected a day of the calendar, found `2026-02-30`/,
    )
    assert.match(
      errors.join('\n'),
      /w\.yaml:13:15 `apis`: `x` is granted twice|w\.yaml:13:15 `x` is granted twice/,
    )
  }
})

test('a list is cut only where nothing else than a list stands', () => {
  const cut = (text: string) => chunksOf(text) !== undefined
  assert.ok(cut(minimal))
  assert.ok(cut(minimal.replaceAll('\n', '\r\n')))
  assert.ok(cut(`# modeline\n\npartners: # those\n# one\n- id: a\n  apis: x\n\n# two\n- id: b\n`))
  assert.ok(!cut('---\n' + minimal))
  assert.ok(!cut(minimal + 'version: 1\n'))
  assert.ok(!cut(minimal + '...\n'))
  assert.ok(!cut(minimal + '---\n'))
  assert.ok(!cut(minimal + ' - id: c\n'))
  assert.ok(!cut(minimal + '\t- id: c\n'))
  assert.ok(!cut('partners: [{ id: a }]\n'))
  assert.ok(!cut('partners:\n  a: b\n'))
  assert.ok(!cut(''))
})

// lines a whitelist may hold, and lines that make YAML something else
const lines = fc.constantFrom(
  '    name: x',
  '    apis: [a, b]',
  '    apis:',
  '      - a',
  '      - b',
  '    certificates:',
  '      - subject: CN=x',
  '        publicKey: x.pem',
  '  - id: b',
  '  - id: c',
  '  -',
  '- id: d',
  '# word',
  '      # word',
  '',
  '    ',
  '    name: "x',
  '  y"',
  '    y"',
  '    name: |',
  '     text',
  '     # text',
  '  # text',
  '      text',
  '    establishments: ["350054680",',
  '      "290004324"]',
  '  "290004324"]',
  '    name: plain',
  '      - id: e',
  '      more',
  '    validFrom: 2026-12-01',
  '    name: &a x',
  '---',
  '...',
  '\t- id: f',
  'partners:',
  '    rorHeaders: { Ror-A: x }',
  "    name: 'it''s",
  "     more'",
  '    ? name',
  '    : y',
  '  -\tid: g',
  '    name: >-',
  '    mode: enforce \r',
)

test('cut or whole, the same partners are read and the same files are refused', () => {
  let accepted = 0
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 14 }), (more) => {
      const text = minimal + more.join('\n')
      const chunks = chunksOf(text)
      if (chunks === undefined) return
      const parts = read(text)
      const one = read(whole(text))
      assert.equal(
        parts.errors.length === 0,
        one.errors.length === 0,
        `${text}\n${parts.errors.join('\n')}\n/\n${one.errors.join('\n')}`,
      )
      if (parts.errors.length > 0) return
      accepted += 1
      assert.deepEqual(parts.partners, one.partners)
    }),
    { numRuns: 4000 },
  )
  assert.ok(accepted > 50, `${accepted} accepted`)
})

test('many partners are read in parts, each at its line', () => {
  const one = (index: number) =>
    `  # ${index}\n  - id: p${index}\n    certificates: [{ subject: "CN=p${index}" }]\n    apis: [token]\n    establishments: ["${String(100_000_000 + index)}"]\n`
  const text = `partners:\n${Array.from({ length: 3000 }, (_, index) => one(index)).join('')}`
  assert.ok([...(chunksOf(text) ?? [])].length > 5)
  const { partners, errors } = read(text)
  assert.deepEqual(errors, [])
  for (const [index, partner] of partners.entries()) {
    assert.equal(partner.id, `p${index}`)
    assert.equal(partner.place.line, 3 + 5 * index)
    assert.equal(partner.certificates[0]?.place.line, 4 + 5 * index)
  }
  assert.equal(partners.length, 3000)
})

test('errors are bounded, however many partners have some', () => {
  const { errors } = read(`partners:\n${'  - id: a\n'.repeat(2000)}`)
  assert.equal(errors.length, 501)
  assert.match(errors.at(-1) ?? '', /more errors follow/)
})
