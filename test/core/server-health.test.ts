import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerHealth } from '../../src/core/server-health.js'
import { ejection } from '../support/upstream.js'

const check = {
  path: '/',
  host: undefined,
  intervalSeconds: 10,
  timeoutMs: 1000,
  unhealthyAfter: 3,
  healthyAfter: 2,
  expectStatus: 200,
}

function failing(times: number, at: number, health = new ServerHealth()): ServerHealth {
  for (let count = 0; count < times; count += 1) health.failed(at, at, ejection)
  return health
}

test('failures in a row take a server out, and one answer between them does not let them add up', () => {
  const health = failing(2, 0)
  assert.equal(health.stateAt(0, ejection), 'healthy')
  health.succeeded(0, 0)
  failing(2, 0, health)
  assert.ok(health.isOpen)
  assert.equal(health.failed(0, 0, ejection), 2000)
  assert.equal(health.isOpen, false)
  assert.equal(health.stateAt(1999, ejection), 'ejected')
  assert.equal(health.stateAt(2000, ejection), 'half-open')
})

test('without ejection failures are counted and take nobody out', () => {
  const health = new ServerHealth()
  for (let count = 0; count < 100; count += 1) assert.equal(health.failed(0, 0, undefined), undefined)
  assert.ok(health.isOpen)
  assert.equal(health.failures, 100)
})

test('each failed trial doubles the pause, up to its bound', () => {
  const health = failing(3, 0)
  const pauses: (number | undefined)[] = []
  let now = 0
  for (let round = 0; round < 7; round += 1) {
    now = Math.max(now, health.tryAt(ejection, false))
    health.tried(now, ejection)
    pauses.push(health.failed(now, now, ejection))
  }
  assert.deepEqual(pauses, [4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
})

test('a trial that is answered brings the server back, with a share that grows to the whole', () => {
  const health = failing(3, 0)
  health.tried(2000, ejection)
  assert.equal(health.isOpen, false)
  assert.equal(health.succeeded(2000, 3000), true)
  assert.ok(health.isOpen)
  assert.equal(health.stateAt(3000, ejection), 'returning')
  assert.deepEqual(
    [3000, 8000, 12_999, 13_000].map((now) => health.shareAt(now, ejection)),
    [0.1, 0.5, 0.9999, 1],
  )
  assert.equal(health.stateAt(13_000, ejection), 'healthy')
})

test('a server that falls right after its return is left alone longer; one that served for long begins anew', () => {
  const back = (): ServerHealth => {
    const health = failing(3, 0)
    health.tried(2000, ejection)
    health.succeeded(2000, 2000)
    return health
  }
  const soon = back()
  failing(2, 3000, soon)
  assert.equal(soon.failed(3000, 3000, ejection), 4000)
  const later = back()
  failing(2, 20_000, later)
  assert.equal(later.failed(20_000, 20_000, ejection), 2000)
})

test('what was under way when a server was taken out neither prolongs its pause nor ends it', () => {
  const health = failing(3, 1000)
  assert.equal(health.failed(500, 1500, ejection), undefined)
  assert.equal(health.succeeded(500, 1500), false)
  assert.equal(health.tryAt(ejection, false), 3000)
})

test('a trial that tells nothing leaves the next one free after a first pause', () => {
  const health = failing(3, 0)
  health.tried(2000, ejection)
  assert.equal(health.tryAt(ejection, false), 4000)
  assert.equal(health.stateAt(3000, ejection), 'half-open')
})

test('as a last resort a server may be tried after a first pause, however long its own is', () => {
  const health = failing(3, 0)
  for (const now of [2000, 6000]) {
    health.tried(now, ejection)
    health.failed(now, now, ejection)
  }
  assert.equal(health.tryAt(ejection, false), 14_000)
  assert.equal(health.tryAt(ejection, true), 8000)
})

test('checks take a server out and bring it back by so many in a row, whatever requests came to', () => {
  const health = failing(3, 0)
  const changes = [false, false, true, false, false, false, false, true, false, true, true].map((hasPassed) =>
    health.checked(hasPassed, 5000, check),
  )
  const no = undefined
  assert.deepEqual(changes, [no, no, no, no, no, 'down', no, no, no, no, 'up'])
  assert.ok(health.isOpen)
  assert.equal(health.stateAt(5000, ejection), 'returning')
})

test('a server that is no longer checked, or no longer taken out, serves', () => {
  const health = failing(3, 0)
  for (let count = 0; count < 3; count += 1) health.checked(false, 0, check)
  assert.equal(health.stateAt(0, ejection), 'down')
  health.uncheck()
  assert.equal(health.stateAt(0, ejection), 'ejected')
  health.readmit()
  assert.ok(health.isOpen)
})
