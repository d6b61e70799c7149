import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spreadOf } from '../../bench/measure/statistics.js'
import { valuesOf } from '../../bench/report/report.js'
import { tableOf } from '../../bench/report/table.js'
import { runRounds } from '../../bench/rounds.js'
import { allSubjects } from '../../bench/subjects/all.js'
import { allWorkloads } from '../../bench/workloads/all.js'

test('the bench measures every rival doing the work it says it does, and refuses to measure one that does not', async (context) => {
  const [nobody] = allSubjects.filter(({ does }) => does.length === 0)
  assert.ok(nobody)
  // one that says it judges, and passes everything: what proves the work must find it out
  const pretender = { ...nobody, name: 'pretender', does: ['whitelist'] as const }
  const [result] = await runRounds({
    subjects: [...allSubjects, pretender],
    workloads: allWorkloads.filter(({ name }) => name === 'small-get'),
    rounds: 1,
    milliseconds: 200,
    entries: 100,
    progress: () => undefined,
    done: (each) => {
      context.diagnostic(tableOf(each))
    },
  })
  assert.ok(result)
  const judging = result.rows.filter(({ subject }) => subject !== 'pretender')
  assert.deepEqual(
    judging.map(({ subject }) => subject),
    allSubjects.map(({ name }) => name),
  )
  for (const row of judging) {
    // a row without a problem is one whose refusals were seen, nothing of them at the upstream
    assert.equal(row.problem, undefined, `${row.subject}: ${row.problem ?? ''}`)
    const cpu = spreadOf(valuesOf(row, 'cpu'))?.median
    assert.ok(cpu !== undefined && cpu >= 0, `${row.subject} has a figure`)
    assert.ok((spreadOf(valuesOf(row, 'perSecond'))?.median ?? 0) > 0, `${row.subject} answered`)
  }
  const found = result.rows.find(({ subject }) => subject === 'pretender')
  assert.match(found?.problem ?? '', /pretender should do whitelist, and does /)
})
