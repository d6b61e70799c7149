import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../support/fast-check.js'
import { resourceWanted } from '../../src/fhir/resource.js'
import { readFhirXml } from '../../src/fhir/fhir-xml.js'
import { establishmentsInBody } from '../../src/fhir/written.js'

const namespace = 'xmlns="http://hl7.org/fhir"'
const identifier =
  '<identifier><system value="https://finess.esante.gouv.fr"/><value value="350054680"/></identifier>'

function organization(content: string): string {
  return `<Organization ${namespace}>${content}</Organization>`
}

function judge(text: string | Uint8Array): string {
  const found = establishmentsInBody({
    source: { from: 'body', shape: 'organization-identifier' },
    rule: { prefixes: ['1'] },
    contentType: 'application/fhir+xml; charset=utf-8',
    body: typeof text === 'string' ? new TextEncoder().encode(text) : text,
  })
  return found.ok ? found.value.map((each) => each.idNatStruct).join() : found.problem.reason
}

describe('a FHIR body in XML', () => {
  it('is read with its declaration, narrative, comments and schema location', () => {
    const text =
      '<?xml version="1.0" encoding="utf-8"?>\n<!-- hello -->' +
      `<Organization ${namespace} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">` +
      '<id value="x"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">a <b>b</b> <![CDATA[c]]></div></text>' +
      `<extension url="u"><valueString value="x"><extension url="v"/></valueString></extension>${identifier}` +
      '<contained><Endpoint><id value="1"/></Endpoint></contained></Organization>\n'
    assert.equal(judge(text), '1350054680')
  })

  it('with a document type is refused before anything in it is expanded', () => {
    const laughs = Array.from(
      { length: 9 },
      (_, index) => `<!ENTITY l${index + 1} "${`&l${index};`.repeat(10)}">`,
    )
    const bomb = `<!DOCTYPE x [<!ENTITY l0 "lol">${laughs.join('')}]>${organization('&l9;')}`
    const external = `<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>${organization(identifier)}`
    for (const text of [bomb, external, `<!DOCTYPE Organization>${organization(identifier)}`]) {
      const read = readFhirXml(new TextEncoder().encode(text), resourceWanted)
      assert.match(read.ok ? '' : read.problem, /document type/)
    }
  })

  it('is refused by its size before it is read', () => {
    const padded = organization(identifier + ' '.repeat(1 << 20))
    assert.equal(judge(padded), 'body-too-large')
    assert.equal(judge(padded.replace(' '.repeat(1 << 19), '')), '1350054680')
  })

  it('is refused where it is not plain FHIR XML in UTF-8', () => {
    const good = organization(identifier)
    const utf16 = Buffer.from(`\ufeff${good}`, 'utf16le')
    const cases: readonly (string | Uint8Array)[] = [
      '',
      '{}',
      'x',
      `\ufeff${good}`,
      utf16,
      Buffer.from(good.replace('350054680', 'é'), 'latin1'),
      `<?xml version="1.1"?>${good}`,
      `<?xml version="1.0" encoding="ISO-8859-1"?>${good}`,
      `<?xml version="1.0" encoding="utf-16"?>${good}`,
      `<?xml-stylesheet href="x"?>${good}`,
      organization(`<?php x?>${identifier}`),
      good.replace(` ${namespace}`, ''),
      good.replace('fhir"', 'fhir/"'),
      organization(`<x:identifier xmlns:x="urn:x"/>${identifier}`),
      organization(`<div xmlns="http://www.w3.org/1999/xhtml"/>${identifier}`),
      organization(`text${identifier}`),
      organization(`<![CDATA[ ]]>${identifier}`),
      organization(`&nbsp;${identifier}`),
      organization(identifier.replace('value="350054680"', 'value="350054680" value="290004324"')),
      organization(identifier.replace('value="350054680"', 'value="350054680" x="1"')),
      organization(identifier.replace('<value value="350054680"/>', '<value>350054680</value>')),
      organization(`<contained><identifier/></contained>${identifier}`),
      organization(identifier).replace('<Organization', '<Organization value="x"'),
      organization(identifier).replaceAll('Organization', 'organization'),
      `${good}${good}`,
      good.slice(0, -1),
      organization('<a>'.repeat(100_000)),
      organization(`<extension url="x">${'<extension url="x">'.repeat(70)}`),
    ]
    for (const text of cases) assert.equal(judge(text), 'body-unreadable', String(text).slice(0, 200))
  })

  it('is refused where readers could differ about what it writes', () => {
    const cases = [
      identifier.replace('<value ', '<value value="290004324"/><value '),
      identifier.replace(
        '<value value="350054680"/>',
        '<value value="350054680"><extension url="x"/></value>',
      ),
      identifier.replace('<value value="350054680"/>', '<value value="350054680" id="x"/>'),
      identifier.replace('<identifier>', '<identifier value="x">'),
      `${identifier}<contained><Organization>${identifier}</Organization></contained>`,
      `${identifier}<contained><Endpoint/><Endpoint/></contained>`,
      `${identifier}<contained/>`,
    ]
    for (const content of cases)
      assert.equal(judge(organization(content)), 'establishment-ambiguous', content)
    assert.equal(judge(`<Task ${namespace}>${identifier}</Task>`), 'establishment-ambiguous')
  })

  it('never makes the judgement throw', () => {
    const pieces = [
      '<',
      '>',
      '/',
      'Organization',
      ' xmlns="http://hl7.org/fhir"',
      '<identifier>',
      '</identifier>',
      '<value value="',
      '"',
      '&lt;',
      '&#0;',
      '&x;',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?xml ',
      '?>',
      '\0',
      'é',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => {
        judge(parts.join(''))
        judge(organization(parts.join('')))
      }),
      { numRuns: 1000 },
    )
  })
})
