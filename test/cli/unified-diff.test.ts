import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { unifiedDiff } from '../../src/cli/unified-diff.js'

test('a change of two lines far apart shows both with what stands around them', () => {
  const before = Array.from({ length: 30 }, (_, index) => `line ${index}\n`)
  const after = before.with(2, 'two\n').toSpliced(20, 1)
  assert.deepEqual(unifiedDiff({ name: 'x', before: before.join(''), after: after.join('') }), [
    '--- a/x',
    '+++ b/x',
    '@@ -1,6 +1,6 @@',
    ' line 0',
    ' line 1',
    '-line 2',
    '+two',
    ' line 3',
    ' line 4',
    ' line 5',
    '@@ -18,7 +18,6 @@',
    ' line 17',
    ' line 18',
    ' line 19',
    '-line 20',
    ' line 21',
    ' line 22',
    ' line 23',
  ])
})

test('git makes the new text of the old one and any diff', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ror-diff-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const file = join(folder, 'x')
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd e', ''), { minLength: 1, maxLength: 40 })
  const whole = fc.tuple(text, fc.boolean()).map(([lines, ends]) => lines.join('\n') + (ends ? '\n' : ''))
  fc.assert(
    fc.property(whole, whole, (before, after) => {
      const lines = unifiedDiff({ name: 'x', before, after })
      assert.equal(lines.length === 0, before === after)
      if (lines.length === 0 || before === '' || after === '') return
      writeFileSync(file, before)
      const input = `${lines.join('\n')}\n`
      const applied = spawnSync('git', ['apply', '--unidiff-zero', '-'], {
        cwd: folder,
        input,
        encoding: 'utf8',
      })
      assert.equal(applied.status, 0, `${applied.stderr}${input}`)
      assert.equal(readFileSync(file, 'utf8'), after)
    }),
    { numRuns: 60 },
  )
  assert.ok(execFileSync('git', ['--version']).length > 0)
})

test('thousands of changed lines are told in bounded time and memory', () => {
  const before = Array.from({ length: 20_000 }, (_, index) => `a${index}\n`).join('')
  const after = Array.from({ length: 20_000 }, (_, index) => `b${index}\n`).join('')
  const lines = unifiedDiff({ name: 'x', before, after })
  assert.equal(lines.length, 40_003)
})
