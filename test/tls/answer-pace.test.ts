import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { AnswerPace, readTooSlowly } from '../../src/tls/answer-pace.js'

/** A connection whose two counts are set by hand. */
class Reader extends Socket {
  written = 0
  taken = 0

  constructor() {
    super()
    for (const [name, get] of [
      ['bytesWritten', () => this.written],
      ['writableLength', () => this.written - this.taken],
    ] as const)
      Object.defineProperty(this, name, { get })
  }
}

/** A thousand bytes a second, with ten seconds of grace. */
function paced() {
  let now = 0
  const reader = new Reader()
  const pace = new AnswerPace({ bytesPerSecond: 1_000, graceMs: 10_000, now: () => now })
  pace.end([reader])
  return {
    reader,
    pace,
    /** Goes on by one look, in which this much is taken. */
    goesOn: (bytes = 0): void => {
      now += pace.intervalMs
      reader.taken = Math.min(reader.written, reader.taken + bytes)
      pace.end([reader])
    },
    passes: (milliseconds: number): void => {
      now += milliseconds
    },
    elapsed: () => now,
  }
}

const answer = 1_000_000
const atRate = 2_500 // in an interval of a quarter of the grace

test('a reader of a trickle is ended, though it is never silent', () => {
  const { reader, goesOn, elapsed } = paced()
  reader.written = 1_000
  while (!reader.destroyed && elapsed() < 100_000) {
    // as much comes as it takes: always something waits
    reader.written += 100
    goesOn(100)
  }
  assert.equal(reader.destroyed, true)
  assert.equal(readTooSlowly(reader), true)
  assert.ok(elapsed() < 20_000, `ended after ${elapsed()} ms`)
})

test('a reader at the agreed rate is served to its end', () => {
  const { reader, goesOn } = paced()
  reader.written = answer
  while (reader.taken < answer) {
    assert.equal(reader.destroyed, false)
    goesOn(atRate)
  }
  assert.equal(readTooSlowly(reader), false)
})

test('a piece that is seen to be taken once all of it is has the time that all of it may take', () => {
  const { reader, goesOn, elapsed } = paced()
  reader.written = 60_000
  while (elapsed() < 60_000) goesOn()
  assert.equal(reader.destroyed, false)
  goesOn(60_000)
  reader.written += 60_000
  while (elapsed() < 120_000) goesOn()
  assert.equal(reader.destroyed, false)
})

test('who read fast saves up no more than the grace', () => {
  const { reader, goesOn, elapsed } = paced()
  reader.written = answer
  goesOn()
  goesOn(answer - 1)
  const from = elapsed()
  while (!reader.destroyed && elapsed() < 100_000) goesOn()
  assert.ok(elapsed() - from <= 15_000, `ended after ${elapsed() - from} ms`)
})

test('a connection for which nothing waits is none of its business', () => {
  const { reader, goesOn, elapsed } = paced()
  reader.written = reader.taken = answer
  while (elapsed() < 1_000_000) goesOn()
  assert.equal(reader.destroyed, false)
})

test('a connection that was ended otherwise, and is not closed yet, is not counted', () => {
  const { reader, goesOn, elapsed } = paced()
  reader.written = 1_000
  goesOn()
  reader.destroy()
  while (elapsed() < 100_000) goesOn()
  assert.equal(readTooSlowly(reader), false)
})

test('an event loop that stood still is not held against the clients', () => {
  const { reader, goesOn, passes } = paced()
  reader.written = 1_000
  goesOn()
  passes(600_000)
  goesOn(500)
  assert.equal(reader.destroyed, false)
})
