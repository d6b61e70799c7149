import { readShared } from '../../test/support/shared.js'
import { foreign, own } from '../partners.js'
import { host } from '../stage.js'

export const largeBytes = 10 * 1024 * 1024

export const smallGet = request('GET', '/ws-diffusion-fhir/Location?identifier=1350054680/SSR38888')
export const largeGet = request('GET', '/ws-diffusion-fhir/Binary/large')
export const largePost = request('POST', '/csd', {
  type: 'text/xml',
  body: Buffer.alloc(largeBytes, 'x'),
})

/** A capacity PATCH as the national documentation shows it, for a unit of this establishment. */
export function capacityPatch(finess = own): Uint8Array {
  const body = Buffer.from(readShared('samples', 'ror', 'patch-location-capacity-replace.json'))
  return request('PATCH', `/ws-synchro-dispo-lits-fhir/Location?identifier=1${finess}/SSR38888`, {
    type: 'application/fhir+json',
    body,
  })
}

/** POST of a valid Organization of at least this many bytes; its establishment stands in the body. */
export function organizationPost(bytes: number, finess = own): Uint8Array {
  return request('POST', '/ws-synchro-dispo-lits-fhir/Organization', {
    type: 'application/fhir+json',
    body: organization(bytes, finess),
  })
}

export const foreignPatch = (): Uint8Array => capacityPatch(foreign)

function organization(bytes: number, finess: string): Buffer {
  const contact = (number: number): unknown => ({
    purpose: { text: `Secrétariat de l'unité ${number}` },
    telecom: [
      { system: 'phone', value: `+33 2 99 00 ${number}`, use: 'work' },
      { system: 'email', value: `unite-${number}@hopital.example`, use: 'work' },
    ],
    address: { line: [`${number} rue du général Leclerc`], city: 'RENNES', postalCode: '35000' },
  })
  const contacts: unknown[] = []
  const text = (): string =>
    JSON.stringify({
      resourceType: 'Organization',
      meta: { profile: ['https://interop.esante.gouv.fr/ig/fhir/ror/StructureDefinition/ror-organization'] },
      name: 'HOPITAL DES 3. DAMES',
      contact: contacts,
      identifier: [{ system: 'urn:oid:1.2.250.1.71.4.2.2', value: `1${finess}` }],
    })
  const each = Buffer.byteLength(JSON.stringify(contact(1000))) + 1
  const missing = Math.max(0, bytes - Buffer.byteLength(text()))
  for (let number = 0; number < Math.round(missing / each); number += 1) contacts.push(contact(1000 + number))
  return Buffer.from(text())
}

function request(method: string, target: string, content?: { type: string; body: Buffer }): Uint8Array {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${host}`,
    'Authorization: Bearer bench',
    'Accept: application/fhir+json',
    'User-Agent: bench',
  ]
  if (content !== undefined) {
    lines.push(`Content-Type: ${content.type}`, `Content-Length: ${content.body.length}`)
  }
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return content === undefined ? head : Buffer.concat([head, content.body])
}

/** What stands behind the head of a request. */
export function bodyOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(Buffer.from(bytes).indexOf('\r\n\r\n') + 4)
}
