import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/shared.js'
import { enterScratch, say } from './transcript.js'

// the sections of docs/operating.md whose commands are run here, one after the other, in one folder
const sections = [
  'From a mail to a rule in force',
  'A list is updated',
  'A certificate is renewed',
  'A partner leaves',
  'A partner says: we get a 403',
  'Before production: what the tests showed',
]

const file = join(root, 'docs', 'operating.md')

test('every command of the walk-through says what the page shows (UPDATE_DOCS=1 writes it)', async (context) => {
  enterScratch(context)
  const text = readFileSync(file, 'utf8')
  let section = ''
  let result = ''
  let ran = 0
  for (const part of text.split(/^(## .*\n|```console\n[^]*?^```\n)/m)) {
    if (part.startsWith('## ')) section = part.slice(3).trim()
    if (!part.startsWith('```console') || !sections.includes(section)) {
      result += part
      continue
    }
    const shown: string[] = []
    for (const line of part.split('\n').filter((each) => each.startsWith('$ '))) {
      const { stdout, stderr, code } = await say(line.replace(/^\$ (?:ror-gateway )?/, ''))
      shown.push(line, ...stdout, ...stderr)
      assert.ok(code === undefined || code === 0 || code === 2 || code === 3, line)
      ran += 1
    }
    result += `\`\`\`console\n${shown.join('\n')}\n\`\`\`\n`
  }
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, result)
  assert.equal(result, text)
  assert.ok(ran >= 8, `${ran} commands`)
})
