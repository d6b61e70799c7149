import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { root } from '../support/shared.js'

const exec = promisify(execFile)
const units = ['ror-gateway.service', 'ror-gateway.socket'] as const
const textOf = (unit: string): string => readFileSync(join(root, 'deploy/systemd', unit), 'utf8')

// the units alone are read here, and none is started; Node stands elsewhere on some machines
function placed(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ror-units-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  for (const unit of units)
    writeFileSync(join(folder, unit), textOf(unit).replaceAll('/usr/bin/node', process.execPath))
  return folder
}

test('systemd reads the units without a word against them', async (context) => {
  const folder = placed(context)
  const { stdout, stderr } = await exec('systemd-analyze', [
    'verify',
    ...units.map((unit) => join(folder, unit)),
  ])
  assert.equal(stdout + stderr, '')
})

test('systemd rates the service’s exposure at 1.5 of 10 or less', async (context) => {
  const folder = placed(context)
  const { stdout } = await exec('systemd-analyze', [
    'security',
    '--offline=yes',
    '--threshold=15',
    '--no-pager',
    join(folder, units[0]),
  ])
  const rating = Number(/Overall exposure level for ror-gateway\.service: ([\d.]+)/.exec(stdout)?.[1])
  assert.ok(rating <= 1.5, stdout)
})

test('a stop waits longer than the gateway drains by default', () => {
  const drains = Number(
    /`drainSeconds` \| `(\d+)`/.exec(readFileSync(join(root, 'docs/configuration.md'), 'utf8'))?.[1],
  )
  const waits = Number(/^TimeoutStopSec=(\d+)$/m.exec(textOf(units[0]))?.[1])
  assert.ok(drains > 0 && waits > drains, `${waits} ${drains}`)
})

test('a reload reads the configuration first, and then tells the gateway', () => {
  const reloads = textOf(units[0]).match(/^ExecReload=.*$/gm) ?? []
  assert.match(reloads[0] ?? '', / check --config \/etc\/ror-gateway\/gateway\.yaml$/)
  assert.equal(reloads[1], 'ExecReload=/bin/kill -HUP $MAINPID')
})
