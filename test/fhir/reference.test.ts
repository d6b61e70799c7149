import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readFhirBody } from '../../src/fhir/body.js'
import { referencesInResource, referenceWanted } from '../../src/fhir/reference.js'
import { resourceWanted } from '../../src/fhir/resource.js'
import { readShared } from '../support/shared.js'

function find(body: unknown, resource: string, reference: string): readonly string[] | string {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const contentType = text.startsWith('<') ? 'application/fhir+xml' : 'application/fhir+json'
  const sent = { body: new TextEncoder().encode(text), contentType }
  const read = readFhirBody(sent, { ...resourceWanted, [reference]: referenceWanted })
  const found = read.ok ? referencesInResource(read.value, { resource, reference }) : read
  return found.ok ? found.value.map(({ type, id }) => `${type}/${id}`) : found.problem.reason
}

function serviceOf(providedBy: unknown): unknown {
  return { resourceType: 'HealthcareService', providedBy }
}

describe('references of a write', () => {
  it('are every one of the element, or the reason why they lead nowhere', () => {
    const two = {
      resourceType: 'PractitionerRole',
      healthcareService: [
        { reference: 'HealthcareService/1' },
        { reference: 'HealthcareService/a-b.2', display: 'x' },
      ],
    }
    assert.deepEqual(find(two, 'PractitionerRole', 'healthcareService'), [
      'HealthcareService/1',
      'HealthcareService/a-b.2',
    ])
    const xml =
      '<HealthcareService xmlns="http://hl7.org/fhir"><providedBy><reference value="Organization/7"/></providedBy></HealthcareService>'
    assert.deepEqual(find(xml, 'HealthcareService', 'providedBy'), ['Organization/7'])
    const cases: readonly (readonly [providedBy: unknown, reason: string])[] = [
      [undefined, 'establishment-missing'],
      [[], 'establishment-missing'],
      [{ identifier: { value: '1350054680' } }, 'establishment-unresolvable'],
      [{ reference: '#org' }, 'establishment-unresolvable'],
      [{ reference: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520' }, 'establishment-unresolvable'],
      [{ reference: 'https://x.example/Organization/7' }, 'establishment-unresolvable'],
      [{ reference: 'Organization/7/_history/2' }, 'establishment-unresolvable'],
      [{ reference: 'Organization?identifier=1350054680' }, 'establishment-unresolvable'],
      [{ reference: 'Organization/../Location/7' }, 'establishment-unresolvable'],
      [[{ reference: 'Organization/7' }, { reference: 'x' }], 'establishment-unresolvable'],
      ['Organization/7', 'establishment-ambiguous'],
      [null, 'establishment-ambiguous'],
      [{ reference: 7 }, 'establishment-ambiguous'],
      [{ reference: ['Organization/7', 'Organization/8'] }, 'establishment-ambiguous'],
    ]
    for (const [providedBy, reason] of cases) {
      const found = find(serviceOf(providedBy), 'HealthcareService', 'providedBy')
      assert.equal(found, reason, JSON.stringify(providedBy))
    }
    assert.equal(
      find(serviceOf({ reference: 'Organization/7' }), 'Location', 'providedBy'),
      'establishment-ambiguous',
    )
  })

  it('are found where the samples name one', () => {
    const services = readShared('samples', 'ror', 'put-healthcareservice.json')
    const parsed = JSON.parse(services) as { providedBy?: { reference?: string } } // the sample, as transcribed
    assert.deepEqual(find(services, 'HealthcareService', 'providedBy'), [parsed.providedBy?.reference])
  })
})
