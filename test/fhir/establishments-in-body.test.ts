import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../support/fast-check.js'
import type { EstablishmentSource } from '../../src/core/api.js'
import type { Denial, EstablishmentWritten } from '../../src/core/decision.js'
import type { Result } from '../../src/core/result.js'
import { establishmentsInBody } from '../../src/fhir/written.js'
import { inBoundedTime } from '../support/bounded.js'
import { readShared } from '../support/shared.js'
import { finess, idNatStruct, numbersIn, organizations } from './organizations.js'

type Found = Result<readonly EstablishmentWritten[], Denial>

const organization: EstablishmentSource = { from: 'body', shape: 'organization-identifier' }
const task: EstablishmentSource = { from: 'body', shape: 'task-focus' }

function find(body: unknown, source = organization, prefixes: readonly string[] = ['1']): Found {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const contentType = text.startsWith('<') ? 'application/fhir+xml' : 'application/fhir+json'
  return establishmentsInBody({
    source,
    rule: { prefixes },
    contentType,
    body: new TextEncoder().encode(text),
  })
}

function numbersOf(found: Found): readonly string[] | string {
  return found.ok ? found.value.map((written) => written.idNatStruct) : found.problem.reason
}

function organizationOf(...identifier: unknown[]): Record<string, unknown> {
  return { resourceType: 'Organization', identifier }
}

function taskOf(focus: unknown): Record<string, unknown> {
  return { resourceType: 'Task', status: 'in-progress', focus }
}

function sample(name: string): string {
  return readShared('samples', 'ror', name)
}

describe('establishments in an Organization', () => {
  it('reads a system in one walk, whatever it is padded with', () => {
    for (const padding of ['/', ' ', 'https:/', '%2f', 'finess.'])
      assert.equal(
        inBoundedTime(() =>
          numbersOf(find(organizationOf({ system: `${padding.repeat(100_000)}x`, value: finess }))),
        ),
        'establishment-missing',
        padding,
      )
    const padded = `https://finess.esante.gouv.fr${'/'.repeat(900_000)}`
    assert.equal(
      numbersOf(find(organizationOf({ system: padded, value: finess }))),
      'establishment-ambiguous',
    )
    const long = organizationOf({ system: `${'/'.repeat(1_000_000)}x`, value: finess })
    assert.equal(
      inBoundedTime(() => numbersOf(find(long))),
      'establishment-missing',
    )
  })

  it('are found in the samples, every one with its place', () => {
    assert.deepEqual(find(sample('post-organization-ej.json'), organization, ['1', '2', '3']), {
      ok: true,
      value: [
        { idNatStruct: '2921317258', at: 'Organization.identifier[0]' },
        { idNatStruct: '2921317258', at: 'Organization.identifier[1]' },
      ],
    })
    const eg = find(sample('post-organization-eg.json'), organization, ['3'])
    assert.deepEqual(numbersOf(eg), ['392131725800020', '392131725800020'])
    assert.equal(numbersOf(find(sample('post-organization-eg.json'))), 'establishment-unresolvable')
    for (const name of ['pole', 'service']) {
      assert.equal(numbersOf(find(sample(`post-organization-${name}.json`))), 'establishment-missing')
    }
  })

  it('are read by every national system, and by no other', () => {
    const cases: readonly (readonly [system: string, value: string, number: string])[] = [
      [idNatStruct, '1350054680', '1350054680'],
      [finess, '350054680', '1350054680'],
      ['http://finess.esante.gouv.fr', '2A0000014', '12A0000014'],
      ['http://finess.sante.gouv.fr', '350054680', '1350054680'],
      ['http://sirene.fr', '921317258', '2921317258'],
      ['https://sirene.fr', '92131725800020', '392131725800020'],
    ]
    for (const [system, value, number] of cases) {
      assert.deepEqual(numbersOf(find(organizationOf({ system, value }))), [number], system)
      const beside = organizationOf(
        { system: 'https://oi.esante.gouv.fr', value: '1290004324' },
        { system: 'urn:oid:1.2.250.1.71.4.2.2.1', value: '1290004324' },
        { system: 'urn:oid:1.2.250.1.71.4.2.25', value: '1290004324' },
        {
          system:
            'https://mos.esante.gouv.fr/NOS/TRE_R72-FinessStatutJuridique/FHIR/TRE-R72-FinessStatutJuridique',
          value: '1290004324',
        },
        { value: '1290004324' },
      )
      assert.equal(numbersOf(find(beside)), 'establishment-missing')
    }
  })

  it('are all returned, also those of old, secondary and repeated identifiers', () => {
    const found = find(
      organizationOf(
        { use: 'official', system: idNatStruct, value: '1350054680' },
        { use: 'old', system: finess, value: '290004324' },
        {
          system: 'http://sirene.fr',
          value: '921317258',
          assigner: { identifier: { system: finess, value: 'x' } },
        },
      ),
    )
    assert.deepEqual(numbersOf(found), ['1350054680', '1290004324', '2921317258'])
  })

  it('that are malformed lead nowhere', () => {
    const cases: readonly (readonly [system: string, value: unknown])[] = [
      [idNatStruct, '350054680'],
      [idNatStruct, '1350054680/SSR38888'],
      [idNatStruct, '1350054680 '],
      [idNatStruct, ' 1350054680'],
      [idNatStruct, '11350054680'],
      [idNatStruct, '2921317258'],
      [idNatStruct, '52/192675'],
      [idNatStruct, '１３５００５４６８０'],
      [idNatStruct, undefined],
      [idNatStruct, ''],
      [finess, '1350054680'],
      [finess, '35005468'],
      [finess, '2a0000014'],
      [finess, '350054680,290004324'],
      ['http://sirene.fr', '9213172580'],
    ]
    for (const [system, value] of cases) {
      assert.equal(
        numbersOf(find(organizationOf({ system, value }))),
        'establishment-unresolvable',
        String(value),
      )
    }
    const one = organizationOf({ system: finess, value: '350054680' }, { system: finess, value: 'x' })
    assert.equal(numbersOf(find(one)), 'establishment-unresolvable')
  })

  it('that can be read in two ways are refused', () => {
    const good = { system: finess, value: '350054680' }
    const cases: readonly unknown[] = [
      organizationOf({ system: `${finess}/`, value: '350054680' }),
      organizationOf({ system: ` ${finess}`, value: '350054680' }),
      organizationOf({ system: 'https://FINESS.esante.gouv.fr', value: '350054680' }),
      organizationOf({ system: 'https://finess.sante.gouv.fr', value: '350054680' }),
      organizationOf({ system: 'URN:OID:1.2.250.1.71.4.2.2', value: '1350054680' }),
      ...[
        '1.2.250.1.71.4.2.2',
        'urn:oid:1.2.250.1.71.4.2.2.',
        'https://finess.esante.gouv.fr:443',
        'https://www.finess.esante.gouv.fr/finess',
        'https%3A%2F%2Ffiness.esante.gouv.fr',
        'https://finess%2Eesante.gouv.fr',
        'http://www.sirene.fr',
      ].map((system) => organizationOf(good, { system, value: '290004324' })),
      organizationOf(good, { system: `${finess}\u200b`, value: '290004324' }),
      organizationOf({ ...good, value: 350054680 }),
      organizationOf({ ...good, value: ['350054680'], system: [finess, idNatStruct] }),
      organizationOf({ ...good, value: ['350054680', '290004324'] }),
      organizationOf({ ...good, value: null }),
      organizationOf({ ...good, value: { value: '350054680' } }),
      organizationOf({ ...good, _value: { extension: [] } }),
      organizationOf({ ...good, _system: null }),
      organizationOf('350054680'),
      organizationOf(null),
      { ...organizationOf(good), _identifier: [] },
      { ...organizationOf(good), resourceType: 'organization' },
      { ...organizationOf(good), resourceType: 'Location' },
      { ...organizationOf(good), resourceType: ['Organization', 'Location'] },
      { ...organizationOf(good), resourceType: 7 },
      { ...organizationOf(good), contained: [organizationOf({ system: finess, value: '290004324' })] },
      { ...organizationOf(good), contained: [{ id: 'x' }] },
      { ...organizationOf(good), contained: [{ resourceType: 'Bundle' }] },
    ]
    for (const body of cases) {
      assert.equal(numbersOf(find(body)), 'establishment-ambiguous', JSON.stringify(body))
    }
    const harmless = {
      ...organizationOf(good),
      contained: [{ resourceType: 'Endpoint', identifier: [good] }],
    }
    assert.deepEqual(numbersOf(find(harmless)), ['1350054680'])
  })

  it('are not looked for in what is not one JSON object, once and for all', () => {
    const text = JSON.stringify(organizationOf({ system: finess, value: '350054680' }))
    const bodies = [
      '',
      '[]',
      `[${text}]`,
      `${text}${text}`,
      `\ufeff${text}`,
      text.replace('"system"', '"value":"290004324","system"'),
      text.replace('"resourceType"', '"identifier":[],"resourceType"'),
      text.replace('"resourceType"', '"\\u0069dentifier":[],"resourceType"'),
      text.replace('350054680', '35005468\\ud800'),
      text.replace('[{', '[[{').replace('}]', '}]]'),
      text.slice(0, -1),
    ]
    for (const body of bodies) assert.equal(numbersOf(find(body)), 'body-unreadable', body)
    const noType = find({ identifier: [{ system: finess, value: '350054680' }] })
    assert.equal(numbersOf(noType), 'body-unreadable')
  })
})

describe('the establishment in a Task', () => {
  it('is the identifier of its focus', () => {
    assert.deepEqual(find(sample('post-task-anomalie.json'), task), {
      ok: true,
      value: [{ idNatStruct: '1910800002', at: 'Task.focus.identifier' }],
    })
  })

  it('is one, of an Organization, with no reference beside it', () => {
    const identifier = { value: '1910800002' }
    const cases: readonly (readonly [focus: unknown, reason: string])[] = [
      [undefined, 'establishment-missing'],
      [{ type: 'Organization' }, 'establishment-missing'],
      [{ type: 'Organization', identifier: {} }, 'establishment-missing'],
      [{ type: 'Location', identifier }, 'establishment-unresolvable'],
      [{ identifier }, 'establishment-unresolvable'],
      [{ type: 'Organization', identifier: { value: '910800002' } }, 'establishment-unresolvable'],
      [{ type: 'Organization', identifier: { value: '2921317258' } }, 'establishment-unresolvable'],
      [{ type: 'Organization', identifier, reference: 'Organization/1' }, 'establishment-ambiguous'],
      [{ type: 'Organization', identifier, reference: null }, 'establishment-ambiguous'],
      [{ type: 'Organization', identifier, _reference: {} }, 'establishment-ambiguous'],
      [{ type: 'Organization', identifier: [identifier, identifier] }, 'establishment-ambiguous'],
      [
        [
          { type: 'Organization', identifier },
          { type: 'Organization', identifier },
        ],
        'establishment-ambiguous',
      ],
      [
        { type: 'Organization', identifier: { ...identifier, system: 'https://x.example' } },
        'establishment-ambiguous',
      ],
      ['Organization/1', 'establishment-ambiguous'],
    ]
    for (const [focus, reason] of cases) {
      assert.equal(numbersOf(find(taskOf(focus), task)), reason, JSON.stringify(focus))
    }
    const systematic = { type: 'Organization', identifier: { ...identifier, system: idNatStruct } }
    assert.deepEqual(numbersOf(find(taskOf(systematic), task)), ['1910800002'])
    const contained = { ...taskOf(systematic), contained: [{ resourceType: 'Organization' }] }
    assert.equal(numbersOf(find(contained, task)), 'establishment-ambiguous')
    assert.equal(numbersOf(find(organizationOf(), task)), 'establishment-ambiguous')
  })
})

describe('establishments in random bodies', () => {
  it('are the same as a slow reader finds, or the body is refused', () => {
    let found = 0
    fc.assert(
      fc.property(organizations, fc.constantFrom(undefined, 2), (body, space) => {
        const numbers = find(JSON.stringify(body, null, space))
        if (!numbers.ok) return
        found++
        assert.deepEqual(new Set(numbers.value.map((each) => each.idNatStruct)), numbersIn(body))
      }),
      { numRuns: 3000 },
    )
    assert.ok(found > 100, `only ${found} bodies were not refused`)
  })

  it('are the same in XML as in JSON', () => {
    const valid = fc.array(
      fc.record({
        system: fc.constantFrom(
          finess,
          idNatStruct,
          'http://sirene.fr',
          `${finess}/`,
          'https://x.example/?a&b',
        ),
        value: fc.constantFrom('350054680', '1350054680', '921317258', 'é<">\''),
      }),
      { maxLength: 4 },
    )
    const escaped = (text: string): string =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
    fc.assert(
      fc.property(valid, (identifiers) => {
        const elements = identifiers.map(
          ({ system, value }) =>
            `<identifier id="x"><use value="official"/><system value="${escaped(system)}"></system>\n` +
            `<value value="${escaped(value)}"/></identifier>`,
        )
        const xml = `<f:Organization xmlns:f="http://hl7.org/fhir" xmlns="http://hl7.org/fhir"><!-- c -->${elements.join('')}</f:Organization>`
        assert.deepEqual(find(xml), find(organizationOf(...identifiers)))
      }),
    )
  })
})
