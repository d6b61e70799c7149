import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soak } from '../soak/soak.js'

test('a minute of mixed traffic with reloads, aborts and faults loses nothing and lets nobody in', async (context) => {
  const report = await soak({
    seconds: 60,
    report: (line) => {
      context.diagnostic(line)
    },
  })
  context.diagnostic(JSON.stringify(report))
  assert.ok(
    report.sent > 1_000 && report.permittedWrites > 100 && report.reloads > 10 && report.upstreamFaults > 3,
  )
  assert.deepEqual(report.problems, [])
})
