import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/shared.js'
import { run } from './program.js'

const mistakes: readonly (readonly [what: string, args: readonly string[], code: number, says: RegExp])[] = [
  ['no verb', [], 64, /Usage/],
  ['an unknown verb', ['sevre'], 64, /unknown verb `sevre`/],
  ['an unknown option', ['check', '--confg', 'x'], 64, /unknown option `--confg`/],
  ['a missing option', ['serve'], 64, /expected --config/],
  ['a stray argument', ['check', '--config', 'x', 'y'], 64, /unexpected argument `y`/],
  [
    'a port that is none',
    ['dev', '--ror-port', '99999'],
    64,
    /--ror-port: expected a port from 0 to 65535, found `99999`/,
  ],
  [
    'a port of the stand-in ROR that gateway.yaml cannot name',
    ['dev', '--ror-port', '0'],
    64,
    /--ror-port: expected a port from 1 to 65535, found `0`/,
  ],
  [
    'a missing configuration',
    ['check', '--config', '/nowhere/gateway.yaml'],
    3,
    /\/nowhere\/gateway\.yaml:1:1 .*no such file/,
  ],
  ['a missing configuration at the start', ['serve', '--config', '/nowhere/gateway.yaml'], 3, /no such file/],
]

for (const [what, args, code, says] of mistakes) {
  test(`${what} ends with ${code} and says so`, async () => {
    const program = run(args)
    assert.equal(await program.ended, code)
    assert.match(program.stdout() + program.stderr(), says)
    assert.equal(/\n\s+at /.test(program.stderr()), false, 'a stack is shown')
  })
}

test('every verb explains itself with examples', async () => {
  const overview = run(['--help'])
  assert.equal(await overview.ended, 0)
  const verbs = [...overview.stdout().matchAll(/^ {2}([a-z-]+) {2,}/gm)].map((match) => match[1] ?? '')
  assert.ok(verbs.includes('serve') && verbs.includes('check') && verbs.includes('dev'))
  for (const verb of verbs) {
    const program = run([verb, '--help'])
    assert.equal(await program.ended, 0)
    assert.match(program.stdout(), /Examples\n {2}ror-gateway/)
    assert.match(program.stdout(), /Exit codes/)
  }
})

test('check tells every error of a configuration at once, as text and as JSON', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ror-check-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const file = join(folder, 'gateway.yaml')
  writeFileSync(
    file,
    'environments:\n  - name: sandbox\n    listn: { port: x }\nadmin: { listen: { port: 99999 } }\n',
  )
  const text = run(['check', '--config', file])
  assert.equal(await text.ended, 3)
  assert.match(text.stderr(), /gateway\.yaml:3:5 unknown key `listn`; did you mean `listen`\?/)
  assert.match(text.stderr(), /gateway\.yaml:4:/)
  const json = run(['check', '--config', file, '--json'])
  assert.equal(await json.ended, 3)
  const report = JSON.parse(json.stdout()) as { ok: boolean; diagnostics: { place: { line: number } }[] } // as check writes
  assert.equal(report.ok, false)
  assert.ok(report.diagnostics.length >= 2)
})

test('the version is the package’s', async () => {
  const program = run(['--version'])
  assert.equal(await program.ended, 0)
  assert.match(program.stdout(), /^ror-gateway \d+\.\d+\.\d+\n$/)
  assert.ok(root.length > 0)
})
