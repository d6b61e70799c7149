import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { root } from '../support/shared.js'

const committed = join(root, 'src', 'fhir', 'json-index-module.ts')

/** The file that the sources in `assembly` come to. */
function generated(): string {
  const folder = mkdtempSync(join(tmpdir(), 'json-index-'))
  try {
    const compiler = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'))
    const file = join(folder, 'json-index.wasm')
    const config = join(root, 'assembly', 'asconfig.json')
    execFileSync(process.execPath, [compiler, '--config', config, '--outFile', file], { cwd: root })
    const text = readFileSync(file).toString('base64')
    const lines = text.match(/.{1,96}/g) ?? []
    return [
      '// generated from assembly/ by `npm run build:index`',
      '',
      '/** The json-index as a WebAssembly module, in base64. */',
      'export const jsonIndexModule =',
      lines.map((line) => `  '${line}'`).join(' +\n'),
      '',
    ].join('\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('the committed module is what its source compiles to (UPDATE_INDEX=1 writes it)', () => {
  const text = generated()
  if (process.env['UPDATE_INDEX'] === '1') writeFileSync(committed, text)
  assert.equal(readFileSync(committed, 'utf8'), text)
})
