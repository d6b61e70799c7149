import { isObject, textAt, type Json, type JsonObject } from './exchange.js'

/**
 * A FHIR resource as XML, from its JSON.
 *
 * Elements come in the order of the JSON; extensions of primitives (`_line`) are left out.
 *
 * @see FHIR R4 section 2.6.1
 */
export function toFhirXml(resource: JsonObject): string {
  const type = textAt(resource, 'resourceType') ?? 'Basic'
  const content = contentOf(resource, isResourceMember)
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${type} xmlns="http://hl7.org/fhir">${content}</${type}>`
}

/** Text made safe for XML content and attribute values. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function element(name: string, value: Json): string {
  if (value === null) return ''
  if (Array.isArray(value)) return value.map((item) => element(name, item)).join('')
  if (!isObject(value)) return `<${name} value="${escapeXml(String(value))}"/>`
  const type = textAt(value, 'resourceType')
  if (type !== undefined) return `<${name}><${type}>${contentOf(value, isResourceMember)}</${type}></${name}>`
  const attributes = ['id', ...(isExtension(name) ? ['url'] : [])]
  const written = attributes.map((attribute) => {
    const text = textAt(value, attribute)
    return text === undefined ? '' : ` ${attribute}="${escapeXml(text)}"`
  })
  return `<${name}${written.join('')}>${contentOf(value, (member) => !attributes.includes(member))}</${name}>`
}

function contentOf(value: JsonObject, isElement: (member: string) => boolean): string {
  let content = ''
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined || name.startsWith('_') || !isElement(name)) continue
    content += element(name, member)
  }
  return content
}

function isResourceMember(name: string): boolean {
  return name !== 'resourceType'
}

function isExtension(name: string): boolean {
  return name === 'extension' || name === 'modifierExtension'
}
