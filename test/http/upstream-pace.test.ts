import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlowUpstreamError, UpstreamPace } from '../../src/http/upstream-pace.js'

/** A thousand bytes a second, ten seconds behind at most; looked at twice a second. */
function paced() {
  const pace = new UpstreamPace({ bytesPerSecond: 1_000, idleMs: 10_000 })
  let at = 5_000
  let received = 0
  let problem = pace.look({ at, received, isAwaited: true })
  return {
    /** For so long, at so many bytes a second; @returns after how many milliseconds it was too slow. */
    goesOn: (milliseconds: number, rate: number, isAwaited = true): number | undefined => {
      for (let passed = 500; passed <= milliseconds; passed += 500) {
        at += 500
        received += rate / 2
        problem = pace.look({ at, received, isAwaited })
        if (problem !== undefined) return passed
      }
      return undefined
    },
    standsStill: (milliseconds: number): void => {
      at += milliseconds
    },
    problem: () => problem,
  }
}

test('an upstream that sends a trickle is too slow once it lags behind by the grace', () => {
  const upstream = paced()
  assert.equal(upstream.goesOn(60_000, 100), 11_500)
  assert.ok(upstream.problem() instanceof SlowUpstreamError)
  assert.equal(upstream.problem()?.message, 'the upstream sent less than 1000 bytes a second for 10000 ms')
})

test('an upstream at the agreed rate may take as long as its answer is', () => {
  assert.equal(paced().goesOn(10 * 3_600_000, 1_000), undefined)
})

test('what was slow is paid back by what is fast, and nothing is saved up', () => {
  const upstream = paced()
  assert.equal(upstream.goesOn(9_000, 0), undefined)
  assert.equal(upstream.goesOn(1_000, 10_000), undefined)
  assert.equal(upstream.goesOn(9_000, 0), undefined)
  assert.equal(upstream.goesOn(60_000, 1_000_000), undefined)
  assert.equal(upstream.goesOn(60_000, 0), 10_500)
})

test('the time in which others are waited for does not count', () => {
  const upstream = paced()
  assert.equal(upstream.goesOn(600_000, 0, false), undefined)
  assert.equal(upstream.goesOn(60_000, 0), 10_500)
})

test('an event loop that stood still is not held against an upstream', () => {
  const upstream = paced()
  upstream.standsStill(60_000)
  assert.equal(upstream.goesOn(500, 0), undefined)
})
