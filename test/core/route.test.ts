import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Api, WriteRule } from '../../src/core/api.js'
import { judgeTarget, type RequestTarget } from '../../src/core/request-target.js'
import { findApi, hostName, operationOf } from '../../src/core/route.js'
import { upstreamOf } from '../support/upstream.js'

const rule = (method: WriteRule['method'], ...path: string[]): WriteRule => ({
  method,
  path,
  establishment: { from: 'body', shape: 'organization-identifier' },
  also: undefined,
  storedType: undefined,
  prefixes: ['1'],
  parameters: [],
  patch: undefined,
  maxBodyBytes: 1024,
  maxEntries: 100,
  conditionalCreate: false,
  unitCharacters: '',
})

const api = (name: string, path: string, more: Partial<Api> = {}): Api => ({
  name,
  kind: 'fhir',
  hosts: ['h'],
  path,
  match: 'subject',
  upstream: upstreamOf(['http://127.0.0.1:1']),
  writes: [],
  searchByPost: false,
  tokenBinding: 'off',
  ...more,
})

function targetOf(raw: string): RequestTarget {
  const judged = judgeTarget(raw)
  assert.ok(judged.ok, raw)
  return judged.value
}

test('an API stands at its path and below it, by whole segments; the longest path wins; a token endpoint is one place', () => {
  const apis = [
    api('fhir', '/fhir'),
    api('below', '/fhir/write'),
    api('token', '/token', { kind: 'oauth-token' }),
    api('other', '/other', { hosts: ['i'] }),
  ]
  const found = (path: string, host = 'h'): string | undefined => findApi(apis, host, targetOf(path))?.name
  assert.equal(found('/fhir'), 'fhir')
  assert.equal(found('/fhir/'), 'fhir')
  assert.equal(found('/fhir/writes'), 'fhir')
  assert.equal(found('/fhir/write/x'), 'below')
  assert.equal(found('/token'), 'token')
  for (const path of ['/fhirx', '/fhirx/Location', '/Fhir', '/', '/token/', '/token/x', '/other']) {
    assert.equal(found(path), undefined, path)
  }
  assert.equal(found('/other', 'i'), 'other')
  assert.equal(findApi([api('root', '/')], 'h', targetOf('/x/y'))?.name, 'root')
})

test('`{id}` stands for one FHIR id: no operation, no history, no escape', () => {
  const writable = api('fhir', '/fhir', { writes: [rule('PUT', 'Organization', '{id}')] })
  const kindOf = (path: string, method = 'PUT'): string => operationOf(writable, method, targetOf(path)).kind
  assert.equal(kindOf('/fhir/Organization/4569'), 'write')
  assert.equal(kindOf(`/fhir/Organization/${'a'.repeat(64)}`), 'write')
  for (const path of [
    '/fhir/Organization',
    '/fhir/Organization/',
    '/fhir/Organization/$merge',
    '/fhir/Organization/_history',
    '/fhir/Organization/a%20b',
    '/fhir/Organization/a,b',
    `/fhir/Organization/${'a'.repeat(65)}`,
    '/fhir/Organization/4569/_history/2',
    '/fhir/organization/4569',
  ]) {
    assert.equal(kindOf(path), 'undescribed-write', path)
  }
  assert.equal(kindOf('/fhir/Organization/4569', 'PATCH'), 'undescribed-write')
})

test('what is not known to be a read is a write', () => {
  const search = api('fhir', '/fhir', { searchByPost: true })
  const kindOf = (path: string, method: string, of = search): string =>
    operationOf(of, method, targetOf(path)).kind
  for (const method of ['GET', 'HEAD']) assert.equal(kindOf('/fhir/Location/$x', method), 'read')
  assert.equal(kindOf('/fhir/Location/_search', 'POST'), 'read')
  for (const path of [
    '/fhir/_search',
    '/fhir/location/_search',
    '/fhir/Location/1/_search',
    '/fhir/Location/_search/',
  ]) {
    assert.equal(kindOf(path, 'POST'), 'undescribed-write', path)
  }
  assert.equal(kindOf('/fhir/Location/_search', 'POST', api('fhir', '/fhir')), 'undescribed-write')
  assert.equal(kindOf('/fhir/Location/_search', 'PUT'), 'undescribed-write')
  const csd = api('csd', '/csd', { kind: 'csd' })
  assert.equal(kindOf('/csd', 'POST', csd), 'read')
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    assert.equal(kindOf('/csd', method, csd), 'unsupported-method')
})

test('a Host is a name or an address and perhaps a port, nothing else', () => {
  for (const [host, name] of [
    ['Bas-API.Example', 'bas-api.example'],
    ['h:8443', 'h'],
    ['[::1]:443', '[::1]'],
    ['127.0.0.1', '127.0.0.1'],
  ] as const) {
    assert.equal(hostName(host), name)
  }
  for (const host of [
    '',
    'h.',
    '.h',
    'h:',
    'h:1:2',
    'h:123456',
    'a@h',
    'h/x',
    'h h',
    'h,i',
    'h\u0000',
    '[::1',
    'h_i',
    'h%41',
  ]) {
    assert.equal(hostName(host), undefined, host)
  }
})
