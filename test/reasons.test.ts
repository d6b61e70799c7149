import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { denialReasons, renderingOf } from '../src/core/reasons.js'
import { root } from './support/shared.js'

const text = readFileSync(join(root, 'docs', 'reasons.md'), 'utf8')
const rows = text.split('\n').flatMap((line) => {
  const found = /^\| `([a-z-]+)` \| (\d{3}) \|/.exec(line)
  return found === null ? [] : [{ reason: found[1], status: Number(found[2]), line }]
})

test('docs/reasons.md lists exactly the reasons there are, in their order, with their statuses', () => {
  assert.ok(denialReasons.length > 20)
  assert.deepEqual(
    rows.map(({ reason, status }) => [reason, status]),
    denialReasons.map((reason) => [reason, renderingOf(reason).status]),
  )
})

test('each row says what happened, what the partner does and what the operator does', () => {
  for (const { line, reason } of rows) {
    const cells = line.split('|').slice(1, -1)
    assert.equal(cells.length, 5, reason)
    for (const cell of cells) assert.ok(cell.trim().length > 2, `${reason ?? ''}: an empty cell`)
  }
})

test('no reason answers with a status that an upstream answer could be taken for', () => {
  for (const reason of denialReasons) assert.notEqual(renderingOf(reason).status, 404, reason)
})

test('both sentences of a reason are there, and differ', () => {
  for (const reason of denialReasons) {
    const { en, fr } = renderingOf(reason)
    assert.ok(en.length > 20 && fr.length > 20, reason)
    assert.notEqual(en, fr)
  }
})
