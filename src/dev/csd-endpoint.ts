import {
  fieldOf,
  isObject,
  objectsOf,
  textAt,
  type Answer,
  type ReceivedRequest,
  type Resource,
} from './exchange.js'
import { escapeXml } from './fhir-xml.js'
import type { RorStore } from './ror-store.js'

const soap11 = 'http://schemas.xmlsoap.org/soap/envelope/'
const soap12 = 'http://www.w3.org/2003/05/soap-envelope'

/**
 * CSD MEV 2.4, in the generic IHE shape: SOAP 1.1 and 1.2, the bare request openinfoman takes, and
 * one REST extraction (any GET). Every request is answered with the whole small directory.
 *
 * @see IHE ITI Care Services Discovery, `urn:ihe:iti:csd:2013`
 */
export function answerCsd(store: RorStore, request: ReceivedRequest): Answer {
  if (request.method === 'GET' || request.method === 'HEAD') {
    return xml(200, 'text/xml', `${declaration}${csdDocument(store)}`)
  }
  if (request.method !== 'POST') return xml(405, 'text/plain', 'POST is expected')
  const text = request.body.toString('utf8')
  const envelope = text.includes(soap12) ? soap12 : text.includes(soap11) ? soap11 : undefined
  const asked = /<(?:[\w.-]+:)?careServicesRequest[\s>]/.test(text)
  if (envelope === undefined) {
    if (asked) return xml(200, 'text/xml', `${declaration}${csdDocument(store)}`)
    const sentAs12 = (fieldOf(request.headers, 'content-type') ?? '').includes('soap+xml')
    return fault(sentAs12 ? soap12 : soap11, 'an envelope with a careServicesRequest is expected')
  }
  if (!asked) return fault(envelope, 'a careServicesRequest is expected in the body')
  const answer =
    '<careServicesResponse xmlns="urn:ihe:iti:csd:2013">' +
    `<result code="200">${csdDocument(store)}</result></careServicesResponse>`
  return xml(200, typeOf(envelope), enveloped(envelope, answer))
}

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

function csdDocument(store: RorStore): string {
  const organizations = store.list('Organization').map(organizationElement).join('')
  const facilities = store.list('Location').map(facilityElement).join('')
  return (
    '<CSD xmlns="urn:ihe:iti:csd:2013">' +
    `<organizationDirectory>${organizations}</organizationDirectory><serviceDirectory/>` +
    `<facilityDirectory>${facilities}</facilityDirectory><providerDirectory/></CSD>`
  )
}

function organizationElement(organization: Resource): string {
  const parent = objectsOf(organization['partOf']).map((reference) => {
    const id = (textAt(reference, 'reference') ?? '').split('/')[1] ?? ''
    return `<parent entityID="${escapeXml(entityId('Organization', id))}"/>`
  })
  return (
    `<organization entityID="${entityId('Organization', organization.id)}">${otherIds(organization)}` +
    `<codedType code="${parent.length === 0 ? 'EJ' : 'EG'}" codingScheme="1.2.250.1.213.1.6.1.239"/>` +
    `${nameAndAddress(organization)}${parent.join('')}${record(organization)}</organization>`
  )
}

function facilityElement(location: Resource): string {
  return (
    `<facility entityID="${entityId('Location', location.id)}">${otherIds(location)}` +
    '<codedType code="001" codingScheme="1.2.250.1.213.1.6.1.205"/>' +
    `${nameAndAddress(location)}${record(location)}</facility>`
  )
}

function otherIds(resource: Resource): string {
  return objectsOf(resource['identifier'])
    .map((each) => {
      const code = escapeXml(textAt(each, 'value') ?? '')
      const authority = escapeXml(textAt(each, 'system') ?? 'ROR')
      return `<otherID code="${code}" assigningAuthorityName="${authority}"/>`
    })
    .join('')
}

function nameAndAddress(resource: Resource): string {
  const [address] = objectsOf(resource['address'])
  const line = (component: string, name: string): string =>
    `<addressLine component="${component}">${escapeXml(textAt(address, name) ?? '')}</addressLine>`
  return (
    `<primaryName>${escapeXml(textAt(resource, 'name') ?? '')}</primaryName>` +
    `<address type="Postal">${line('city', 'city')}${line('postalCode', 'postalCode')}</address>`
  )
}

function record(resource: Resource): string {
  const meta = resource['meta']
  const updated = escapeXml((isObject(meta) ? textAt(meta, 'lastUpdated') : undefined) ?? '')
  return `<record created="${updated}" updated="${updated}" status="Active" sourceDirectory="urn:ror:stand-in"/>`
}

function entityId(type: string, id: string): string {
  return `urn:ror:stand-in:${type}:${id}`
}

function fault(envelope: string, reason: string): Answer {
  const body =
    envelope === soap12
      ? `<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault>`
      : `<s:Fault><faultcode>s:Client</faultcode><faultstring>${reason}</faultstring></s:Fault>`
  // SOAP 1.1 section 6.2 asks for 500; SOAP 1.2 part 2 section 7.5.2.2 for 400 when the sender is to blame
  return xml(envelope === soap12 ? 400 : 500, typeOf(envelope), enveloped(envelope, body))
}

function enveloped(envelope: string, body: string): string {
  return `${declaration}<s:Envelope xmlns:s="${envelope}"><s:Body>${body}</s:Body></s:Envelope>`
}

function typeOf(envelope: string): string {
  return envelope === soap12 ? 'application/soap+xml' : 'text/xml'
}

function xml(status: number, type: string, body: string): Answer {
  return { status, headers: { 'content-type': `${type};charset=UTF-8` }, body }
}
