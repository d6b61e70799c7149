import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseGatewayConfig } from '../../src/config/gateway-file.js'
import { gatewaySchema, whitelistSchema } from '../../src/config/json-schema.js'
import { readEstablishmentList } from '../../src/config/establishment-list.js'
import { readWhitelistDocument, type PartnerDraft } from '../../src/config/whitelist-file.js'
import { root } from '../support/shared.js'

const folder = join(root, 'config')
const schemas = { 'gateway.schema.json': gatewaySchema(), 'whitelist.schema.json': whitelistSchema() }

test('the committed schemas are the ones the program reads by (UPDATE_SCHEMAS=1 writes them)', () => {
  for (const [name, schema] of Object.entries(schemas)) {
    const path = join(folder, name)
    const text = `${JSON.stringify(schema, null, 2)}\n`
    if (process.env['UPDATE_SCHEMAS'] === '1') writeFileSync(path, text)
    assert.equal(readFileSync(path, 'utf8'), text, name)
  }
})

/** Every key of a JSON Schema, with the schema it leads to. */
function* keysOf(schema: unknown): Generator<readonly [string, Readonly<Record<string, unknown>>]> {
  if (typeof schema !== 'object' || schema === null) return
  for (const [name, value] of Object.entries(schema)) {
    if (name !== 'properties') {
      yield* keysOf(value)
      continue
    }
    // `properties` is a mapping of names to schemas
    for (const [key, below] of Object.entries(value as Record<string, Record<string, unknown>>)) {
      yield [key, below]
      yield* keysOf(below)
    }
  }
}

test('each key tells editors what it is', () => {
  for (const schema of Object.values(schemas)) {
    const keys = [...keysOf(schema)]
    assert.ok(keys.length > 10)
    for (const [key, { description }] of keys)
      assert.ok(typeof description === 'string', `${key} says nothing`)
  }
})

test('editors see numbers and flags where the file shows them', () => {
  const all = new Map(keysOf(gatewaySchema()))
  assert.equal(all.get('port')?.['type'], 'integer')
  assert.equal(all.get('searchByPost')?.['type'], 'boolean')
  assert.equal(all.get('maxBodyBytes')?.['default'], 1_048_576)
})

test('docs/configuration.md speaks of each key, and of no other', () => {
  const text = readFileSync(join(root, 'docs', 'configuration.md'), 'utf8')
  const documented = new Set([...text.matchAll(/^\| `([A-Za-z]+)` \|/gm)].map(([, key]) => key))
  const known = new Set(Object.values(schemas).flatMap((schema) => [...keysOf(schema)].map(([key]) => key)))
  assert.deepEqual(
    [...known].filter((key) => !documented.has(key)),
    [],
    'not documented',
  )
  assert.deepEqual(
    [...documented].filter((key) => !known.has(key ?? '')),
    [],
    'documented, but no key',
  )
})

test('docs/configuration.md names the default that holds', () => {
  const text = readFileSync(join(root, 'docs', 'configuration.md'), 'utf8')
  for (const [key, { default: value }] of Object.values(schemas).flatMap((schema) => [...keysOf(schema)])) {
    if (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'boolean') continue
    const rows = [...text.matchAll(new RegExp(`^\\| \`${key}\` \\|.*$`, 'gm'))].map(([row]) => row)
    assert.ok(
      rows.some((row) => row.includes(`\`${String(value)}\``)),
      `${key}: ${String(value)}`,
    )
  }
})

test('the sample configuration is read without a word, and leads editors to its schema', () => {
  const file = join(folder, 'gateway.yaml')
  const text = readFileSync(file, 'utf8')
  const { config, diagnostics } = parseGatewayConfig({ file, text })
  assert.deepEqual(diagnostics, [])
  assert.deepEqual(
    config?.environments.map(({ name }) => name),
    ['sandbox', 'production'],
  )
  assert.match(text, /^# yaml-language-server: \$schema=gateway\.schema\.json\n/)
})

test('the sample whitelist is read without a word, a partner of each solution, lists included', () => {
  const partners: PartnerDraft[] = []
  for (const name of readdirSync(join(folder, 'whitelist'))) {
    const file = join(folder, 'whitelist', name)
    const text = readFileSync(file, 'utf8')
    assert.deepEqual(
      readWhitelistDocument({ file, text }, (partner) => partners.push(partner)),
      [],
    )
    assert.match(text, /^# yaml-language-server: \$schema=\.\.\/whitelist\.schema\.json\n/)
  }
  assert.deepEqual(partners.map(({ solution }) => solution).sort(), [
    'consumer',
    'proprietary',
    'regional-eai',
    'saas',
  ])
  for (const { establishmentsFile } of partners) {
    if (establishmentsFile === undefined) continue
    const list = readEstablishmentList({
      file: establishmentsFile.path,
      text: readFileSync(establishmentsFile.path, 'utf8'),
    })
    assert.deepEqual(list.diagnostics, [])
    assert.deepEqual(list.establishments, ['1220000020', '1560000127'])
  }
})
