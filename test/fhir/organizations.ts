import { fc } from '../support/fast-check.js'

export const idNatStruct = 'urn:oid:1.2.250.1.71.4.2.2'
export const finess = 'https://finess.esante.gouv.fr'

/** Any FHIR-like value around what is looked for: the names that matter are common in it on purpose. */
const anything = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom('350054680', '1350054680', '290004324', finess, idNatStruct, 'Organization', 'x'),
    fc.integer(),
    fc.constantFrom(true, null),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(
    fc.constantFrom(
      'identifier',
      'system',
      'value',
      '_value',
      'contained',
      'resourceType',
      'name',
      'extension',
      'assigner',
    ),
    tie('value'),
    { maxKeys: 4 },
  ),
})).value

const identifier = fc.record(
  {
    system: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(finess, idNatStruct, 'https://oi.esante.gouv.fr') },
      anything,
    ),
    value: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('350054680', '1350054680', '1290004324', 'ZZZ') },
      anything,
    ),
    type: anything,
    extension: anything,
  },
  { requiredKeys: [] },
)

const sound = fc.constantFrom(
  { system: finess, value: '350054680' },
  { system: idNatStruct, value: '1290004324' },
  { use: 'old', system: finess, value: '010780054', assigner: { identifier: { system: finess } } },
  { system: 'https://oi.esante.gouv.fr', value: 'ZZZ' },
)

/** Organizations, most of them odd. */
export const organizations = fc.record(
  {
    name: anything,
    identifier: fc.oneof(
      { weight: 4, arbitrary: fc.array(sound, { maxLength: 4 }) },
      { weight: 4, arbitrary: fc.array(fc.oneof(sound, identifier, anything), { maxLength: 3 }) },
      identifier,
      anything,
    ),
    contained: fc.array(fc.oneof(fc.constant({ resourceType: 'Endpoint' }), anything), { maxLength: 1 }),
    partOf: anything,
    resourceType: fc.constant('Organization'),
  },
  { requiredKeys: ['resourceType'] },
)

const finessSystems = [finess, 'http://finess.esante.gouv.fr', 'http://finess.sante.gouv.fr']
const sireneSystems = ['http://sirene.fr', 'https://sirene.fr']

/** The IdNatStruct that a system and a value make; undefined where the system is none of the national ones. */
export function numberOf(system: unknown, value: string): string | undefined {
  if (system === idNatStruct) return value
  if (finessSystems.some((each) => each === system)) return `1${value}`
  if (sireneSystems.some((each) => each === system)) return `${value.length === 9 ? '2' : '3'}${value}`
  return undefined
}

/** Slow and obvious: every establishment a lenient reader could find in the parsed body. */
export function numbersIn(body: unknown): ReadonlySet<string> {
  const numbers = new Set<string>()
  const identifiers: unknown =
    typeof body === 'object' && body !== null && 'identifier' in body ? body.identifier : []
  const candidates: readonly unknown[] = [identifiers].flat(5)
  for (const each of candidates) {
    if (typeof each !== 'object' || each === null) continue
    const { system, value } = each as { system?: unknown; value?: unknown } // an object, whatever it holds
    for (const text of [value].flat(5)) {
      // a number is no identifier, and an object without a prototype has no text at all
      if (typeof text !== 'string') continue
      for (const uri of [system].flat(5)) {
        const number = numberOf(uri, text)
        if (number !== undefined) numbers.add(number)
      }
    }
  }
  return numbers
}
