import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/shared.js'
import { command } from './in-process.js'

// A case is one file: `$ ror-gateway …` (a language before it: `$ LANG=fr ror-gateway …`), then sections
// `=== NAME` with the files it works on, then `=== stdout`, `=== stderr` and `=== exit CODE`.
// UPDATE_CASES=1 writes the last three where they are missing. A new case is a new file.
const folder = join(root, 'test', 'cases', 'cli')
const names = readdirSync(folder).filter((name) => name.endsWith('.case'))

interface Case {
  readonly args: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  readonly files: ReadonlyMap<string, string>
  readonly expected: string | undefined
}

function readCase(text: string): Case {
  const commandLine = /^\$ (.*)$/m.exec(text)?.[1] ?? ''
  const words = [...commandLine.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  const program = words.indexOf('ror-gateway')
  const variables = Object.fromEntries(
    words.slice(0, program).map((each) => each.split('=', 2) as [string, string]),
  ) // NAME=VALUE
  const end = text.indexOf('=== stdout\n')
  const inputs = end === -1 ? text : text.slice(0, end)
  const files = new Map(
    inputs
      .split(/^=== /m)
      .slice(1)
      .map((section): [string, string] => {
        const newline = section.indexOf('\n')
        return [section.slice(0, newline), section.slice(newline + 1)]
      }),
  )
  return {
    args: words.slice(program + 1),
    variables,
    files,
    expected: end === -1 ? undefined : text.slice(end),
  }
}

test('there are cases, of success and of failure', () => {
  assert.ok(names.length >= 12, `${names.length} cases`)
  const ends = names.map((name) => /^=== exit (\d+)$/m.exec(readFileSync(join(folder, name), 'utf8'))?.[1])
  for (const code of ['0', '1', '2', '3', '64']) assert.ok(ends.includes(code), `no case ends with ${code}`)
})

for (const name of names) {
  test(`case ${name}`, async (context) => {
    const path = join(folder, name)
    const text = readFileSync(path, 'utf8')
    const { args, variables, files, expected } = readCase(text)
    const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'ror-case-')))
    const before = process.cwd()
    context.after(() => {
      process.chdir(before)
      rmSync(scratch, { recursive: true, force: true })
    })
    for (const [file, content] of files) {
      mkdirSync(dirname(join(scratch, file)), { recursive: true })
      writeFileSync(join(scratch, file), content)
    }
    process.chdir(scratch)
    const { code, stdout, stderr } = await command(args, variables)
    const plain = (output: string): string =>
      output
        .replaceAll(scratch, '.')
        .replaceAll(/\b(in|en) \d+\.\d s\b/g, '$1 N s')
        .replaceAll(/\b[0-9a-f]{16}\b/g, 'REVISION')
    const result = `=== stdout\n${plain(stdout)}=== stderr\n${plain(stderr)}=== exit ${code}\n`
    if (process.env['UPDATE_CASES'] === '1' && expected === undefined) writeFileSync(path, text + result)
    assert.equal(result, expected ?? result)
    assert.ok(expected !== undefined || process.env['UPDATE_CASES'] === '1', 'the case has no result yet')
  })
}
