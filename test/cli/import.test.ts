import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { contentOf, enterScratch, say, transcripts } from './transcript.js'

// A case is a transcript: `$ ` begins a command, `! ` a line of the standard error, `? ` the exit code,
// anything else is the standard output. Each runs in a copy of the folder `shared`. A new case is a new
// file with its commands; UPDATE_CASES=1 writes what they say.
const names = readdirSync(transcripts).filter((name) => name.endsWith('.txt'))

for (const name of names) {
  test(`case ${name}`, async (context) => {
    const scratch = enterScratch(context)
    const lines = readFileSync(join(transcripts, name), 'utf8').split('\n')
    const commands = lines.filter((line) => line.startsWith('$ '))
    const result = lines.slice(0, lines.indexOf(commands[0] ?? ''))
    for (const line of commands) {
      const stood = contentOf(scratch)
      const { stdout, stderr, code } = await say(line.slice(2))
      const outcome = code === undefined ? [] : [`? ${code}`]
      result.push(line, ...stdout, ...stderr.map((each) => `! ${each}`), ...outcome, '')
      const mayWrite = line.includes('--write') && code === 0
      if (!mayWrite) assert.deepEqual(contentOf(scratch), stood, `${line} wrote something`)
    }
    const text = `${result.join('\n').trimEnd()}\n`
    if (process.env['UPDATE_CASES'] === '1') writeFileSync(join(transcripts, name), text)
    assert.equal(text, readFileSync(join(transcripts, name), 'utf8'))
  })
}

test('there are cases of every verb that edits', () => {
  const all = names.map((name) => readFileSync(join(transcripts, name), 'utf8')).join('\n')
  for (const verb of ['import', 'renew', 'remove']) {
    assert.match(all, new RegExp(`^\\$ (?:[A-Z]+=\\S+ )?${verb} `, 'm'))
  }
})
