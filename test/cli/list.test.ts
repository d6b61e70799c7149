import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeStand } from '../gateway/stand.js'
import { run } from './program.js'

test('who was seen is told by the audit trail that the configuration names, where none other is', async (context) => {
  const stand = await makeStand(context)
  await stand.auditOf(await stand.send({ fields: ['Connection: close'] }))
  const list = ['list', '--config', join(stand.folder, 'gateway.yaml'), '--json']
  const listed = async (...options: string[]): Promise<readonly { id: string; seen?: object }[]> => {
    const program = run([...list, ...options])
    assert.equal(await program.ended, 0, program.stderr())
    return JSON.parse(program.stdout()) as { id: string; seen?: object }[] // the list is one
  }
  const all = await listed('--sort', 'seen')
  const seen = all.filter((each) => each.seen !== undefined).map(({ id }) => id)
  assert.equal(seen.length, 1)
  const unused = await listed('--unused-since', '2026-01-01')
  assert.deepEqual(
    unused.map(({ id }) => id).sort(),
    all
      .map(({ id }) => id)
      .filter((id) => !seen.includes(id))
      .sort(),
  )
  // a trail may be long: nobody asked for it here
  assert.ok((await listed()).every((each) => each.seen === undefined))
})

test('where neither names a trail, that is said', async (context) => {
  const stand = await makeStand(context)
  const program = run(['list', '--config', join(stand.folder, 'whitelist'), '--unused-since', '2026-01-01'])
  assert.equal(await program.ended, 64)
  assert.match(program.stderr(), /expected --audit: `.*whitelist` names no audit file/)
})
