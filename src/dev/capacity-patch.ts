import {
  jsonOf,
  objectsOf,
  isObject,
  textAt,
  type Answer,
  type JsonObject,
  type ReceivedRequest,
} from './exchange.js'
import { fhirAnswer, outcomeAnswer, type Issue } from './fhir-answer.js'
import { matching } from './fhir-search.js'
import { capacityUrl, unitsCountedInBeds } from './ror-data-set.js'
import { versionOf, type RorStore } from './ror-store.js'

/** What tells two indicators of one unit apart, in the order in which the ROR's own texts name them. */
const indicatorKeys = [
  'capacityStatus',
  'temporalityCapacity',
  'genderCapacityAvailable',
  'capacityClosingType',
  'additionalBedType',
  'crisisType',
  'temporaryAssignement',
] as const

interface Operation {
  readonly type: string
  readonly path: string
  readonly value: JsonObject | undefined
}

type Codes = Readonly<Record<string, string>>

/**
 * The capacity PATCH, with the ROR's real answers.
 *
 * 200 with the Location · 404 for a unit nobody knows · 412 for two units of one code · 404 with
 * `Location.extension…` for an indicator that does not stand (the client then retries with `add`) ·
 * 400 for a capacity the unit does not count. It selects as a FHIR server does: lists, `_id` and
 * functional ids (`52/192675`) all lead to a unit, whoever's it is.
 */
export function patchCapacity(store: RorStore, request: ReceivedRequest): Answer {
  const operations = operationsOf(request)
  if ('status' in operations) return operations
  if (![...request.parameters.keys()].some((name) => name === 'identifier' || name === '_id')) {
    return outcomeAnswer(request, 400, {
      code: 'processing',
      diagnostics: 'La requête ne désigne aucune Location',
    })
  }
  const units = matching(store, 'Location', request.parameters)
  const [unit] = units
  if (unit === undefined) return unknownUnit(request)
  if (units.length > 1) {
    const diagnostics = `La Location recherchée n'est pas unique, il y a '${units.length}' résultats`
    return outcomeAnswer(request, 412, { code: 'multiple-matches', diagnostics, expression: ['Location'] })
  }

  let extensions: readonly JsonObject[] = objectsOf(unit['extension'])
  for (const operation of operations) {
    const issues = unitsCountedInBeds.has(unit.id) ? brokenRules(operation) : []
    if (issues.length > 0) return outcomeAnswer(request, 400, ...issues)
    const changed = apply(operation, extensions)
    if (changed === undefined) return unknownIndicator(request)
    extensions = changed
  }
  const patched = store.put({ ...unit, extension: [...extensions] }, request.at)
  const version = versionOf(patched)
  return fhirAnswer(request, 200, {
    body: patched,
    headers: {
      etag: `W/"${version}"`,
      'content-location': `${request.origin}/ws-synchro-dispo-lits-fhir/Location/${unit.id}/_history/${version}`,
    },
  })
}

function operationsOf(request: ReceivedRequest): readonly Operation[] | Answer {
  const body = jsonOf(request.body)
  if (!isObject(body) || body['resourceType'] !== 'Parameters') {
    return outcomeAnswer(request, 400, {
      code: 'structure',
      diagnostics: 'Le corps de la requête n’est pas une ressource Parameters en JSON',
    })
  }
  const operations = objectsOf(body['parameter'])
    .filter((each) => each['name'] === 'operation')
    .map((each) => {
      const parts = objectsOf(each['part'])
      const part = (name: string): JsonObject | undefined =>
        parts.find((candidate) => candidate['name'] === name)
      const [holder] = objectsOf(part('value')?.['part'])
      const [value] = objectsOf(holder?.['extension'])
      return {
        type: textAt(part('type'), 'valueString') ?? textAt(part('type'), 'valueCode') ?? '',
        path: textAt(part('path'), 'valueString') ?? '',
        value,
      }
    })
  const isWellFormed = operations.every(
    ({ type, path, value }) =>
      path.startsWith('Location.extension') &&
      (type === 'delete' || ((type === 'add' || type === 'replace') && value?.['url'] === capacityUrl)),
  )
  if (operations.length > 0 && isWellFormed) return operations
  return outcomeAnswer(request, 400, {
    code: 'invalid',
    diagnostics: 'Une opération add, replace ou delete sur Location.extension est attendue',
    expression: ['Parameters.parameter'],
  })
}

// undefined: no indicator answers to the path. An `add` of an indicator that stands takes its place
function apply(operation: Operation, extensions: readonly JsonObject[]): readonly JsonObject[] | undefined {
  const criteria = operation.type === 'add' ? codesOfValue(operation.value) : codesOfPath(operation.path)
  const rest = extensions.filter(
    (each) => each['url'] !== capacityUrl || !hasCodes(codesOfValue(each), criteria, operation.type),
  )
  if (operation.type !== 'add' && rest.length === extensions.length) return undefined
  return operation.type === 'delete' || operation.value === undefined ? rest : [...rest, operation.value]
}

function hasCodes(codes: Codes, wanted: Codes, type: string): boolean {
  if (type === 'add') return indicatorKeys.every((key) => codes[key] === wanted[key])
  return Object.entries(wanted).every(([key, code]) => codes[key] === code)
}

function codesOfPath(path: string): Codes {
  const criterion = /url\s*=\s*'(\w+)'\s+and\s+valueCodeableConcept\.coding\.code\s*=\s*'([^']*)'/g
  return Object.fromEntries([...path.matchAll(criterion)].map(([, key = '', code = '']) => [key, code]))
}

function codesOfValue(value: JsonObject | undefined): Codes {
  const codes: Record<string, string> = {}
  for (const each of objectsOf(value?.['extension'])) {
    const concept = each['valueCodeableConcept']
    const [coding] = isObject(concept) ? objectsOf(concept['coding']) : []
    const [url, code] = [textAt(each, 'url'), textAt(coding, 'code')]
    if (url !== undefined && code !== undefined) codes[url] = code
  }
  return codes
}

function brokenRules({ type, path, value }: Operation): readonly Issue[] {
  const codes = codesOfValue(value)
  if (type === 'delete' || codes['capacityType'] === '01') return []
  const extension = `Location.extension('${capacityUrl}')`
  const issues: Issue[] = [
    {
      code: 'business-rule',
      diagnostics:
        "Indicateur INDICATEUR_INCONNU : L'attribut 'natureCapacite' a un code différent de celui attendu",
      expression: [`${extension}.extension('capacityType')`],
    },
    {
      code: 'business-rule',
      diagnostics: `Les valeurs du nouvel objet ne correspondent pas à un indicateur valide : ${listed(codes)}`,
      expression: [extension],
    },
  ]
  if (type === 'add') return issues
  const diagnostics = `Les critères du FhirPath ne correspondent pas à un indicateur valide : ${listed(codesOfPath(path))}`
  return [...issues, { code: 'business-rule', diagnostics }]
}

function listed(codes: Codes): string {
  return indicatorKeys.map((key) => `${key}: ${codes[key] ?? 'null'}`).join(' / ')
}

function unknownUnit(request: ReceivedRequest): Answer {
  const sent = request.parameters.get('identifier') ?? request.parameters.get('_id') ?? ''
  return outcomeAnswer(request, 404, {
    code: 'not-found',
    diagnostics: `La Location avec l'identifiant externe de synchro OU l'identifiant unique de saisie : '${sent}' n'a pas été trouvée.`,
    expression: ['Location'],
  })
}

function unknownIndicator(request: ReceivedRequest): Answer {
  return outcomeAnswer(request, 404, {
    code: 'not-found',
    diagnostics:
      "Les données fournies ne permettent pas de déterminer l'indicateur à mettre à jour: Aucun indicateur présent en base ne correspond",
    // a plain text here, as the ROR sends it
    expression: `Location.extension.where(url='${capacityUrl}')`,
  })
}
