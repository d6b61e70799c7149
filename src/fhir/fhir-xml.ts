import { SaxesParser, type SaxesAttributeNS, type SaxesTagNS } from 'saxes'
import type { Result } from '../core/result.js'
import { FhirElementBuilder, type FhirElement, type Wanted } from './fhir-element.js'

/** @see FHIR R4 section 2.6.1 */
export const fhirNamespace = 'http://hl7.org/fhir'
const xhtmlNamespace = 'http://www.w3.org/1999/xhtml'
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'
const instanceNamespace = 'http://www.w3.org/2001/XMLSchema-instance'

const maxDepth = 64
const pieceLength = 4096
// elements that hold a whole resource
const wrappers: ReadonlySet<string> = new Set(['contained', 'resource'])

/** What an open XML element became: an element, a resource merged into its wrapper, a primitive. */
type Place = 'element' | 'wrapper' | 'resource' | 'primitive'

class FhirXmlReader {
  problem: string | undefined = undefined
  readonly #builder: FhirElementBuilder
  readonly #parser = new SaxesParser({ xmlns: true, position: true })
  readonly #open: Place[] = []
  // what stands inside a primitive is never read, so one name is enough
  #primitive = ''

  constructor(builder: FhirElementBuilder) {
    this.#builder = builder
    const parser = this.#parser
    parser.on('error', (error) => {
      this.#refuse(error.message.replace(/^\d+:\d+: /, ''))
    })
    parser.on('xmldecl', ({ version, encoding }) => {
      if (version !== '1.0') this.#refuse('only XML 1.0 is read')
      if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') this.#refuse('only UTF-8 is read')
    })
    parser.on('doctype', () => {
      this.#refuse('a document type declaration is not taken')
    })
    parser.on('processinginstruction', () => {
      this.#refuse('a processing instruction is not taken')
    })
    parser.on('text', (text) => {
      if (this.#builder.isRead && /[^ \t\r\n]/.test(text)) this.#refuse('text stands where elements must')
    })
    parser.on('cdata', () => {
      if (this.#builder.isRead) this.#refuse('a CDATA section stands where elements must')
    })
    parser.on('opentag', (tag) => {
      if (this.problem === undefined) this.#openTag(tag)
    })
    parser.on('closetag', () => {
      if (this.problem === undefined) this.#closeTag()
    })
  }

  read(text: string): void {
    // piece by piece, so that what stands behind a problem is not read
    for (let from = 0; from < text.length && this.problem === undefined; from += pieceLength) {
      this.#parser.write(text.slice(from, from + pieceLength))
    }
    if (this.problem === undefined) this.#parser.close()
  }

  #openTag(tag: SaxesTagNS): void {
    if (this.#open.length === maxDepth) {
      this.#refuse(`nesting deeper than ${maxDepth} levels`)
      return
    }
    const parent = this.#open.at(-1)
    const isNarrative = tag.uri === xhtmlNamespace && !this.#builder.isRead
    if (tag.uri !== fhirNamespace && !isNarrative) {
      this.#refuse(`\`${tag.local}\` is not in the namespace ${fhirNamespace}`)
    } else if (!this.#builder.isRead) {
      this.#builder.open(tag.local)
      this.#open.push('element')
    } else if (parent === undefined || parent === 'wrapper') {
      this.#openResource(tag, parent === undefined)
    } else {
      this.#openElement(tag, parent)
    }
  }

  // a resource is one element with its wrapper; its name is what JSON calls resourceType
  #openResource(tag: SaxesTagNS, isRoot: boolean): void {
    if (!/^[A-Z]/.test(tag.local)) {
      this.#refuse(`expected a resource, found \`${tag.local}\``)
      return
    }
    if (this.#attributesOf(tag, isRoot).size > 0) this.#refuse('a resource has no attributes')
    this.#builder.primitive('resourceType', 'string', tag.local)
    this.#open.push('resource')
  }

  #openElement(tag: SaxesTagNS, parent: Place): void {
    const name = tag.local
    const attributes = this.#attributesOf(tag, false)
    if (parent === 'primitive') {
      this.#builder.open(`_${this.#primitive}`)
      this.#open.push('element')
      return
    }
    if (attributes.has('value')) {
      this.#builder.primitive(name, 'string', this.#builder.wants(name) ? attributes.get('value') : undefined)
      if (attributes.size > 1) this.#builder.mention(`_${name}`)
      this.#primitive = name
      this.#open.push('primitive')
      return
    }
    this.#builder.open(name)
    for (const [attribute, value] of attributes) {
      this.#builder.primitive(attribute, 'string', this.#builder.wants(attribute) ? value : undefined)
    }
    this.#open.push(wrappers.has(name) ? 'wrapper' : 'element')
  }

  #closeTag(): void {
    const place = this.#open.pop()
    if (place === 'element' || place === 'wrapper') this.#builder.close()
  }

  #attributesOf(tag: SaxesTagNS, isRoot: boolean): ReadonlyMap<string, string> {
    const own = new Map<string, string>()
    for (const { uri, local, value } of Object.values<SaxesAttributeNS>(tag.attributes)) {
      if (uri === xmlnsNamespace || (isRoot && uri === instanceNamespace)) continue
      if (uri === '' && (local === 'value' || local === 'id' || local === 'url')) own.set(local, value)
      else this.#refuse(`the attribute \`${local}\` is not one of FHIR`)
    }
    return own
  }

  #refuse(problem: string): void {
    this.problem ??= `line ${this.#parser.line}: ${problem}`
  }
}

/**
 * The wanted part of a FHIR body in XML, or why it cannot be read.
 *
 * Refused: anything but UTF-8 and XML 1.0, a byte order mark, document types (and so every entity
 * of one's own), processing instructions, elements of other namespaces outside the narrative.
 */
export function readFhirXml(bytes: Uint8Array, wanted: Wanted): Result<FhirElement, string> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { ok: false, problem: 'the text is not UTF-8' }
  }
  if (text.startsWith('\ufeff')) return { ok: false, problem: 'the text begins with a byte order mark' }
  const builder = new FhirElementBuilder(wanted)
  const reader = new FhirXmlReader(builder)
  reader.read(text)
  if (reader.problem !== undefined) return { ok: false, problem: reader.problem }
  return { ok: true, value: builder.root }
}
