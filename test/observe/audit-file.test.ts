import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openAppendFile } from '../../src/files/append.js'
import { createAudit, type Audit } from '../../src/observe/audit.js'
import { scratchFolder } from '../files/scratch.js'

async function auditIn(context: TestContext, path: string): Promise<{ audit: Audit; bell: EventEmitter }> {
  const bell = new EventEmitter()
  const file = await openAppendFile({
    target: { path },
    maxQueued: 2_000,
    rotationCheckMs: 0,
    retryMs: 10,
    onProblem: (problem) => bell.emit('problem', problem.code),
    onRecovered: () => undefined,
  })
  assert.ok(file.ok)
  context.after(() => file.value.close())
  return { audit: createAudit(file.value), bell }
}

test('every event stands in the file, or in the one it was rotated to', async (context) => {
  const path = join(await scratchFolder(context), 'audit.ndjson')
  const { audit } = await auditIn(context, path)
  for (let time = 0; time < 100; time += 1) {
    assert.ok(audit.write({ time, event: 'request', status: time }))
    if (time % 10 === 0) assert.ok(await audit.flush())
    if (time === 50) await rename(path, `${path}.1`)
  }
  assert.ok(await audit.flush())
  const text = (await readFile(`${path}.1`, 'utf8')) + (await readFile(path, 'utf8'))
  const lines = text.trimEnd().split('\n')
  const statuses = lines.map((line) => (JSON.parse(line) as { status: number }).status) // as written above
  assert.deepEqual(
    statuses,
    Array.from({ length: 100 }, (_, index) => index),
  )
})

test('on a full disk the trail is unhealthy, counts what it loses, and throws nothing', async (context) => {
  await scratchFolder(context)
  const { audit, bell } = await auditIn(context, '/dev/full')
  const told = once(bell, 'problem')
  assert.ok(audit.write({ time: 0, event: 'request' }))
  assert.deepEqual(await told, ['disk-full'])
  assert.equal(audit.healthy, false)
  const taken = Array.from({ length: 100 }, (_, time) => audit.write({ time, event: 'request' }))
  const refused = taken.filter((isTaken) => !isTaken).length
  assert.ok(refused > 0)
  assert.equal(audit.lost, refused)
  assert.equal(await audit.flush(), false)
})
