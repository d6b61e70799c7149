import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/shared.js'

const pages = [
  'README.md',
  'CHANGELOG.md',
  ...['docs', 'deploy'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  ),
]

/** The text of a page without its blocks of code, where nothing is a link. */
function proseOf(page: string): string {
  return readFileSync(join(root, page), 'utf8').replace(/^```[^]*?^```$/gm, '')
}

/** The anchors of a page, made of its headings as GitHub makes them. */
function anchorsOf(page: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const anchors = [...proseOf(page).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = '']) => {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim()
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    return times === 0 ? slug : `${slug}-${times}`
  })
  return new Set(anchors)
}

test('every link inside the documentation leads somewhere, down to the heading', () => {
  const broken: string[] = []
  let followed = 0
  for (const page of pages) {
    for (const [, target = ''] of proseOf(page).matchAll(/\]\(([^()\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      followed += 1
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : relative(root, join(root, dirname(page), path))
      if (file.startsWith('..') || !existsSync(join(root, file))) broken.push(`${page}: ${target}`)
      else if (anchor !== undefined && !(file.endsWith('.md') && anchorsOf(file).has(anchor)))
        broken.push(`${page}: ${target}: no such heading`)
    }
  }
  assert.ok(followed > 60, `${followed} links`)
  assert.deepEqual(broken, [])
})

test('every page is reached from README.md', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const [, target = ''] of proseOf(page).matchAll(/\]\(([^()\s#]+)(?:#[^()\s]*)?\)/g)) {
      const file = relative(root, join(root, dirname(page), target))
      if (/^[a-z]+:/.test(target) || !existsSync(join(root, file))) continue
      // a link to a folder leads to what stands in it
      const isFolder = statSync(join(root, file)).isDirectory()
      for (const found of isFolder ? pages.filter((each) => dirname(each) === file) : [file])
        if (found.endsWith('.md')) reached.add(found)
    }
  }
  assert.deepEqual(
    pages.filter((page) => !reached.has(page)),
    [],
  )
})

test('every file of deploy/ and config/ that a page names stands there', () => {
  const missing: string[] = []
  let named = 0
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [path] of text.matchAll(/(?<![\w./-])(?:deploy|config)\/[\w./-]*\w/g)) {
      // docs/architecture.md names folders of src/
      if (path.endsWith('.ts')) continue
      named += 1
      if (!existsSync(join(root, path))) missing.push(`${page}: ${path}`)
    }
  }
  assert.ok(named > 10, `${named} paths`)
  assert.deepEqual(missing, [])
})
