import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WriteRule } from '../../src/core/api.js'
import { namedInTarget } from '../../src/core/named-in-target.js'
import { judgeTarget } from '../../src/core/request-target.js'
import { judgeWriteFields } from '../../src/core/write-fields.js'
import { usualUnitCharacters } from '../../src/core/write-rule.js'

const rule: WriteRule = {
  method: 'PATCH',
  path: ['Location'],
  establishment: { from: 'query', parameter: 'identifier', form: 'idnatstruct/unit' },
  also: undefined,
  storedType: undefined,
  prefixes: ['1'],
  parameters: [],
  patch: undefined,
  maxBodyBytes: 1024,
  maxEntries: 100,
  conditionalCreate: false,
  unitCharacters: usualUnitCharacters,
}

function named(target: string, more: Partial<WriteRule> = {}): string {
  const judged = judgeTarget(target)
  assert.ok(judged.ok)
  const found = namedInTarget(judged.value, { ...rule, ...more })
  if (!found.ok) return found.problem.reason
  const { establishments, ids } = found.value
  return [
    ...establishments.map((each) => each.idNatStruct),
    ...ids.map(({ by, type, id }) => `${by} ${type}/${id}`),
  ].join()
}

test('a functional id is looked up where the rule says so, and refused where it does not', () => {
  const resolved = { ...rule.establishment, resolve: 'upstream' } as WriteRule['establishment'] // a query source
  assert.equal(named('/Location?identifier=52/192675'), 'establishment-unresolvable')
  assert.equal(
    named('/Location?identifier=52/192675', { establishment: resolved }),
    'identifier Location/52/192675',
  )
  assert.equal(
    named('/Location?identifier=52%2F192675', { establishment: resolved }),
    'identifier Location/52/192675',
  )
  assert.equal(named('/Location?identifier=1350054680/A', { establishment: resolved }), '1350054680')
  for (const value of ['2/1', '5252/1', '52/', '52/a/b', '52/a%20b', 'x/1', '350054680/A', '3350054680/A']) {
    assert.equal(
      named(`/Location?identifier=${value}`, { establishment: resolved }),
      'establishment-unresolvable',
      value,
    )
  }
  assert.equal(
    named('/Location?identifier=52/1,52/2', { establishment: resolved }),
    'establishment-ambiguous',
  )
})

test('an id in the path is looked up, beside what the query names', () => {
  const byId = { path: ['a', 'Location', '{id}'], storedType: 'Location' }
  assert.equal(named('/x/a/Location/12?identifier=1350054680/A', byId), '1350054680,id Location/12')
  assert.equal(named('/x/a/Location/12', byId), 'establishment-missing')
})

test('unit codes hold letters, digits and the characters that the rule takes, 64 at most', () => {
  const unit = (code: string, unitCharacters = usualUnitCharacters): boolean =>
    named(`/Location?identifier=1350054680/${code}`, { unitCharacters }) === '1350054680'
  for (const code of ['A', 'SSR38888', 'a-b.c_d', 'A%20B', 'A'.repeat(64)])
    assert.equal(unit(code), true, code)
  for (const code of ['', '-A', '%20A', 'A%20', 'A[B', '%C3%A9', 'A'.repeat(65)])
    assert.equal(unit(code), false, code)
  assert.equal(unit('A-B', ''), false)
  assert.equal(unit('A[B', '['), true)
})

test('a query that is not judged holds what the rule allows, and nothing else', () => {
  const byBody = {
    establishment: { from: 'body', shape: 'task-focus' },
    parameters: ['_pretty'],
  } as const
  assert.equal(named('/Task', byBody), '')
  assert.equal(named('/Task?', byBody), '')
  assert.equal(named('/Task?_pretty=true&_pretty', byBody), '')
  for (const query of ['_id=1', '_pretty=true&_id=1', '_prett%79=1', '_pretty:x=1', '&', '=']) {
    assert.equal(named(`/Task?${query}`, byBody), 'establishment-ambiguous', query)
  }
})

test('fields that select what is written are refused in every spelling', () => {
  const judge = (name: string, more: Partial<WriteRule> = {}): string | undefined =>
    judgeWriteFields(['host', name], { ...rule, ...more })?.reason
  for (const name of [
    'If-None-Exist',
    'if_none_exist',
    'X-Cascade',
    'X-Upsert-Extistence-Check',
    'X-Request-Partition-IDs',
  ]) {
    assert.equal(judge(name), 'establishment-ambiguous', name)
  }
  assert.equal(judge('if-none-exist', { conditionalCreate: true }), undefined)
  assert.equal(judge('x-cascade', { conditionalCreate: true }), 'establishment-ambiguous')
  for (const name of ['if-match', 'prefer', 'if-none-match']) assert.equal(judge(name), undefined)
})
