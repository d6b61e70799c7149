import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { denialReasons, renderingOf } from '../src/core/reasons.js'
import { root } from './support/shared.js'

const read = (page: string): string => readFileSync(join(root, 'docs', page), 'utf8')

/** The rows of a table in `docs/reasons.md`: reason, status, what happened, what the partner and the operator do. */
function rowsBelow(heading: string): readonly (readonly string[])[] {
  const [, section = ''] = read('reasons.md').split(`\n## ${heading}\n`)
  return (section.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => /^\| `[a-z-]+` \|/.test(line))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
}

for (const [heading, language] of [
  ['In English', 'en'],
  ['En français', 'fr'],
] as const) {
  test(`docs/reasons.md lists exactly the reasons there are, in their order, as they answer: ${heading}`, () => {
    assert.ok(denialReasons.length > 20)
    assert.deepEqual(
      rowsBelow(heading).map((cells) => cells.slice(0, 3)),
      denialReasons.map((reason) => {
        const rendering = renderingOf(reason)
        return [`\`${reason}\``, String(rendering.status), rendering[language]]
      }),
    )
  })

  test(`each row says what the partner does and what the operator does: ${heading}`, () => {
    for (const cells of rowsBelow(heading)) {
      assert.equal(cells.length, 5, cells[0])
      for (const cell of cells) assert.ok(cell.length > 2, `${cells[0] ?? ''}: an empty cell`)
    }
  })
}

test('docs/partners.fr.md tells partners of every reason, in order, what they do and what they send', () => {
  const sections = read('partners.fr.md')
    .split(/^### /m)
    .slice(1)
    .filter((section) => /^`[a-z-]+` \(/.test(section))
  assert.deepEqual(
    sections.map((section) => section.split('\n', 1)[0]),
    denialReasons.map((reason) => `\`${reason}\` (${renderingOf(reason).status})`),
  )
  for (const [index, section] of sections.entries()) {
    const reason = denialReasons[index] ?? 'request-ambiguous'
    assert.ok(section.includes(`« ${renderingOf(reason).fr} »`), `${reason}: the sentence of the answer`)
    for (const part of ['Ce qui s’est passé.', 'Ce que vous faites.', 'Ce que vous envoyez.']) {
      const [, said = ''] = section.split(`- **${part}**`)
      assert.ok(/\p{L}{3}/u.test(said.split('\n- ')[0] ?? ''), `${reason}: ${part}`)
    }
  }
})

test('no reason answers with a status that an upstream answer could be taken for', () => {
  for (const reason of denialReasons) assert.notEqual(renderingOf(reason).status, 404, reason)
})

test('both sentences of a reason are there, and differ', () => {
  for (const reason of denialReasons) {
    const { en, fr } = renderingOf(reason)
    assert.ok(en.length > 20 && fr.length > 20, reason)
    assert.notEqual(en, fr)
  }
})
