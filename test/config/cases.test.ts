import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseGatewayConfig } from '../../src/config/gateway-file.js'
import { readWhitelistDocument } from '../../src/config/whitelist-file.js'
import { formatDiagnostic } from '../../src/core/diagnostic.js'
import { root } from '../support/shared.js'

// `broken_whitelist_x.yaml` is refused with what stands in `broken_whitelist_x.expected`, `working_…`
// is read as it says there. A new case is a new file; UPDATE_CASES=1 writes what is missing beside it
const folder = join(root, 'test', 'cases', 'config')
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

function resultOf(name: string): string {
  const text = readFileSync(join(folder, name), 'utf8')
  const file = `/cases/${name}`
  const values: unknown[] = []
  const isGateway = name.includes('_gateway_')
  const read = isGateway ? parseGatewayConfig({ file, text }) : undefined
  const diagnostics =
    read?.diagnostics ?? readWhitelistDocument({ file, text }, (partner) => values.push(partner))
  if (read?.config !== undefined) values.push(read.config)
  if (diagnostics.length > 0) return `${diagnostics.map(formatDiagnostic).join('\n')}\n`
  // places are what other tests are about
  const keep = (key: string, value: unknown): unknown => (key === 'place' ? undefined : value)
  return `${JSON.stringify(values, keep, 2)}\n`
}

test('there are cases of both kinds for both files', () => {
  for (const kind of ['working_gateway_', 'working_whitelist_', 'broken_gateway_', 'broken_whitelist_']) {
    assert.ok(
      names.some((name) => name.startsWith(kind)),
      kind,
    )
  }
})

for (const name of names) {
  test(`case ${name}`, () => {
    const beside = join(folder, name.replace(/\.yaml$/, '.expected'))
    const result = resultOf(name)
    if (process.env['UPDATE_CASES'] === '1' && !existsSync(beside)) writeFileSync(beside, result)
    assert.equal(result, readFileSync(beside, 'utf8'))
    assert.equal(result.startsWith('['), name.startsWith('working_'))
  })
}
