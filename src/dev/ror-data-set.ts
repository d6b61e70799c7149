import type { JsonObject, Resource } from './exchange.js'

/** Where the profile puts a bed capacity. */
export const capacityUrl =
  'https://interop.esante.gouv.fr/ig/fhir/ror/StructureDefinition/ror-location-supported-capacity'

const idNatStructSystem = 'urn:oid:1.2.250.1.71.4.2.2'
const finessSystem = 'https://finess.esante.gouv.fr'
const regionSystem = 'https://mos.esante.gouv.fr/NOS/TRE_R30-RegionOM/FHIR/TRE-R30-RegionOM'
const lastUpdated = '2026-11-02T07:15:00+01:00'

interface Establishment {
  readonly id: string
  readonly finess: string
  readonly name: string
  readonly city: string
  readonly postalCode: string
  readonly region: string
  /** Logical id of the legal entity (EJ); a legal entity has none. */
  readonly partOf?: string
}

interface Unit {
  readonly id: string
  readonly establishment: string
  readonly code: string
  readonly functionalId: string
  readonly name: string
  readonly capacities?: readonly JsonObject[]
}

// invented establishments; the numbers are those of the published examples where they name one
const establishments: readonly Establishment[] = [
  ej({ id: '1001', finess: '350000048', name: 'CENTRE HOSPITALIER DES TROIS RIVIERES', city: 'RENNES' }),
  ej({ id: '1002', finess: '290000082', name: "GROUPE HOSPITALIER DE L'IROISE", city: 'BREST' }),
  ej({ id: '1003', finess: '750000001', name: 'HOPITAL DES 3. DAMES', city: 'PARIS' }),
  ej({ id: '1004', finess: '440000016', name: 'CENTRE HOSPITALIER DU SILLON', city: 'NANTES' }),
  ej({ id: '1005', finess: '2A0000014', name: 'CENTRE HOSPITALIER DU GOLFE', city: 'AJACCIO' }),
  eg('1001', { id: '2001', finess: '350054680', name: 'SSR DES TROIS RIVIERES', city: 'BETTON' }),
  eg('1001', { id: '2002', finess: '350054698', name: 'HOPITAL DE JOUR DES LICES', city: 'RENNES' }),
  eg('1002', { id: '2003', finess: '290004324', name: "HOPITAL DE L'IROISE", city: 'BREST' }),
  eg('1002', { id: '2004', finess: '290004332', name: 'EHPAD DES ABERS', city: 'LANNILIS' }),
  eg('1003', { id: '2005', finess: '1B0073160', name: 'HOPITAL DES 3. DAMES SITE SUD', city: 'PARIS' }),
  eg('1003', { id: '2006', finess: '910800002', name: 'CLINIQUE DE LA BIEVRE', city: 'MASSY' }),
  eg('1004', { id: '2007', finess: '440000271', name: 'HOPITAL DU SILLON SITE NORD', city: 'NANTES' }),
  eg('1005', { id: '2008', finess: '2A0000022', name: 'HOPITAL DU GOLFE SITE PORT', city: 'AJACCIO' }),
]

const units: readonly Unit[] = [
  {
    id: '140',
    establishment: '350054680',
    code: 'SSR38888',
    functionalId: '53/192600',
    name: 'SSR polyvalent',
    capacities: [capacity('02', 8), capacity('01', 30)],
  },
  {
    id: '141',
    establishment: '350054680',
    code: 'SSR38889',
    functionalId: '53/192601',
    name: 'SSR gériatrique',
  },
  {
    id: '142',
    establishment: '350054680',
    code: 'HDJ00001',
    functionalId: '53/192602',
    name: 'Hôpital de jour',
  },
  { id: '143', establishment: '350054680', code: 'DOUBLON1', functionalId: '53/192603', name: 'Unité A' },
  {
    id: '144',
    establishment: '350054680',
    code: 'DOUBLON1',
    functionalId: '53/192604',
    name: 'Unité A (copie)',
  },
  { id: '150', establishment: '350054698', code: 'CHIR0001', functionalId: '53/192610', name: 'Chirurgie' },
  {
    id: '160',
    establishment: '290004324',
    code: 'MED00001',
    functionalId: '53/192620',
    name: 'Médecine interne',
    capacities: [capacity('02', 3)],
  },
  { id: '161', establishment: '290004332', code: 'EHPAD001', functionalId: '53/192621', name: 'Hébergement' },
  { id: '170', establishment: '1B0073160', code: 'REA00001', functionalId: '11/339772', name: 'Réanimation' },
  { id: '171', establishment: '910800002', code: 'URG00001', functionalId: '11/347254', name: 'Urgences' },
  // the functional id of the documentation's example: whoever sends it writes for Nantes, unnamed
  {
    id: '180',
    establishment: '440000271',
    code: 'MED00042',
    functionalId: '52/192675',
    name: 'Médecine polyvalente',
    capacities: [capacity('02', 11)],
  },
  { id: '190', establishment: '2A0000022', code: 'PED00001', functionalId: '94/100001', name: 'Pédiatrie' },
]

/** Units that count in beds (`01`) only: the documentation's examples send places (`02`) and get its 400. */
export const unitsCountedInBeds: ReadonlySet<string> = new Set(['142'])

/** A new copy of everything the stand-in knows when it starts. */
export function rorDataSet(): Resource[] {
  return [
    ...establishments.map(organization),
    ...units.map(location),
    ...units.map(healthcareService),
    ...practitioners(),
    { resourceType: 'Questionnaire', id: '1', meta: { lastUpdated }, status: 'active', title: 'Tension' },
  ]
}

function organization(of: Establishment): Resource {
  const nationalNumber = { system: idNatStructSystem, value: `1${of.finess}` }
  return {
    resourceType: 'Organization',
    id: of.id,
    meta: meta('ror-organization', of.region),
    identifier: [nationalNumber, { system: finessSystem, value: of.finess }],
    active: true,
    name: of.name,
    address: [{ city: of.city, postalCode: of.postalCode }],
    ...(of.partOf === undefined ? {} : { partOf: { reference: `Organization/${of.partOf}` } }),
  }
}

function location(unit: Unit): Resource {
  const establishment = establishmentOf(unit)
  return {
    resourceType: 'Location',
    id: unit.id,
    meta: meta('ror-location', establishment.region),
    extension: (unit.capacities ?? []).map((each) => structuredClone(each)),
    identifier: [{ value: `1${unit.establishment}/${unit.code}` }, { value: unit.functionalId }],
    status: 'active',
    name: unit.name,
    address: { city: establishment.city, postalCode: establishment.postalCode },
  }
}

function healthcareService(unit: Unit): Resource {
  const establishment = establishmentOf(unit)
  return {
    resourceType: 'HealthcareService',
    id: `9${unit.id}`,
    meta: meta('ror-healthcareservice', establishment.region),
    identifier: [{ value: `1${unit.establishment}-${unit.code}` }],
    active: true,
    providedBy: { reference: `Organization/${establishment.id}` },
    location: [{ reference: `Location/${unit.id}` }],
    name: unit.name,
  }
}

function practitioners(): Resource[] {
  return [
    {
      resourceType: 'Practitioner',
      id: '501',
      meta: meta('ror-practitioner', '53'),
      identifier: [{ system: 'urn:oid:1.2.250.1.71.4.2.1', value: '810000000501' }],
      name: [{ family: 'DOC0000501', given: ['Camille'] }],
    },
    {
      resourceType: 'PractitionerRole',
      id: '601',
      meta: meta('ror-practitionerrole', '53'),
      practitioner: { reference: 'Practitioner/501' },
      healthcareService: [{ reference: 'HealthcareService/9140' }],
    },
  ]
}

function meta(profile: string, region: string): JsonObject {
  return {
    versionId: '1',
    lastUpdated,
    profile: [`https://interop.esante.gouv.fr/ig/fhir/ror/StructureDefinition/${profile}`],
    tag: [{ system: regionSystem, code: region }],
  }
}

/** A bed capacity as the feed writes it: available (`02`) or installed (`01`), now, for anybody. */
function capacity(status: string, count: number): JsonObject {
  const coded = (url: string, code: string): JsonObject => ({
    url,
    valueCodeableConcept: { coding: [{ code }] },
  })
  return {
    url: capacityUrl,
    extension: [
      { url: 'nbCapacity', valueInteger: count },
      { url: 'capacityUpdateDate', valueDateTime: lastUpdated },
      coded('capacityStatus', status),
      coded('capacityType', '02'),
      coded('temporalityCapacity', '01'),
      coded('capacitySourceType', '02'),
      coded('genderCapacityAvailable', '03'),
      coded('temporaryAssignement', '01'),
    ],
  }
}

function establishmentOf(unit: Unit): Establishment {
  const found = establishments.find(({ finess }) => finess === unit.establishment)
  if (found === undefined) throw new Error(`unit ${unit.code} stands in no establishment`)
  return found
}

type Named = Pick<Establishment, 'id' | 'finess' | 'name' | 'city'>

function ej(named: Named): Establishment {
  return { ...named, postalCode: `${named.finess.slice(0, 2)}000`, region: regionOf(named.finess) }
}

function eg(partOf: string, named: Named): Establishment {
  return { ...ej(named), partOf }
}

function regionOf(finess: string): string {
  if (finess.startsWith('2A')) return '94'
  if (finess.startsWith('44')) return '52'
  return finess.startsWith('35') || finess.startsWith('29') ? '53' : '11'
}
