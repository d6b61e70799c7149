import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/shared.js'
import { startDevelopment } from './development.js'
import { assertPrinted, shellBlocksOf } from './shell-blocks.js'

const pages = readdirSync(join(root, 'docs/how-to')).map((name) => `docs/how-to/${name}`)

// each page can be followed right after `npm start`; here they are, one after the other, on one gateway
test('every how-to page does what it says, command by command', async (context) => {
  const { gateway, shell, here } = await startDevelopment(context)
  assert.ok(pages.length >= 8)
  for (const page of pages) {
    await context.test(page, async () => {
      const blocks = shellBlocksOf(page)
      assert.ok(blocks.length >= 2, `${page} shows no commands`)
      for (const block of blocks) {
        assert.equal(block.kind, '', `${page}:${block.line}`)
        const { output, code } = await shell.run(here(block.text))
        assertPrinted(block, output)
        // what a page lets fail, it shows
        if (block.prints.length === 0) assert.equal(code, 0, `${page}:${block.line}: ${output}`)
      }
    })
  }
  gateway.process.kill('SIGINT')
  assert.equal(await gateway.ended, 0)
})
