import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { readEstablishmentList } from '../../src/config/establishment-list.js'
import { formatDiagnostic } from '../../src/core/diagnostic.js'

function numbersOf(text: string): readonly string[] {
  const { establishments, diagnostics } = readEstablishmentList({ file: 'l.csv', text })
  assert.deepEqual(diagnostics, [])
  return establishments
}

function refusalsOf(text: string): readonly string[] {
  return readEstablishmentList({ file: 'l.csv', text }).diagnostics.map(formatDiagnostic)
}

test('one number a line, with comments, blank lines and a heading', () => {
  assert.deepEqual(numbersOf('# liste\n350054680\n\n1290004324 # CHU\r\n2A0000014'), [
    '1350054680',
    '1290004324',
    '12A0000014',
  ])
  assert.deepEqual(numbersOf('FINESS\n350054680\n'), ['1350054680'])
  assert.deepEqual(numbersOf('"350054680"\n'), ['1350054680'])
})

test('a table of a spreadsheet: each separator, quotes, byte order mark, CRLF', () => {
  assert.deepEqual(
    numbersOf(
      '\ufeffNom;N° FINESS EG;Ville\r\n"CHU; de ""Rennes""";"350054680";Rennes\r\n;;\r\nCH;290004324;\r\n',
    ),
    ['1350054680', '1290004324'],
  )
  assert.deepEqual(numbersOf('350054680,"Rennes, Ille-et-Vilaine"\n290004324,Brest'), [
    '1350054680',
    '1290004324',
  ])
  assert.deepEqual(numbersOf('Nom\tIdNatStruct\nCHU\t1350054680'), ['1350054680'])
})

test('of two columns that hold numbers, the heading tells which is meant, never a SIREN or the legal entity', () => {
  assert.deepEqual(numbersOf('SIREN;FINESS\n318751275;350054680'), ['1350054680'])
  assert.deepEqual(numbersOf('FINESS EJ;FINESS EG\n350000000;350054680'), ['1350054680'])
  assert.deepEqual(numbersOf('nofinesset;nofinessej\n350054680;350000000'), ['1350054680'])
  assert.deepEqual(refusalsOf('318751275;350054680\n'), [
    'l.csv:1:1 several columns hold what may be establishments (column 1, column 2); keep one of them',
  ])
  assert.match(refusalsOf('SIREN;Nom\n318751275;CHU').join(), /no column holds FINESS or IdNatStruct numbers/)
})

test('what a spreadsheet spoiled is refused at its place, never repaired', () => {
  const found = refusalsOf('Nom;FINESS\nA;350054680\nB;10780054\nC;1,35E+08\n"D";\nE\n')
  assert.equal(found.length, 4)
  assert.match(found[0] ?? '', /^l\.csv:3:3 .*`10780054`.*`010780054`/)
  assert.match(found[1] ?? '', /^l\.csv:4:3 .*scientific notation/)
  assert.match(found[2] ?? '', /^l\.csv:5:5 /)
  assert.match(found[3] ?? '', /^l\.csv:6:2 expected 2 cells/)
})

test('a list without a number is refused', () => {
  assert.equal(refusalsOf('').length, 1)
  assert.equal(refusalsOf('# rien\n\n').length, 1)
  assert.equal(refusalsOf('FINESS\n').length, 1)
  assert.equal(refusalsOf('a;b\nc;d\n').length, 1)
})

test('errors are bounded, however long the list', () => {
  assert.equal(refusalsOf('x1234567\n'.repeat(5000)).length, 500)
})

test('every number written in a table is read, in order, and nothing else', () => {
  const finess = fc
    .tuple(
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom('0', '7', 'A', 'B'),
      fc.integer({ min: 0, max: 9_999_999 }),
    )
    .map(([first, second, rest]) => `${first}${second}${String(rest).padStart(7, '0')}`)
  const name = fc.stringMatching(/^[a-zA-Zé ';,"]{0,12}$/)
  const row = fc.tuple(name, finess)
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(';', ',', '\t'),
      (rows, separator) => {
        const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
        const text =
          ['Nom', 'FINESS'].join(separator) +
          '\n' +
          rows.map(([a, b]) => [quoted(a), b].join(separator)).join('\n')
        assert.deepEqual(
          numbersOf(text),
          rows.map(([, number]) => `1${number}`),
        )
      },
    ),
  )
})

test('no list makes the reader throw', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom(
          '"',
          ';',
          ',',
          '\n',
          '\r',
          '\t',
          '#',
          ' ',
          '1',
          '350054680',
          'FINESS',
          'é',
          '\ufeff',
        ),
        maxLength: 60,
      }),
      (text) => {
        const { establishments, diagnostics } = readEstablishmentList({ file: 'l', text })
        assert.ok(establishments.length > 0 || diagnostics.length > 0)
        for (const { place } of diagnostics) assert.ok(place.line >= 1 && place.column >= 1)
      },
    ),
    { numRuns: 1000 },
  )
})

test('an empty cell before a quoted one in a table of tabs is a cell of its own', () => {
  const text = 'A\t"350054680"\n\t"290004324"\n'
  const { establishments, diagnostics } = readEstablishmentList({ file: 'list.tsv', text })
  assert.deepEqual([establishments, diagnostics], [['1350054680', '1290004324'], []])
})
