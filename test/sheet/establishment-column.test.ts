import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { passesLuhn } from '../../src/core/establishment.js'
import {
  findEstablishments,
  type EstablishmentColumn,
  type RowFinding,
} from '../../src/sheet/establishment-column.js'
import { readEstablishmentCell } from '../../src/sheet/establishment-number.js'
import type { Sheet } from '../../src/sheet/sheet.js'

function sheet(...rows: readonly (readonly (string | number)[])[]): Sheet {
  return {
    name: 'Liste',
    rows: rows.map((cells, index) => ({
      number: index + 1,
      cells: cells.map((cell) => ({ text: String(cell), isNumber: typeof cell === 'number' })),
    })),
  }
}

function columnOf(table: Sheet, wanted?: string): EstablishmentColumn {
  const found = findEstablishments(table, wanted)
  assert.ok('establishments' in found, JSON.stringify(found))
  return found
}

function candidatesOf(table: Sheet, wanted?: string): readonly string[] {
  const found = findEstablishments(table, wanted)
  assert.ok('candidates' in found)
  return found.candidates
}

const numbersOf = ({ establishments }: EstablishmentColumn) =>
  establishments.map((each) => each.establishment)
const codesOf = (findings: readonly RowFinding[]) => findings.map(({ code, row }) => `${row} ${code}`)

test('the column is found by what it holds, below titles and beside other numbers', () => {
  const found = columnOf(
    sheet(
      ['Liste au 03/11/2026', '', ''],
      [],
      ['Nom', 'Téléphone', 'FINESS EG'],
      ['A', '299001122', '350054680'],
      ['B', '299001133', '290004324'],
    ),
  )
  assert.deepEqual(
    [found.column, found.heading, numbersOf(found)],
    ['C', 'FINESS EG', ['1350054680', '1290004324']],
  )
})

test('geographical entities go before legal ones, and a column of legal ones alone is said to be such', () => {
  const both = columnOf(sheet(['FINESS EJ', 'FINESS ET'], ['350000001', '350054680']))
  assert.deepEqual([both.column, both.isOfLegalEntities], ['B', false])
  const legal = columnOf(sheet(['FINESS EJ', 'nom'], ['350000001', 'A']))
  assert.deepEqual([legal.column, legal.isOfLegalEntities], ['A', true])
})

test('a column that says EJ or EG of each row tells the legal entities', () => {
  const found = columnOf(sheet(['FINESS', 'type'], ['350000001', 'EJ'], ['350054680', 'EG']))
  assert.deepEqual(codesOf(found.findings), ['2 legal-entity-row'])
})

test('a row of which another cell tells of a removal is told, and a name that resembles one is none', () => {
  const said = [
    'À supprimer',
    'Retiré le 3/11',
    'FERMÉE',
    'suppression',
    'Fermeture 01/2027',
    'removed on 3 May',
  ]
  const others = ['Maison de retraite', 'RETRAIT SUR MER', 'Ajout', 'La Fermette', 'Les Closeaux', '']
  const rows = [...said, ...others].map((text) => [text, '350054680'])
  const { findings } = columnOf(sheet(['action', 'FINESS'], ...rows))
  assert.deepEqual(
    codesOf(findings),
    said.map((_, index) => `${index + 2} row-to-remove`),
  )
})

test('a first number gone wrong is told, and is no heading', () => {
  for (const spoilt of ['35005468O', '2A00001', '35005468-0', '3,5E+08']) {
    const found = columnOf(sheet(['FINESS 2026'], [spoilt], ['350054680']))
    assert.equal(found.heading, 'FINESS 2026', spoilt)
    assert.deepEqual(codesOf(found.findings), ['2 number-malformed'], spoilt)
  }
})

test('of several columns that may be meant none is guessed, and one can be named', () => {
  const table = sheet(['numéro 1', 'numéro 2'], ['350054680', '290004324'])
  assert.deepEqual(candidatesOf(table), ['A (numéro 1)', 'B (numéro 2)'])
  assert.deepEqual(numbersOf(columnOf(table, 'b')), ['1290004324'])
  assert.deepEqual(numbersOf(columnOf(table, 'Numéro 1')), ['1350054680'])
  assert.deepEqual(candidatesOf(table, 'C'), ['A (numéro 1)', 'B (numéro 2)'])
  assert.deepEqual(candidatesOf(sheet(['a'], ['b'])), [])
})

test('each row that is no plain number is told: repaired, malformed, absent, passed over', () => {
  const found = columnOf(
    sheet(
      ['FINESS', 'nom'],
      ['350054680', 'A'],
      [10780054, 'B'],
      ['35 005 468 0', 'C'],
      ['35005468', 'D'],
      ['', 'E'],
      ['Total', '5'],
    ),
  )
  assert.deepEqual(numbersOf(found), ['1350054680', '1010780054', '1350054680'])
  assert.deepEqual(codesOf(found.findings), [
    '3 number-repaired',
    '4 number-repaired',
    '5 number-malformed',
    '6 number-absent',
    '7 row-passed-over',
  ])
})

test('a lost zero is put back before a stored number whose check digit is then right, and never else', () => {
  fc.assert(
    fc.property(fc.integer({ min: 10_000_000, max: 99_999_999 }), fc.boolean(), (number, isNumber) => {
      const text = String(number)
      const read = readEstablishmentCell({ text, isNumber })
      const isMeant = isNumber && passesLuhn(`0${text}`)
      assert.equal(read.ok, isMeant)
      if (read.ok) assert.deepEqual([read.establishment, read.repairs], [`10${text}`, ['zero']])
    }),
  )
})

test('nothing is repaired into a number that its digits do not spell', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from("0123456789AB .,'eE+-/é")) }), (text) => {
      const read = readEstablishmentCell({ text, isNumber: false })
      if (!read.ok) return
      const spelled = text.toUpperCase().replaceAll(/[^0-9A-Z]/g, '')
      assert.ok(spelled.startsWith(read.establishment) || `1${spelled}`.startsWith(read.establishment), text)
    }),
  )
})
