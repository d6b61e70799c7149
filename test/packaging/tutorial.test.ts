import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/shared.js'
import { startDevelopment } from './development.js'
import { assertPrinted, shellBlocksOf } from './shell-blocks.js'

test('the tutorial does what it says, command by command', async (context) => {
  const blocks = shellBlocksOf('docs/tutorial.md')
  const [setup, start, ...rest] = blocks
  assert.equal(setup?.kind, 'setup')
  // whoever runs this test ran it: it stands in the README, whose commands the tests begin with
  assert.ok(readFileSync(join(root, 'README.md'), 'utf8').includes(setup.text.trim()))
  assert.equal(start?.kind, 'background')
  assert.match(start.text, /^node dist\/cli\/bin\.js dev\n$/)
  const { gateway, shell, here } = await startDevelopment(context)
  assert.ok(rest.length >= 9)
  for (const block of rest) {
    assert.equal(block.kind, '')
    const { output } = await shell.run(here(block.text))
    assertPrinted(block, output)
  }
  gateway.process.kill('SIGINT')
  assert.equal(await gateway.ended, 0)
})
