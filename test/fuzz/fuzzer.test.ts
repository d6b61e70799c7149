import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testSeed } from '../support/fast-check.js'
import { fuzzInChild } from './child.js'
import { fuzz, type FuzzResult } from './fuzzer.js'
import type { FuzzTarget } from './target.js'
import { targets } from './targets.js'

function run(
  target: FuzzTarget,
  seed: number,
  onInput: (input: Uint8Array) => void = () => undefined,
): Promise<FuzzResult> {
  return fuzz(target, { seed, milliseconds: 150, onInput, onProgress: () => undefined })
}

for (const target of targets) {
  test(`${target.name} holds for its seeds, and for what a moment makes of them`, async () => {
    const { finding, executions } = await run(target, testSeed)
    assert.equal(finding, undefined, `seed ${testSeed}: ${finding?.error ?? ''}`)
    assert.ok(executions > 0)
  })
}

test('a finding is handed over with its input, and one seed makes one row of inputs', async () => {
  const rows = []
  for (const seed of [7, 7, 8]) {
    const row: string[] = []
    const broken: FuzzTarget = {
      name: 'broken',
      seeds: ['abc'],
      dictionary: ['x'],
      check: (input) => {
        if (input.includes(0x78) && row.length > 20) throw new Error('an x stands there')
        return 'read'
      },
    }
    const { finding } = await run(broken, seed, (input) => row.push(Buffer.from(input).toString('latin1')))
    assert.ok(finding !== undefined)
    assert.ok(finding.error.includes('an x stands there'))
    assert.equal(Buffer.from(finding.input).toString('latin1'), row.at(-1))
    rows.push(row)
  }
  assert.deepEqual(rows[0], rows[1])
  assert.notDeepEqual(rows[0], rows[2])
})

test('a process that ends before it has tried anything is a finding, and says so', async () => {
  const { finding, executions } = await fuzzInChild({ target: 'unheard-of', seed: 1, milliseconds: 100 })
  assert.equal(executions, 0)
  assert.deepEqual(finding, { input: undefined, error: 'the process ended with 1 before its first input' })
})
