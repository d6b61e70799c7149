import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Upstream } from '../../src/core/upstream.js'
import { UpstreamSet } from '../../src/core/upstream-set.js'
import { ejection, upstreamOf } from '../support/upstream.js'

const [a, b, c] = ['http://a:1', 'http://b:1', 'http://c:1'] as const
const three = upstreamOf([a, b, c], { ejection })

interface Wish {
  readonly now?: number
  readonly tried?: readonly string[]
  readonly isRepeatable?: boolean
}

function next(
  set: UpstreamSet,
  upstream: Upstream,
  { now = 0, tried = [], isRepeatable = false }: Wish = {},
) {
  const choice = set.choose(upstream, { now, tried: new Set(tried), isRepeatable })
  return choice.kind === 'server' ? choice.server : choice.retryAfterMs
}

function fail(set: UpstreamSet, server: string, { times = 3, now = 0 } = {}): void {
  for (let count = 0; count < times; count += 1) set.healthOf(server).failed(now, now, ejection)
}

test('round-robin gives each server its turn', () => {
  const set = new UpstreamSet()
  assert.deepEqual(
    Array.from({ length: 6 }, () => next(set, three)),
    [a, b, c, a, b, c],
  )
})

test('least-loaded gives the server with the fewest requests under way, and turns where they are equal', () => {
  const set = new UpstreamSet()
  const upstream: Upstream = { ...three, balance: 'least-loaded' }
  assert.deepEqual(
    Array.from({ length: 3 }, () => next(set, upstream)),
    [a, b, c],
  )
  set.healthOf(a).inFlight = 2
  set.healthOf(b).inFlight = 1
  set.healthOf(c).inFlight = 2
  assert.deepEqual([next(set, upstream), next(set, upstream)], [b, b])
})

test('a server that is back gets a part of its share, and the whole of it in the end', () => {
  for (const balance of ['round-robin', 'least-loaded'] as const) {
    const set = new UpstreamSet()
    const upstream: Upstream = { ...three, balance }
    fail(set, a)
    set.healthOf(a).tried(2000, ejection)
    set.healthOf(a).succeeded(2000, 2000)
    const turnsOf = (now: number): number => {
      const turns = Array.from({ length: 300 }, () => {
        const server = next(set, upstream, { now })
        // as if the requests stayed under way
        if (balance === 'least-loaded' && typeof server === 'string') set.healthOf(server).inFlight += 1
        return server
      })
      for (const server of [a, b, c]) set.healthOf(server).inFlight = 0
      return turns.filter((server) => server === a).length
    }
    const [early, half, late] = [turnsOf(2000), turnsOf(7000), turnsOf(12_000)]
    assert.ok(early > 5 && early < 25, `${balance}: ${early} of 300 at a tenth`)
    assert.ok(half > 45 && half < 75, `${balance}: ${half} of 300 at a half`)
    assert.equal(late, 100, balance)
  }
})

test('an ejected server gets nothing before its pause is over', () => {
  const set = new UpstreamSet()
  fail(set, a)
  for (let count = 0; count < 10; count += 1) {
    assert.notEqual(next(set, three, { now: 1999, isRepeatable: true }), a)
  }
})

test('a trial is one request that could go elsewhere: a write never finds out whether a server is back', () => {
  const set = new UpstreamSet()
  fail(set, a)
  for (let count = 0; count < 10; count += 1) assert.notEqual(next(set, three, { now: 2000 }), a)
  assert.equal(next(set, three, { now: 2000, isRepeatable: true }), a)
  assert.notEqual(next(set, three, { now: 2000, isRepeatable: true }), a)
  assert.equal(next(set, three, { now: 4000, isRepeatable: true }), a)
})

test('what was tried is not chosen again, and in the end nobody is left', () => {
  const set = new UpstreamSet()
  assert.equal(next(set, three, { tried: [a] }), b)
  assert.equal(next(set, three, { tried: [a, b] }), c)
  assert.equal(typeof next(set, three, { tried: [a, b, c] }), 'number')
})

test('where all are out, requests are told when to come again, and one of any kind tries in each first pause', () => {
  const set = new UpstreamSet()
  for (const server of [a, b, c]) fail(set, server)
  assert.equal(next(set, three, { now: 500 }), 1500)
  // one a server, and then nobody until the next pause is over
  assert.deepEqual(
    Array.from({ length: 4 }, () => next(set, three, { now: 2000 })),
    [a, b, c, 2000],
  )
  for (const server of [a, b, c]) fail(set, server, { times: 1, now: 2000 })
  // their own pauses are four seconds by now, and nobody else is left to ask
  assert.equal(next(set, three, { now: 3999 }), 1)
  assert.equal(next(set, three, { now: 4000 }), a)
})

test('a server that its checks call down gets nothing, not even where it is the last one', () => {
  const check = {
    path: '/',
    host: undefined,
    intervalSeconds: 7,
    timeoutMs: 1,
    unhealthyAfter: 1,
    healthyAfter: 1,
    expectStatus: 200,
  }
  const set = new UpstreamSet()
  const upstream: Upstream = { ...three, check }
  set.healthOf(a).checked(false, 0, check)
  for (let count = 0; count < 6; count += 1) assert.notEqual(next(set, upstream), a)
  for (const server of [b, c]) set.healthOf(server).checked(false, 0, check)
  assert.equal(next(set, upstream, { now: 100_000, isRepeatable: true }), 7000)
})

test('one server without ejection is asked, however often it fails', () => {
  const set = new UpstreamSet()
  const upstream = upstreamOf([a])
  for (let count = 0; count < 50; count += 1) {
    assert.equal(next(set, upstream), a)
    set.healthOf(a).failed(0, 0, undefined)
  }
})

test('a reload forgets servers that are gone, and lets those serve that nobody takes out any more', () => {
  const set = new UpstreamSet()
  for (const server of [a, b]) fail(set, server)
  set.keep(upstreamOf([b, c], { ejection }))
  assert.equal(set.healthOf(a).isOpen, true)
  assert.equal(set.healthOf(b).isOpen, false)
  set.keep(upstreamOf([b, c]))
  assert.equal(set.healthOf(b).isOpen, true)
})
