import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verbs } from '../../src/cli/cli.js'
import type { OptionDeclaration, Verb } from '../../src/cli/verb.js'
import { root } from '../support/shared.js'
import { command } from './in-process.js'

const path = join(root, 'docs', 'cli.md')

const intro = `# The command line

\`ror-gateway VERB [OPTIONS]\`; \`ror-gateway VERB --help\` shows what stands here. This page is made of what
the program declares (\`UPDATE_DOCS=1\`, test/cli/reference.test.ts); [operating.md](operating.md) shows the verbs at
work.

| exit code | means |
|--:|---|
| 0 | done |
| 1 | could not: no such file, no such partner, something broke |
| 2 | denied: what was asked about is refused |
| 3 | invalid: something handed in is wrong, or \`serve\` would refuse it |
| 64 | the command line is wrong |

The answer goes to the standard output, everything else to the standard error. Colours are for terminals, and
\`NO_COLOR\` puts them out. The desk speaks French where \`LC_ALL\`, \`LC_MESSAGES\` or \`LANG\` begins with \`fr\`; JSON
is the same in every language.
`

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function optionRow({ name, value, required, multiple, default: preset, help }: OptionDeclaration): string {
  const notes = [
    ...(required === true ? ['required'] : []),
    ...(multiple === true ? ['may be given several times'] : []),
    ...(preset === undefined ? [] : [`default \`${preset}\``]),
  ]
  const left = value === undefined ? `--${name}` : `--${name} ${value}`
  return `| \`${left}\` | ${cell(help)}${notes.length === 0 ? '' : ` (${notes.join('; ')})`} |`
}

function section({ name, summary, positionals = [], options, examples }: Verb): string {
  const words = positionals.map((each) => {
    const shown = each.multiple === true ? `${each.name}…` : each.name
    return each.optional === true ? `[${shown}]` : shown
  })
  const given = positionals.map((each) => `| \`${each.name}\` | ${cell(each.help)} |`)
  return [
    `## ${name}`,
    '',
    `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`,
    '',
    '```',
    ['ror-gateway', name, ...words, '[OPTIONS]'].join(' '),
    '```',
    '',
    '| | |',
    '|---|---|',
    ...given,
    ...options.map(optionRow),
    '',
    '```',
    ...examples,
    '```',
    '',
  ].join('\n')
}

test('docs/cli.md names every verb, argument and option as the program declares them (UPDATE_DOCS=1 writes it)', () => {
  const page = [intro, ...verbs.map(section)].join('\n')
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, page)
  assert.equal(readFileSync(path, 'utf8'), page)
  for (const { name, options } of verbs) {
    assert.ok(page.includes(`## ${name}\n`))
    for (const option of options) assert.ok(page.includes(`\`--${option.name}`), `${name} --${option.name}`)
  }
})

test('every verb helps itself: examples that begin with it, and each example parses', async () => {
  for (const { name, examples, options } of verbs) {
    assert.ok(examples.length > 0, name)
    for (const example of examples) {
      assert.ok(example.includes(`ror-gateway ${name}`), example)
      const given = [...example.matchAll(/--([a-z][a-z-]*)/g)].map(([, option]) => option)
      const known = new Set(options.map((each) => each.name))
      for (const option of given) assert.ok(known.has(option ?? ''), `${example}: --${option ?? ''}`)
    }
    const [asked, called] = [await command(['help', name]), await command([name, '--help'])]
    assert.deepEqual(asked, called)
    assert.equal(called.code, 0)
  }
})

test('the overview names every verb', async () => {
  const { stdout } = await command(['--help'])
  for (const { name } of verbs) assert.match(stdout, new RegExp(`^ {2}${name} `, 'm'))
})
