import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Denial } from '../../src/core/decision.js'
import type { Result } from '../../src/core/result.js'
import { bundleEntries, type BundleEntry } from '../../src/fhir/bundle.js'
import { judgePatch } from '../../src/fhir/patch.js'
import { establishmentsInResource, resourceWanted } from '../../src/fhir/resource.js'
import { readShared } from '../support/shared.js'

const organization: unknown = JSON.parse(readShared('samples', 'ror', 'post-organization-eg.json'))
const patch: unknown = JSON.parse(readShared('samples', 'ror', 'patch-location-capacity-add.json'))
const post = { request: { method: 'POST', url: 'Organization' }, resource: organization }

function entriesOf(bundle: unknown, maxEntries = 10): Result<readonly BundleEntry[], Denial> {
  const text = typeof bundle === 'string' ? bundle : JSON.stringify(bundle)
  const contentType = text.startsWith('<') ? 'application/fhir+xml' : 'application/fhir+json'
  return bundleEntries(
    { body: new TextEncoder().encode(text), contentType },
    { maxEntries, resource: resourceWanted },
  )
}

function bundle(...entry: unknown[]): Record<string, unknown> {
  return { resourceType: 'Bundle', type: 'transaction', entry }
}

function reasonOf(value: unknown, maxEntries?: number): string | undefined {
  const entries = entriesOf(value, maxEntries)
  return entries.ok ? undefined : entries.problem.reason
}

describe('a Bundle', () => {
  it('gives each entry with its method, URL, conditions and resource, to be judged like a request', () => {
    const read = entriesOf(
      bundle(
        { ...post, fullUrl: 'urn:uuid:1', request: { ...post.request, ifNoneExist: 'identifier=x' } },
        {
          request: { method: 'PATCH', url: 'Location?identifier=1350054680/A', ifMatch: 'W/"1"' },
          resource: patch,
        },
        { request: { method: 'DELETE', url: 'Organization/12' } },
      ),
    )
    assert.ok(read.ok)
    const [first, second, third] = read.value
    assert.ok(first?.resource !== undefined && second?.resource !== undefined && third !== undefined)
    assert.equal(first.fullUrl, 'urn:uuid:1')
    assert.deepEqual(first.conditions, { ifNoneExist: 'identifier=x' })
    const written = establishmentsInResource(first.resource, 'organization-identifier', { prefixes: ['3'] })
    assert.deepEqual(written.ok ? written.value.map((each) => each.idNatStruct) : [], [
      '392131725800020',
      '392131725800020',
    ])
    assert.equal(second.method, 'PATCH')
    assert.equal(second.url, 'Location?identifier=1350054680/A')
    assert.deepEqual(second.conditions, { ifMatch: 'W/"1"' })
    assert.equal(
      judgePatch(second.resource, { resource: 'Location', paths: ['Location.extension'] }),
      undefined,
    )
    const elsewhere = judgePatch(second.resource, { resource: 'Location', paths: ['Location.name'] })
    assert.equal(elsewhere?.reason, 'establishment-ambiguous')
    assert.deepEqual([third.at, third.resource, third.conditions], ['Bundle.entry[2]', undefined, {}])
  })

  it('is refused where it is none, empty, too large, nested or can be read in two ways', () => {
    const cases: readonly (readonly [value: unknown, reason: string])[] = [
      [organization, 'establishment-ambiguous'],
      [{ type: 'batch', entry: [post] }, 'body-unreadable'],
      [{ ...bundle(post), type: 'collection' }, 'establishment-ambiguous'],
      [{ ...bundle(post), type: ['batch', 'transaction'] }, 'establishment-ambiguous'],
      [bundle(), 'establishment-missing'],
      [{ resourceType: 'Bundle', type: 'batch' }, 'establishment-missing'],
      [bundle(...Array.from({ length: 11 }, () => post)), 'body-too-large'],
      [bundle({ ...post, resource: bundle(post) }), 'establishment-ambiguous'],
      [
        bundle({ ...post, resource: { resourceType: 'Organization', contained: [bundle()] } }),
        'establishment-ambiguous',
      ],
      [bundle({ ...post, resource: { name: 'x' } }), 'establishment-ambiguous'],
      [bundle({ ...post, resource: [organization, organization] }), 'establishment-ambiguous'],
      [bundle({ resource: organization }), 'establishment-ambiguous'],
      [bundle({ ...post, request: [post.request, post.request] }), 'establishment-ambiguous'],
      [bundle({ ...post, request: { url: 'Organization' } }), 'establishment-ambiguous'],
      [bundle({ ...post, request: { method: 'post', url: 'Organization' } }), 'establishment-ambiguous'],
      [bundle({ ...post, request: { method: 'CONNECT', url: 'Organization' } }), 'establishment-ambiguous'],
      [bundle({ ...post, request: { ...post.request, ifNoneExist: ['a', 'b'] } }), 'establishment-ambiguous'],
      [bundle({ ...post, request: { ...post.request, _url: {} } }), 'establishment-ambiguous'],
      [bundle(null), 'establishment-ambiguous'],
    ]
    for (const [value, reason] of cases)
      assert.equal(reasonOf(value), reason, JSON.stringify(value).slice(0, 200))
    for (const url of [
      '',
      '/Organization',
      '//x',
      'http://x/Organization',
      '?a=b',
      '../x',
      'Organization#x',
      'Org anization',
      'é',
      undefined,
    ]) {
      assert.equal(
        reasonOf(bundle({ ...post, request: { method: 'POST', url } })),
        'establishment-ambiguous',
        url,
      )
    }
  })

  it('is read the same in XML', () => {
    const xml =
      '<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry><fullUrl value="urn:uuid:1"/><resource>' +
      '<Organization><identifier><system value="https://finess.esante.gouv.fr"/><value value="350054680"/></identifier></Organization>' +
      '</resource><request><method value="PUT"/><url value="Organization/4"/><ifMatch value="x"/></request></entry></Bundle>'
    const read = entriesOf(xml)
    assert.ok(read.ok)
    const [entry] = read.value
    assert.ok(entry?.resource !== undefined)
    assert.deepEqual([entry.method, entry.url, entry.conditions], ['PUT', 'Organization/4', { ifMatch: 'x' }])
    const written = establishmentsInResource(entry.resource, 'organization-identifier', { prefixes: ['1'] })
    assert.deepEqual(written.ok && written.value, [
      { idNatStruct: '1350054680', at: 'Organization.identifier[0]' },
    ])
    const nested = xml.replace('<Organization>', '<Bundle>').replace('</Organization>', '</Bundle>')
    assert.equal(reasonOf(nested), 'establishment-ambiguous')
  })
})
