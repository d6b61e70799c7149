import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { root } from '../support/shared.js'
import { freePorts, run } from '../cli/program.js'
import { shellBlocksOf, type ShellBlock } from './shell-blocks.js'
import { openShell } from './shell.js'

const compiled = dirname(dirname(fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))))

/** What a block prints stands in its output, each line behind the one before. */
function assertPrinted({ line, prints }: ShellBlock, output: string): void {
  let from = 0
  for (const text of prints) {
    const found = output.indexOf(text, from)
    assert.ok(found >= 0, `line ${line}: expected ${text}\nfound ${output}`)
    from = found + text.length
  }
}

test('the tutorial does what it says, command by command', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ror-tutorial-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  mkdirSync(join(folder, 'home'))
  symlinkSync(compiled, join(folder, 'dist'))
  const [sandbox = 0, production = 0, admin = 0, ror = 0] = await freePorts(4)
  const blocks = shellBlocksOf('docs/tutorial.md')
  const [setup, start, ...rest] = blocks
  assert.equal(setup?.kind, 'setup')
  // whoever runs this test ran it: it stands in the README, whose commands the tests begin with
  assert.ok(readFileSync(join(root, 'README.md'), 'utf8').includes(setup.text.trim()))
  assert.equal(start?.kind, 'background')
  assert.match(start.text, /^node dist\/cli\/bin\.js dev\n$/)
  const ports = [
    '--sandbox-port',
    sandbox,
    '--production-port',
    production,
    '--admin-port',
    admin,
    '--ror-port',
    ror,
  ]
  const gateway = run(['dev', ...ports.map(String)], folder)
  context.after(() => gateway.process.kill('SIGKILL'))
  await gateway.until('Stop with Ctrl-C')
  const shell = openShell(folder, { PATH: process.env['PATH'], HOME: join(folder, 'home'), LANG: 'C.UTF-8' })
  context.after(() => shell.close())
  assert.ok(rest.length >= 9)
  for (const block of rest) {
    assert.equal(block.kind, '')
    // the ports alone are others
    const { output } = await shell.run(block.text.replaceAll(':8443', `:${sandbox}`))
    assertPrinted(block, output)
  }
  gateway.process.kill('SIGINT')
  assert.equal(await gateway.ended, 0)
})
