import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soak } from '../soak/soak.js'

test('a minute of mixed traffic with reloads, aborts and faults loses nothing, lets nobody in and leaves nothing open', async (context) => {
  const report = await soak({
    seconds: 50,
    report: (line) => {
      context.diagnostic(line)
    },
  })
  context.diagnostic(JSON.stringify(report))
  assert.deepEqual(report.problems, [])
})
