import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { readMatches, readStored } from '../../src/fhir/stored.js'
import { readShared } from '../support/shared.js'

const body = (value: unknown) => ({
  body: new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)),
  contentType: 'application/fhir+json;charset=UTF-8',
})
const sample = (name: string, id: string): Record<string, unknown> => ({
  ...(JSON.parse(readShared('samples', 'ror', `${name}.json`)) as Record<string, unknown>), // a resource
  id,
})
const organization = { type: 'Organization', id: '1' }

test('a stored resource says which national numbers it carries, or what it belongs to', () => {
  const cases: readonly (readonly [name: string, type: string, numbers: string[], belongsTo: string[]])[] = [
    ['post-organization-ej', 'Organization', ['2921317258'], []],
    ['post-organization-eg', 'Organization', ['392131725800020'], []],
    ['post-organization-pole', 'Organization', [], ['Organization/3536']],
    ['post-healthcareservice-partial', 'HealthcareService', [], ['Organization/2424']],
    ['post-practitionerrole', 'PractitionerRole', [], ['HealthcareService/9597']],
    ['post-location', 'Location', [], []],
  ]
  for (const [name, type, numbers, belongsTo] of cases) {
    const read = readStored(body(sample(name, '1')), { type, id: '1' })
    assert.ok(read.ok, name)
    assert.deepEqual(read.value.numbers, numbers, name)
    assert.deepEqual(
      read.value.belongsTo.map((each) => `${each.type}/${each.id}`),
      belongsTo,
    )
    assert.equal(read.value.isNamedByServices, type === 'Location')
    assert.equal(read.value.unreadable, undefined)
  }
})

test('a resource that is not the one asked for is not relied on', () => {
  for (const other of [
    { resourceType: 'Organization', id: '2' },
    { resourceType: 'Location', id: '1' },
    { resourceType: 'Organization' },
    { id: '1' },
    { resourceType: 'Organization', id: ['1', '1'] },
    [],
    '{',
    '{"resourceType":"Organization","id":"1","id":"1"}',
  ]) {
    assert.equal(readStored(body(other), organization).ok, false, JSON.stringify(other))
  }
})

test('half an answer about whose it is, is none', () => {
  const finess = 'https://finess.esante.gouv.fr'
  for (const more of [
    {
      identifier: [
        { system: finess, value: '350054680' },
        { system: finess, value: '35005468' },
      ],
    },
    { identifier: [{ system: finess, value: '350054680' }, { system: finess }] },
    { identifier: [{ system: 'HTTPS://finess.esante.gouv.fr', value: '350054680' }] },
    { partOf: { reference: 'https://elsewhere.example/Organization/2' } },
    { partOf: { display: 'x' } },
    { partOf: { reference: ['Organization/2', 'Organization/3'] } },
  ]) {
    const read = readStored(body({ resourceType: 'Organization', id: '1', ...more }), organization)
    assert.ok(read.ok && read.value.unreadable !== undefined, JSON.stringify(more))
    assert.deepEqual([read.value.numbers, read.value.belongsTo], [[], []])
  }
})

test('a search is relied on where every resource holds what was searched for', () => {
  const search = { type: 'HealthcareService', parameter: 'location', value: 'Location/654' } as const
  const service = sample('post-healthcareservice-partial', '1')
  const page = (resources: readonly unknown[], more = {}) =>
    readMatches(
      body({
        resourceType: 'Bundle',
        type: 'searchset',
        ...more,
        entry: resources.map((resource) => ({ resource })),
      }),
      search,
    )
  const one = page([service, { resourceType: 'OperationOutcome' }])
  assert.ok(one.ok)
  assert.deepEqual([one.value.resources.length, one.value.hasMore], [1, false])
  const more = page([service], { link: [{ relation: 'self' }, { relation: 'next', url: 'x' }] })
  assert.ok(more.ok && more.value.hasMore)
  assert.equal(page([service, { ...service, location: [{ reference: 'Location/65' }] }]).ok, false)
  assert.equal(page([service, sample('post-location', '2')]).ok, false)
  assert.equal(page([service], { type: 'collection' }).ok, false)
})

test('no answer, whatever it holds, makes the reading throw', () => {
  const element = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(
        'Organization',
        '1',
        'Organization/2',
        'https://finess.esante.gouv.fr',
        '350054680',
        null,
        7,
        true,
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'resourceType',
          'id',
          'identifier',
          'system',
          'value',
          'partOf',
          'reference',
          'entry',
          'resource',
          '_id',
        ),
        tie('value'),
        { maxKeys: 4 },
      ),
    ),
  })).value
  fc.assert(
    fc.property(element, (value) => {
      const read = readStored(body(value), organization)
      if (read.ok) assert.deepEqual([read.value.type, read.value.id], ['Organization', '1'])
      readMatches(body(value), { type: 'Organization', parameter: 'identifier', value: '1' })
    }),
    { numRuns: 500 },
  )
})
