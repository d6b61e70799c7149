import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../support/fast-check.js'
import type { PatchAim } from '../../src/core/api.js'
import type { Denial } from '../../src/core/decision.js'
import { judgePatchBody } from '../../src/fhir/written.js'
import { readShared } from '../support/shared.js'

const fhirJson = 'application/fhir+json'
const wholeLocation: PatchAim = { resource: 'Location', paths: ['Location'] }
const extensions: PatchAim = { resource: 'Location', paths: ['Location.extension'] }

interface Part {
  readonly name: string
  readonly [value: string]: unknown
}

function judge(
  body: unknown,
  aim: PatchAim = extensions,
  contentType: string | undefined = fhirJson,
): Denial | undefined {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return judgePatchBody(new TextEncoder().encode(text), contentType, aim)
}

function patch(...parts: readonly Part[]): unknown {
  return { resourceType: 'Parameters', parameter: [{ name: 'operation', part: parts }] }
}

function replacing(path: string, ...more: readonly Part[]): unknown {
  return patch({ name: 'type', valueCode: 'replace' }, { name: 'path', valueString: path }, ...more)
}

function adding(path: string, name: string): unknown {
  return patch(
    { name: 'type', valueCode: 'add' },
    { name: 'path', valueString: path },
    { name: 'name', valueString: name },
  )
}

function sample(name: string): string {
  return readShared('samples', 'ror', name)
}

describe('the body of a PATCH', () => {
  it('passes with every capacity patch of the ROR, whichever narrower aim holds them', () => {
    for (const name of ['add', 'replace', 'delete']) {
      const body = sample(`patch-location-capacity-${name}.json`)
      assert.equal(judge(body, wholeLocation), undefined, name)
      assert.equal(judge(body, extensions), undefined, name)
    }
    const equipment = sample('patch-location-equipment-quantity-draft.json')
    assert.equal(judge(equipment, wholeLocation), undefined)
    assert.equal(judge(equipment, extensions), undefined)
    const http = sample('http-patch-capacitaire-add.http')
    assert.equal(judge(http.slice(http.indexOf('\n{')), extensions), undefined)
  })

  it('that replaces the whole Location passes only where the rule says the whole Location', () => {
    const body = sample('patch-location-address-draft.json')
    assert.equal(judge(body, wholeLocation), undefined)
    const denial = judge(body, extensions)
    assert.equal(denial?.reason, 'establishment-ambiguous')
    assert.deepEqual(denial.sent, {
      at: 'Parameters.parameter[0]',
      aimsAt: 'Location',
      expected: 'Location.extension',
    })
  })

  it('that aims at another resource is refused, and told what it aims at', () => {
    for (const name of ['patch-organization-ej-address.json', 'patch-organization-oi-name.json']) {
      const denial = judge(sample(name), wholeLocation)
      assert.equal(denial?.reason, 'establishment-ambiguous')
      assert.equal(denial.sent?.['aimsAt'], 'Organization')
    }
    const added = judge(sample('patch-healthcareservice-add-location.json'), wholeLocation)
    assert.equal(added?.sent?.['aimsAt'], 'HealthcareService.location')
    assert.equal(judge(sample('patch-organization-eg-contact.INVALID.json.txt'))?.reason, 'body-unreadable')
  })

  it('that aims below an allowed path passes, as whole steps only', () => {
    for (const path of [
      'Location.extension',
      'Location.extension[0]',
      "Location.extension('https://x.example/a').value",
      "Location.extension.where(url = 'it\\'s \\\\ \\u00e9').first().valueCode",
      "Location.extension.where((url='a' or url!='b') and extension.exists() and value.not())",
      "Location.extension.where(extension.where(url='a').exists(valueInteger = 3))",
      'Location.extension.where(value = true)[2].value.ofType(Quantity).last()',
      'Location . extension\n.single()',
    ]) {
      assert.equal(judge(replacing(path)), undefined, path)
    }
    assert.equal(judge(adding('Location', 'extension')), undefined)
    assert.equal(judge(adding('Location.extension[0]', 'value')), undefined)
    for (const body of [
      replacing('Location'),
      replacing('Location.extensionX'),
      replacing('Location.Extension'),
      replacing('Location.identifier.extension'),
      replacing('extension'),
      replacing('location.extension'),
      replacing('Organization.extension'),
      replacing('Bundle.entry.resource.extension'),
      replacing('Location', { name: 'name', valueString: 'extension' }),
      adding('Location', 'extensionX'),
      adding('Location', 'identifier'),
      replacing('Location.Location.extension'),
      replacing('Location.Extension.value'),
      replacing('Location.extension.Extension.value'),
      replacing('Location.extension._value'),
      adding('Organization', 'extension'),
    ]) {
      assert.equal(judge(body)?.reason, 'establishment-ambiguous', JSON.stringify(body))
    }
  })

  it('whose path could lead elsewhere is refused', () => {
    for (const path of [
      'Location.extension | Organization.name',
      '(Location.extension)',
      'Location.extension or Location.name',
      'Location.extension = Location.name',
      'Location.extension.where(url=%resource.url)',
      '%resource.extension',
      '$this.extension',
      'Location.extension.where($this.url = 1)',
      'Location.extension.value.resolve()',
      'Location.extension.descendants()',
      'Location.extension.repeat(extension)',
      'Location.extension.children()',
      'Location.extension.iif(true, x)',
      'Location.extension.select(value)',
      'Location.extension.union(Location.name)',
      'Location.extension.combine(Location.name)',
      'Location.extension.as(Quantity)',
      'Location.extension as Quantity',
      'Location.extension.exists()',
      'Location.`extension`',
      '`Location`.extension',
      'Location.extension // comment',
      'Location/* x */.extension',
      'Location.extension.where(url="x")',
      "Location.extension.where(url='x)",
      "Location.extension.where(url='x\\q')",
      'Location.extension.where(url=@2020-01-01)',
      'Location.extension.where()',
      'Location.extension.where(a',
      'Location.extension.where(a))',
      'Location.extension[-1]',
      'Location.extension[a]',
      'Location.extension[0',
      'Location..extension',
      'Location.extension.',
      '.Location.extension',
      'Location.extension value',
      'Location.extension; Location.name',
      'Location.extension\u00a0',
      'Location.extensi\u043en',
      'Location[0].extension',
      'Location.where(true).extension',
      'Location.first().extension',
      'where(true).extension',
      '',
      ' ',
      `Location.extension${".where(url='x')".repeat(400)}`,
      `Location.extension.where(${'('.repeat(9)}a${')'.repeat(9)})`,
    ]) {
      const denial = judge(replacing(path))
      assert.equal(denial?.reason, 'establishment-ambiguous', path)
      assert.ok(judge(replacing(path), wholeLocation) !== undefined, path)
    }
  })

  it('is judged operation by operation: one that aims elsewhere refuses all', () => {
    const good = {
      name: 'operation',
      part: [
        { name: 'type', valueCode: 'delete' },
        { name: 'path', valueString: 'Location.extension' },
      ],
    }
    const bad = {
      name: 'operation',
      part: [
        { name: 'type', valueCode: 'delete' },
        { name: 'path', valueString: 'Location.name' },
      ],
    }
    const of = (...parameter: unknown[]): unknown => ({ resourceType: 'Parameters', parameter })
    assert.equal(judge(of(good, good)), undefined)
    assert.equal(judge(of(good, bad))?.sent?.['at'], 'Parameters.parameter[1]')
    assert.equal(judge(of(bad, good))?.reason, 'establishment-ambiguous')
    assert.equal(judge(of(good, { name: 'Operation', part: bad.part }))?.reason, 'body-unreadable')
  })

  it('that is not exactly a FHIRPath Patch cannot be read', () => {
    const type = { name: 'type', valueCode: 'replace' }
    const path = { name: 'path', valueString: 'Location.extension' }
    const parameter = [{ name: 'operation', part: [type, path] }]
    const cases: readonly unknown[] = [
      { parameter },
      { resourceType: 'parameters', parameter },
      { resourceType: 'Bundle', parameter },
      { resourceType: 'Parameters' },
      { resourceType: 'Parameters', parameter: [] },
      { resourceType: 'Parameters', parameter, contained: [] },
      { resourceType: 'Parameters', parameter, implicitRules: 'x' },
      { resourceType: 'Parameters', parameter: [null] },
      { resourceType: 'Parameters', parameter: ['operation'] },
      { resourceType: 'Parameters', parameter: [{ name: 'operation' }] },
      { resourceType: 'Parameters', parameter: [{ name: 'operation', part: [type, path], resource: {} }] },
      { resourceType: 'Parameters', parameter: [[{ name: 'operation', part: [type, path] }]] },
      patch(type),
      patch(path),
      patch(type, type, path),
      patch(type, path, path),
      patch(type, { name: 'path', valueString: 'Location.extension', valueUri: 'Location.name' }),
      patch(type, { name: 'path', valueUri: 'Location.extension' }),
      patch(type, { name: 'path', value: 'Location.extension' }),
      patch(type, { name: 'path', valueString: 'Location.extension', _valueString: {} }),
      patch(type, { name: 'path', valueString: ['Location.extension', 'Location.name'] }),
      patch(type, { name: 'path', valueString: 7 }),
      patch(type, { name: 'path', part: [{ name: 'path', valueString: 'Location.extension' }] }),
      patch(type, path, { name: 'Path', valueString: 'Location.name' }),
      patch(type, path, { name: 'path ', valueString: 'Location.name' }),
      patch(type, path, { name: 'name', valueString: 'extension.x' }),
      patch(type, path, { name: 'index', valueString: '1' }),
      patch(type, path, { name: 'index', valueInteger: 1.5 }),
      patch({ name: 'type', valueCode: 'upsert' }, path),
      patch({ name: 'type', valueCode: 'Replace' }, path),
      [{ op: 'replace', path: '/extension/0', value: 1 }],
      'null',
      '"x"',
      '{"resourceType":"Parameters","resourceType":"Parameters","parameter":[]}',
      JSON.stringify(replacing('Location.extension')).replace('"path"', '"path","name":"path"'),
      `${JSON.stringify(replacing('Location.extension'))}{}`,
    ]
    for (const body of cases) assert.equal(judge(body)?.reason, 'body-unreadable', JSON.stringify(body))
    const ambiguous = [
      { resourceType: ['Parameters'], parameter: [null] },
      { resourceType: 'Parameters', _resourceType: {}, parameter },
    ]
    for (const body of ambiguous) assert.ok(judge(body) !== undefined)
    const move = patch(
      { name: 'type', valueCode: 'move' },
      path,
      { name: 'source', valueInteger: 2 },
      { name: 'destination', valueInteger: 0 },
    )
    assert.equal(judge(move), undefined)
  })

  it('is taken as FHIR JSON or XML in UTF-8 alone: JSON Patch and XML Patch are refused by type', () => {
    const body = replacing('Location.extension')
    for (const type of [
      fhirJson,
      'application/json',
      'text/json; charset="UTF-8"',
      'application/json+fhir;charset=utf-8',
    ]) {
      assert.equal(judge(body, extensions, type), undefined, type)
    }
    for (const type of [
      'application/json-patch+json',
      'application/xml-patch+xml',
      'application/fhir+json; charset=utf-7',
      'application/fhir+json; charset=utf-8; charset=utf-16',
      'application/fhir+json, application/json-patch+json',
      'application/fhir+turtle',
      'application/fhir+ndjson',
      'text/plain',
      '',
      ' application/json',
    ]) {
      assert.equal(judge(body, extensions, type)?.reason, 'media-type-unsupported', type)
    }
    const untyped = judgePatchBody(new TextEncoder().encode(JSON.stringify(body)), undefined, extensions)
    assert.equal(untyped?.reason, 'media-type-unsupported')
    assert.equal(judge(body, extensions, 'application/fhir+xml')?.reason, 'body-unreadable')
  })

  it('is judged the same in XML', () => {
    const xml = (path: string, root = 'Parameters'): string =>
      `<?xml version="1.0" encoding="UTF-8"?><${root} xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>` +
      `<part><name value="type"/><valueCode value="replace"/></part>` +
      `<part><name value="path"/><valueString value="${path}"/></part>` +
      `<part><name value="value"/><valueInteger value="3"/></part></parameter></${root}>`
    const judged = (text: string): Denial | undefined => judge(text, extensions, 'application/fhir+xml')
    assert.equal(judged(xml('Location.extension.where(url=&apos;x&apos;)')), undefined)
    assert.equal(judged(xml('Location.name'))?.sent?.['aimsAt'], 'Location.name')
    assert.equal(judged(xml('Location.extension', 'Bundle'))?.reason, 'body-unreadable')
    const twice = xml('Location.extension').replace(
      '<valueString',
      '<valueString value="Location.name"/><valueString',
    )
    assert.equal(judged(twice)?.reason, 'body-unreadable')
    const extended = xml('Location.extension').replace(
      '<valueString value="Location.extension"/>',
      '<valueString value="Location.extension"><extension url="x"/></valueString>',
    )
    assert.equal(judged(extended)?.reason, 'body-unreadable')
  })

  it('that passes never aims outside, whatever the path is made of', () => {
    const pieces = [
      'Location',
      'extension',
      'name',
      '.',
      "'x'",
      'where',
      'first',
      '(',
      ')',
      '[',
      ']',
      '0',
      '=',
      ' and ',
      '|',
      '%',
      '$this',
      '`',
      '//',
      "\\'",
      'resolve',
      ',',
      '"',
      '@',
      ' ',
      '\n',
    ]
    const path = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(
        fc.oneof(
          path,
          path.map((rest) => `Location.extension${rest}`),
        ),
        (text) => {
          if (judge(replacing(text)) !== undefined) return
          assert.match(text, /^[ \n]*Location[ \n]*\.[ \n]*extension(?![A-Za-z0-9_])/)
          assert.doesNotMatch(text.replaceAll(/'[^']*'/g, ''), /[|%$`@"]|\/\/|resolve\s*\(/)
        },
      ),
      { numRuns: 5000 },
    )
  })
})
