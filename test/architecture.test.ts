import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { test } from 'node:test'
import { root } from './support/shared.js'

const floors: Readonly<Record<string, number>> = {
  core: 0,
  x509: 1,
  config: 2,
  fhir: 2,
  csd: 2,
  oauth: 2,
  sheet: 2,
  tls: 3,
  http: 3,
  files: 3,
  observe: 3,
  admin: 3,
  dev: 3,
  gateway: 4,
  cli: 5,
}

// package → the only folders that may import it; saxes reads two kinds of documents, FHIR bodies and workbooks
const doors: Readonly<Record<string, string | readonly string[]>> = {
  'http-proxy': 'http',
  'node-forge': 'x509',
  'lru-cache': 'gateway',
  yaml: 'config',
  zod: 'config',
  saxes: ['fhir', 'sheet'],
  pino: 'observe',
  'prom-client': 'observe',
}

// what a pure floor may take from Node: computing, never reading or listening
const pureModules = new Set(['node:crypto', 'node:path', 'node:buffer', 'node:util', 'node:zlib'])

interface Import {
  readonly file: string
  readonly folder: string
  readonly specifier: string
}

const source = join(root, 'src')
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
)
const imports = files.flatMap((name): Import[] => {
  const folder = name.split(sep)[0] ?? ''
  const text = readFileSync(join(source, name), 'utf8')
  const found = text.matchAll(
    /^\s*(?:import|export)\b[^'"]*?\bfrom\s+'([^']+)'|\bimport\(\s*'([^']+)'|^import\s+'([^']+)'/gm,
  )
  return [...found].map((match) => ({
    file: name,
    folder,
    specifier: match[1] ?? match[2] ?? match[3] ?? '',
  }))
})

test('the scan sees the whole source', () => {
  assert.ok(files.length >= 20, `${files.length} files`)
  assert.ok(imports.length >= 50, `${imports.length} imports`)
})

test('every file stands on a floor', () => {
  for (const name of files) assert.ok((name.split(sep)[0] ?? '') in floors, `${name} stands on no floor`)
})

test('a file imports from its own folder or from a lower floor', () => {
  for (const { file, folder, specifier } of imports) {
    if (!specifier.startsWith('.')) continue
    const target = relative(source, join(source, file, '..', specifier)).split(sep)[0] ?? ''
    if (target === folder) continue
    const from = floors[folder] ?? -1
    const to = floors[target] ?? 99
    assert.ok(to < from, `${file} (floor ${from}) imports ${specifier} (floor ${to})`)
  }
})

test('each package has one door', () => {
  for (const { file, folder, specifier } of imports) {
    if (specifier.startsWith('.') || specifier.startsWith('node:')) continue
    const name = specifier.startsWith('@')
      ? specifier.split('/').slice(0, 2).join('/')
      : (specifier.split('/')[0] ?? '')
    assert.ok([doors[name]].flat().includes(folder), `${file} imports ${specifier}`)
  }
})

test('core imports nothing from outside, and the pure floors only what computes', () => {
  for (const { file, folder, specifier } of imports) {
    if (specifier.startsWith('.')) continue
    const floor = floors[folder] ?? 99
    if (floor === 0) assert.fail(`${file} imports ${specifier}`)
    if (floor <= 2 && specifier.startsWith('node:')) {
      assert.ok(pureModules.has(specifier), `${file} imports ${specifier}`)
    }
  }
})

test('the pure floors read no clock and no environment', () => {
  for (const name of files) {
    if ((floors[name.split(sep)[0] ?? ''] ?? 99) > 2) continue
    const text = readFileSync(join(source, name), 'utf8')
    for (const impure of [
      /\bDate\.now\(/,
      /\bnew Date\(\)/,
      /\bprocess\./,
      /\bperformance\.now\(/,
      /\bsetTimeout\(/,
    ]) {
      assert.ok(!impure.test(text), `${name} uses ${String(impure)}`)
    }
  }
})

test('each dependency is used, exact and behind a door', () => {
  // the shape is npm's
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
    devDependencies: Record<string, string>
  }
  assert.deepEqual(Object.keys(manifest.dependencies).sort(), Object.keys(doors).sort())
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, `${name} ${version}`)
  }
  for (const name of Object.keys(doors)) {
    assert.ok(
      imports.some(({ specifier }) => specifier === name || specifier.startsWith(`${name}/`)),
      `${name} is imported nowhere`,
    )
  }
})
