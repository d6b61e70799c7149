import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../support/fast-check.js'
import { SaxesParser } from 'saxes'
import { deny, type Denial } from '../../src/core/decision.js'
import { denialReasons, renderingOf } from '../../src/core/reasons.js'
import { reasonSystem } from '../../src/core/refusal-text.js'
import { readFhirXml } from '../../src/fhir/fhir-xml.js'
import type { FhirElement, Wanted } from '../../src/fhir/fhir-element.js'
import { readFhirJson } from '../../src/fhir/fhir-json.js'
import { chooseFormat, renderFailure, renderOperationOutcome } from '../../src/fhir/operation-outcome.js'

const wanted: Wanted = {
  resourceType: {},
  issue: {
    severity: {},
    code: {},
    details: { coding: { system: {}, code: {} }, text: {} },
    diagnostics: {},
    expression: {},
  },
}

function readBack(body: string, format: 'json' | 'xml'): FhirElement {
  const read = (format === 'json' ? readFhirJson : readFhirXml)(new TextEncoder().encode(body), wanted)
  assert.ok(read.ok, read.ok ? '' : read.problem)
  return read.value
}

/** The one text that stands there. */
function textAt(element: FhirElement, ...path: string[]): string | undefined {
  let current: FhirElement | undefined = element
  for (const name of path) {
    const found: readonly FhirElement[] = current?.children.get(name) ?? []
    assert.ok(found.length <= 1, name)
    current = found[0]
  }
  return current?.value
}

function render(denial: Denial, format: 'json' | 'xml'): { outcome: FhirElement; body: string } {
  const { contentType, body } = renderOperationOutcome({ denial, requestId: 'request-1', format })
  assert.equal(contentType, `application/fhir+${format}; charset=utf-8`)
  return { outcome: readBack(body, format), body }
}

describe('a refusal as OperationOutcome', () => {
  it('carries code, reason, both sentences, what was sent and the request id, the same in JSON and XML', () => {
    for (const reason of denialReasons) {
      const denial = deny(reason, {
        detail: 'only for the operator',
        sent: { subject: 'CN=x', establishment: '1350054680', expression: 'Task.focus' },
      })
      for (const format of ['json', 'xml'] as const) {
        const { outcome, body } = render(denial, format)
        const { issue, en, fr } = renderingOf(reason)
        assert.equal(textAt(outcome, 'resourceType'), 'OperationOutcome')
        assert.equal(textAt(outcome, 'issue', 'severity'), 'error')
        assert.equal(textAt(outcome, 'issue', 'code'), issue)
        assert.notEqual(issue, 'not-found')
        assert.equal(textAt(outcome, 'issue', 'details', 'coding', 'system'), reasonSystem)
        assert.equal(textAt(outcome, 'issue', 'details', 'coding', 'code'), reason)
        assert.equal(textAt(outcome, 'issue', 'details', 'text'), fr)
        assert.equal(
          textAt(outcome, 'issue', 'diagnostics'),
          `${en} | ${fr} | subject: CN=x | establishment: 1350054680 | request id: request-1`,
        )
        assert.equal(textAt(outcome, 'issue', 'expression'), 'Task.focus')
        assert.ok(!body.includes('operator'))
      }
    }
  })

  it('says whatever was sent without breaking, the same in JSON and XML', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 500 })
    const surrogate = fc.constantFrom(
      '\ud800',
      '\udc00x',
      '\u0000',
      '\u202e',
      '\ufffe',
      ']]>',
      '"/><x a="',
      '\\',
      '&',
    )
    fc.assert(
      fc.property(hostile, surrogate, (text, tail) => {
        const denial = deny('request-ambiguous', { sent: { [`n${tail}`]: `${tail}${text}${tail}` } })
        const json = textAt(render(denial, 'json').outcome, 'issue', 'diagnostics')
        assert.equal(json, textAt(render(denial, 'xml').outcome, 'issue', 'diagnostics'))
        assert.ok(json !== undefined && json.length < 1200)

        assert.doesNotMatch(json, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]|\p{Cs}/u)
      }),
    )
  })

  it('is well-formed XML to a parser that knows no FHIR', () => {
    for (const reason of denialReasons) {
      const { body } = render(deny(reason, { sent: { value: '<&>"\'' } }), 'xml')
      const parser = new SaxesParser({ xmlns: true })
      parser.on('error', (error) => {
        throw error
      })
      parser.write(body).close()
    }
  })
})

describe('a failure as OperationOutcome', () => {
  it('says the request id and nothing else of it', () => {
    for (const format of ['json', 'xml'] as const) {
      for (const [status, code] of [
        [500, 'exception'],
        [502, 'exception'],
        [503, 'transient'],
        [504, 'timeout'],
      ] as const) {
        const { body, contentType } = renderFailure({ requestId: 'request-1', status, format })
        assert.equal(contentType, `application/fhir+${format}; charset=utf-8`)
        const outcome = readBack(body, format)
        assert.equal(textAt(outcome, 'issue', 'code'), code)
        assert.equal(textAt(outcome, 'issue', 'diagnostics'), 'request id: request-1')
        assert.equal(textAt(outcome, 'issue', 'details', 'coding', 'code'), undefined)
      }
    }
  })
})

describe('the format of a refusal', () => {
  it('is what _format, then Accept, then Content-Type ask for, and JSON otherwise', () => {
    const cases: readonly (readonly [
      formatParameter: string | undefined,
      accept: string | undefined,
      contentType: string | undefined,
      format: 'json' | 'xml',
    ])[] = [
      [undefined, undefined, undefined, 'json'],
      ['xml', 'application/fhir+json', 'application/fhir+json', 'xml'],
      ['json', 'application/fhir+xml', undefined, 'json'],
      ['application/fhir+xml', undefined, undefined, 'xml'],
      ['application/fhir xml', undefined, undefined, 'xml'],
      ['application%2Ffhir%2bxml', undefined, undefined, 'xml'],
      ['text/xml', undefined, undefined, 'xml'],
      ['html', 'application/fhir+xml', undefined, 'xml'],
      ['html', undefined, undefined, 'json'],
      [undefined, 'application/fhir+xml', 'application/fhir+json', 'xml'],
      [undefined, 'application/fhir+xml;q=0.5, application/fhir+json;q=0.9', undefined, 'json'],
      [undefined, 'application/fhir+json;q=0.5,application/xml', undefined, 'xml'],
      [undefined, 'application/fhir+json;q=0, */*', undefined, 'xml'],
      [undefined, 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', undefined, 'xml'],
      [undefined, '*/*', 'application/fhir+xml', 'xml'],
      [undefined, '*/*', undefined, 'json'],
      [undefined, 'application/fhir+xml;q=x', undefined, 'json'],
      [undefined, ';;,,', 'text/xml; charset=utf-8', 'xml'],
      [undefined, 'image/png', 'application/x-www-form-urlencoded', 'json'],
    ]
    for (const [formatParameter, accept, contentType, format] of cases) {
      const chosen = chooseFormat({ formatParameter, accept, contentType })
      assert.equal(chosen, format, JSON.stringify([formatParameter, accept, contentType]))
    }
  })

  it('can be chosen whatever is sent', () => {
    const text = fc.option(fc.string({ unit: 'binary' }), { nil: undefined })
    fc.assert(
      fc.property(text, text, text, (accept, formatParameter, contentType) => {
        assert.match(chooseFormat({ accept, formatParameter, contentType }), /^(?:json|xml)$/)
      }),
    )
  })
})
