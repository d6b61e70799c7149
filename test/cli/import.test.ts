import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createReadStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { cli } from '../../src/cli/cli.js'
import { root } from '../support/shared.js'

// A case is a transcript: `$ ` begins a command, `! ` a line of the standard error, `? ` the exit code,
// anything else is the standard output. Each runs in a copy of the folder `shared`. A new case is a new
// file with its commands; UPDATE_CASES=1 writes what they say.
const folder = join(root, 'test', 'cases', 'cli', 'import')
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'))

const moment = '2026-12-01T08:00:00Z'
const judged = new Set(['import', 'renew'])

/** Whatever is written to a stream, as lines. */
function collector(): { readonly stream: Writable; lines(): readonly string[] } {
  let text = ''
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      done()
    },
  })
  return { stream, lines: () => (text === '' ? [] : text.replace(/\n$/, '').split('\n')) }
}

/** Every file below a folder, with what it holds. */
function contentOf(scratch: string): readonly (readonly [string, string])[] {
  return readdirSync(scratch, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [path, readFileSync(path, 'latin1')])
}

async function say(command: string): Promise<readonly string[]> {
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
  const variables: Record<string, string> = { LANG: 'C' }
  while (/^[A-Z]+=/.test(words[0] ?? '')) {
    const [name = '', value = ''] = (words.shift() ?? '').split('=')
    variables[name] = value
  }
  const [verb = '', ...args] = words
  if (verb === 'cat')
    return readFileSync(args[0] ?? '', 'utf8')
      .replace(/\n$/, '')
      .split('\n')
  const from = args.indexOf('<')
  const stdin = from === -1 ? undefined : createReadStream(args.splice(from)[1] ?? '')
  const [stdout, stderr] = [collector(), collector()]
  const at = judged.has(verb) ? ['--at', moment] : []
  const streams = { stdout: stdout.stream, stderr: stderr.stream, variables }
  const code = await cli([verb, ...args, ...at], stdin === undefined ? streams : { ...streams, stdin })
  return [...stdout.lines(), ...stderr.lines().map((line) => `! ${line}`), `? ${code}`]
}

for (const name of names) {
  test(`case ${name}`, async (context) => {
    const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'ror-import-')))
    const before = process.cwd()
    context.after(() => {
      process.chdir(before)
      rmSync(scratch, { recursive: true, force: true })
    })
    cpSync(join(folder, 'shared'), scratch, { recursive: true })
    // no private key stands in the repository, not even one of nobody
    const key = ['-----BEGIN PRIVATE', 'KEY-----\nMAA=\n-----END PRIVATE', 'KEY-----\n'].join(' ')
    writeFileSync(
      join(scratch, 'mail/with-key.pem'),
      readFileSync(join(scratch, 'mail/ema.pem'), 'utf8') + key,
    )
    process.chdir(scratch)
    const written = readFileSync(join(folder, name), 'utf8')
    const result: string[] = []
    for (const line of written.split('\n')) {
      if (line.startsWith('#')) result.push(line)
      if (!line.startsWith('$ ')) continue
      const stood = contentOf(scratch)
      const said = await say(line.slice(2))
      result.push(line, ...said, '')
      const mayWrite = line.includes('--write') && said.at(-1) === '? 0'
      if (!mayWrite) assert.deepEqual(contentOf(scratch), stood, `${line} wrote something`)
    }
    const text = `${result.join('\n').trimEnd()}\n`
    if (process.env['UPDATE_CASES'] === '1') writeFileSync(join(folder, name), text)
    assert.equal(text, readFileSync(join(folder, name), 'utf8'))
  })
}

test('there are cases of every verb', () => {
  const all = names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
  for (const verb of ['import', 'renew', 'remove'])
    assert.match(all, new RegExp(`^\\$ (?:[A-Z]+=\\S+ )?${verb} `, 'm'))
})
