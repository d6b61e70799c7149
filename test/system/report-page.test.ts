import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { command } from '../cli/in-process.js'
import { root } from '../support/shared.js'

const exec = promisify(execFile)

test('a browser draws the report page without a complaint, its own style applied', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ror-report-page-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const audit = join(root, 'test', 'cases', 'cli', 'import', 'shared', 'audit.ndjson')
  const { stdout: page, code } = await command(['report', 'ema', '--audit', audit, '--format', 'html'])
  assert.equal(code, 0)
  const open = async (name: string, content: string): Promise<string> => {
    writeFileSync(join(folder, `${name}.html`), content)
    const options = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync']
    const quiet = ['--disable-background-networking', '--disable-component-update', '--enable-logging=stderr']
    const { stderr } = await exec(
      'chromium',
      [
        ...options,
        ...quiet,
        `--user-data-dir=${join(folder, 'profile')}`,
        '--window-size=1000,1600',
        `--screenshot=${join(folder, `${name}.png`)}`,
        `file://${join(folder, `${name}.html`)}`,
      ],
      { env: { ...process.env, HOME: folder }, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 },
    )
    return stderr
  }
  assert.doesNotMatch(await open('page', page), /:CONSOLE:/)
  assert.ok(statSync(join(folder, 'page.png')).size > 10_000)
  // what the policy of the page forbids would be told, and would look otherwise
  const other = page.replace('</style>', '/* changed */</style>')
  assert.match(await open('other', other), /:CONSOLE:.*Content Security Policy/)
  assert.ok(!readFileSync(join(folder, 'page.png')).equals(readFileSync(join(folder, 'other.png'))))
})
