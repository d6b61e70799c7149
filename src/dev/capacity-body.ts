import { capacityUrl } from './ror-data-set.js'
import type { JsonObject } from './exchange.js'

interface Coded {
  readonly url: string
  readonly code: string
  readonly display: string
  readonly system: string
}

const criteria: readonly Coded[] = [
  coded('capacityStatus', ['02', 'Disponible', 'TRE_R330-TypeStatutCapacite']),
  coded('temporalityCapacity', ['01', 'Courant', 'TRE_R331-TemporaliteCapacite']),
  coded('genderCapacityAvailable', ['03', 'Indifférencié', 'TRE_R332-GenreCapacite']),
  coded('temporaryAssignement', ['01', 'Aucune', 'TRE_R337-AffectationTemporaire']),
]
const description: readonly Coded[] = [
  coded('capacityType', ['02', 'Place', 'TRE_R329-NatureCapacite']),
  coded('capacitySourceType', ['02', 'Bed management', 'TRE_R335-TypeSourceCapacite']),
]

/**
 * The body of a capacity PATCH as feeders send it: the available places of a unit are now `count`.
 *
 * @param at - epoch milliseconds
 */
export function capacityReplaceBody(count: number, at: number): JsonObject {
  const conditions = criteria.map(
    ({ url, code }) => `extension.where(url = '${url}' and valueCodeableConcept.coding.code = '${code}')`,
  )
  const capacity: JsonObject = {
    extension: [
      { url: 'nbCapacity', valueInteger: count },
      { url: 'capacityUpdateDate', valueDateTime: new Date(at).toISOString() },
      ...[...criteria, ...description].map(({ url, ...coding }) => ({
        url,
        valueCodeableConcept: { coding: [coding] },
      })),
    ],
    url: capacityUrl,
  }
  const path = `Location.extension.where(url='${capacityUrl}').where(${conditions.join(' and ')})`
  return {
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'operation',
        part: [
          { name: 'type', valueString: 'replace' },
          { name: 'path', valueString: path },
          { name: 'value', part: [{ extension: [capacity] }] },
        ],
      },
    ],
  }
}

function coded(url: string, [code, display, list]: readonly [string, string, string]): Coded {
  const system = `https://mos.esante.gouv.fr/NOS/${list}/FHIR/${list.replace('_', '-')}`
  return { url, code, display, system }
}
