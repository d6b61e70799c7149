import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { parseValidity, type ValidityEdge } from '../../src/config/paris-day.js'

function instantOf(text: string, edge: ValidityEdge): string {
  const read = parseValidity(text, edge)
  return read.ok ? new Date(read.value).toISOString() : read.problem.message
}

test('a day begins at its midnight in Paris, in winter and in summer', () => {
  assert.equal(instantOf('2026-12-01', 'from'), '2026-11-30T23:00:00.000Z')
  assert.equal(instantOf('2026-07-14', 'from'), '2026-07-13T22:00:00.000Z')
})

test('the last day is valid to its end, on the days of 23 and 25 hours too', () => {
  assert.equal(instantOf('2027-12-01', 'until'), '2027-12-01T23:00:00.000Z')
  assert.equal(instantOf('2027-03-28', 'from'), '2027-03-27T23:00:00.000Z')
  assert.equal(instantOf('2027-03-28', 'until'), '2027-03-28T22:00:00.000Z')
  assert.equal(instantOf('2027-10-31', 'from'), '2027-10-30T22:00:00.000Z')
  assert.equal(instantOf('2027-10-31', 'until'), '2027-10-31T23:00:00.000Z')
})

test('a time with its zone is that instant at both edges', () => {
  for (const edge of ['from', 'until'] as const) {
    assert.equal(instantOf('2026-12-01T08:00:00+01:00', edge), '2026-12-01T07:00:00.000Z')
    assert.equal(instantOf('2026-12-01T08:00Z', edge), '2026-12-01T08:00:00.000Z')
    assert.equal(instantOf('2026-12-01 08:00:00.5+0130', edge), '2026-12-01T06:30:00.500Z')
  }
})

test('what is no day, no time or has no zone is refused', () => {
  for (const text of [
    '2026-02-30',
    '2026-13-01',
    '2026-12-01T25:00Z',
    '2026-12-01T08:00:00+99:00',
    '2026-12-01T08:00',
    '01/12/2026',
    '2026-1-1',
    '',
    '2026-12-01T24:00Z',
    '2026-02-30T08:00Z',
  ]) {
    assert.equal(parseValidity(text, 'from').ok, false, text)
  }
})

test('the end of a day is the beginning of the next one', () => {
  const days = fc
    .integer({ min: 0, max: 40_000 })
    .map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10))
  fc.assert(
    fc.property(days, (day) => {
      const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)
      assert.equal(instantOf(day, 'until'), instantOf(next, 'from'))
      // the clocks of Paris show midnight then
      const clock = new Intl.DateTimeFormat('sv', {
        timeZone: 'Europe/Paris',
        dateStyle: 'short',
        timeStyle: 'short',
      })
      assert.equal(clock.format(new Date(instantOf(day, 'from'))), `${day} 00:00`)
    }),
    { numRuns: 300 },
  )
})
