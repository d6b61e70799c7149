import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { limitsOf } from '../../src/core/partner-limits.js'
import { drawToken, payTokens, type Bucket } from '../../src/core/token-bucket.js'

const rates = fc.record({
  perSecond: fc.double({ min: 0.001, max: 1000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 50 }),
})

test('a full bucket lets its burst pass at once, and says when the next one would', () => {
  const rate = { perSecond: 2, burst: 3 }
  let bucket: Bucket | undefined
  const waits = [0, 0, 0, 0, 100, 500, 600].map((at) => {
    const draw = drawToken(bucket, rate, at)
    bucket = draw.bucket
    return draw.waitMs
  })
  assert.deepEqual(waits, [0, 0, 0, 500, 400, 0, 400])
})

test('no stretch of time lets more pass than the burst and what came in meanwhile', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(rates, steps, (rate, gaps) => {
      let bucket: Bucket | undefined
      let now = 1_000_000
      const passed: number[] = []
      for (const gap of gaps) {
        now += gap
        const draw = drawToken(bucket, rate, now)
        bucket = draw.bucket
        if (draw.waitMs === 0) passed.push(now)
      }
      for (const [index, from] of passed.entries()) {
        for (const [more, to] of passed.slice(index).entries()) {
          assert.ok(more + 1 <= rate.burst + ((to - from) * rate.perSecond) / 1000 + 1e-6)
        }
      }
    }),
    { numRuns: 200 },
  )
})

test('who waits as long as it was told passes', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 0, max: 100 }), (rate, before) => {
      let bucket: Bucket | undefined
      for (let turn = 0; turn < before; turn += 1) bucket = drawToken(bucket, rate, 0).bucket
      const { waitMs, bucket: left } = drawToken(bucket, rate, 0)
      if (waitMs > 0) assert.equal(drawToken(left, rate, Math.ceil(waitMs)).waitMs, 0)
    }),
  )
})

test('a clock set back refills nothing and stops nothing, one set forward refills to the burst', () => {
  const rate = { perSecond: 1, burst: 2 }
  const empty: Bucket = { tokens: 0, at: 1_000_000 }
  const back = drawToken(empty, rate, 0)
  assert.equal(back.waitMs, 1000)
  assert.equal(drawToken(back.bucket, rate, 1000).waitMs, 0)
  assert.deepEqual(drawToken(empty, rate, 10 ** 12).bucket, { tokens: 1, at: 10 ** 12 })
})

test('a rate that a reload changed holds at once', () => {
  const full: Bucket = { tokens: 100, at: 0 }
  assert.deepEqual(drawToken(full, { perSecond: 1, burst: 2 }, 0).bucket, { tokens: 1, at: 0 })
})

test('a partner has its own limits, and where it has none, those of the environment', () => {
  const environment = { rate: { perSecond: 1, burst: 1 }, concurrent: 5 }
  assert.deepEqual(limitsOf(undefined, environment), environment)
  assert.deepEqual(limitsOf({ concurrent: 9, bodyBytes: 1 }, environment), {
    rate: { perSecond: 1, burst: 1 },
    concurrent: 9,
    bodyBytes: 1,
  })
})

test('what passed elsewhere is taken from the bucket, and what was not there is owed', () => {
  const rate = { perSecond: 2, burst: 3 }
  // nobody was here yet: the bucket was full
  const paid = payTokens(undefined, rate, { count: 5, now: 1_000 })
  assert.deepEqual(paid, { tokens: -2, at: 1_000 })
  assert.equal(drawToken(paid, rate, 1_000).waitMs, 1_500)
  assert.equal(drawToken(paid, rate, 2_500).waitMs, 0)
  // what came in meanwhile counts first, up to the burst
  assert.deepEqual(payTokens(paid, rate, { count: 1, now: 60_000 }), { tokens: 2, at: 60_000 })
})
