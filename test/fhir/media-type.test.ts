import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fhirFormatOf, judgeContentEncoding, parseMediaType } from '../../src/fhir/media-type.js'

describe('a Content-Type', () => {
  it('is read by its grammar: case of names, quotes, optional white space', () => {
    const read = parseMediaType('Application/FHIR+JSON ;\t Charset="UTF-\\8" ; ; x=y')
    assert.ok(read.ok)
    assert.equal(read.value.essence, 'application/fhir+json')
    assert.deepEqual(
      [...read.value.parameters],
      [
        ['charset', 'UTF-8'],
        ['x', 'y'],
      ],
    )
  })

  it('that breaks it is a problem, never repaired', () => {
    for (const field of [
      '',
      'json',
      'application/',
      ' application/json',
      'application/json,text/json',
      'application/json; charset',
      'application/json; charset=',
      'application/json; charset = utf-8',
      'application/json; charset="utf-8',
      'application/json; charset=utf-8; CHARSET=utf-8',
      'application/json charset=utf-8',
      'application/json; charset=utf-8\n',
      'application/json\0',
      'applicatión/json',
    ]) {
      assert.equal(parseMediaType(field).ok, false, field)
    }
  })

  it('is a FHIR one from a closed list, in UTF-8', () => {
    for (const [type, format] of [
      ['application/fhir+json', 'json'],
      ['application/fhir+json; fhirVersion=4.0; charset=UTF-8', 'json'],
      ['application/xml', 'xml'],
      ['text/xml;charset="utf-8"', 'xml'],
      ['application/xml+fhir', 'xml'],
    ] as const) {
      const read = fhirFormatOf(type)
      assert.equal(read.ok && read.value, format)
    }
    for (const type of [
      undefined,
      'text/html',
      'application/fhir+turtle',
      'application/json; charset=latin1',
      'application/json; x=y',
    ]) {
      const read = fhirFormatOf(type)
      assert.equal(read.ok ? undefined : read.problem.reason, 'media-type-unsupported', type)
    }
  })
})

describe('a Content-Encoding', () => {
  it('other than identity is refused on a judged body', () => {
    assert.equal(judgeContentEncoding(undefined), undefined)
    assert.equal(judgeContentEncoding('Identity'), undefined)
    for (const encoding of ['gzip', 'br', 'identity, gzip', '', 'x-gzip']) {
      assert.equal(judgeContentEncoding(encoding)?.reason, 'media-type-unsupported', encoding)
    }
  })
})
