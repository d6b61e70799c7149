import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { readLines } from '../../src/files/lines.js'
import { scratchFolder } from './scratch.js'

async function linesOf(path: string): Promise<string[]> {
  const lines: string[] = []
  const read = await readLines(path, { onLine: (line) => lines.push(line) })
  assert.ok(read.ok)
  return lines
}

test('every line of a file is handed over once, in order, wherever the stretches cut it', async (context) => {
  const folder = await scratchFolder(context)
  const path = join(folder, 'lines')
  const line = fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).map((text) => text.replaceAll('\n', '·')),
    fc.integer({ min: 60_000, max: 140_000 }).map((length) => 'é'.repeat(length)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), fc.boolean(), async (lines, endsWithNewline) => {
      writeFileSync(path, lines.join('\n') + (endsWithNewline ? '\n' : ''))
      // what is no text in UTF-8 is written as another
      const expected = lines.map((each) => Buffer.from(each).toString())
      assert.deepEqual(await linesOf(path), expected)
    }),
    { numRuns: 60 },
  )
})

test('empty lines are left out, and an empty file has none', async (context) => {
  const path = join(await scratchFolder(context), 'lines')
  writeFileSync(path, '\n\na\n\nb\n\n')
  assert.deepEqual(await linesOf(path), ['a', 'b'])
  writeFileSync(path, '')
  assert.deepEqual(await linesOf(path), [])
})

test('a file that is not there is a problem, in words', async (context) => {
  const read = await readLines(join(await scratchFolder(context), 'nothing'), { onLine: () => undefined })
  assert.ok(!read.ok)
  assert.match(read.problem.message, /no such file/)
})
