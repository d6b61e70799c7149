import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { fc } from '../support/fast-check.js'
import { SaxesParser } from 'saxes'
import { JsonReader, readJson } from '../../src/fhir/json-reader.js'
import type { JsonProblem } from '../../src/fhir/json-visitor.js'
import { establishmentsInBody, judgePatchBody } from '../../src/fhir/written.js'
import { agreedOn } from '../fhir/json-index-agreement.js'
import { finess, idNatStruct, numberOf, numbersIn, organizations } from '../fhir/organizations.js'
import { ValueVisitor } from '../fhir/value-visitor.js'
import { readShared, sharedPath } from '../support/shared.js'
import { inFewWords, textOf, type FuzzTarget } from './target.js'

const corpus = readdirSync(sharedPath('corpora', 'json'))
  .filter((name) => name.endsWith('.json'))
  .map((name) => readFileSync(sharedPath('corpora', 'json', name)))
  .filter((bytes) => bytes.length < 4_096)
const samples = readdirSync(sharedPath('samples', 'ror'))
  .filter((name) => name.endsWith('.json'))
  .map((name) => readShared('samples', 'ror', name))

// what this reader refuses and JSON.parse takes: RFC 8259 leaves it open, or it is a bound
const stricter = /twice|surrogate|not UTF-8|byte order mark|deeper|longer/

function parsed(input: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)) }
  } catch {
    return undefined
  }
}

function readInPieces(input: Uint8Array): JsonProblem | undefined {
  const reader = new JsonReader(new ValueVisitor())
  // sizes that the input decides, so that a case says everything
  let at = 0
  for (let turn = 0; at < input.length; turn += 1) {
    const size = 1 + ((input[(turn * 7) % input.length] ?? 0) % 9)
    const problem = reader.write(input.subarray(at, at + size))
    if (problem !== undefined) return problem
    at += size
  }
  return reader.end()
}

const json: FuzzTarget = {
  name: 'json',
  seeds: [...corpus, ...samples],
  dictionary: [
    '{',
    '}',
    '[',
    ']',
    '":',
    ',"',
    '\\u',
    '\\ud83d\\ude00',
    'true',
    'null',
    '1e5',
    '-0.1',
    '\ufeff',
    'é',
  ],
  check: (input) => {
    const visitor = new ValueVisitor()
    const problem = readJson(input, visitor)
    const expected = parsed(input)
    // a bound is noticed at the end of a piece
    const again = readInPieces(input)
    assert.equal(again?.message, problem?.message)
    if (problem?.message.includes('longer') !== true) assert.equal(again?.offset, problem?.offset)
    if (problem === undefined) {
      assert.ok(expected !== undefined, 'taken, and JSON.parse refuses it')
      assert.deepEqual(visitor.root, expected.value)
      return 'taken'
    }
    assert.ok(problem.offset >= 0 && problem.offset <= input.length)
    if (expected !== undefined) assert.match(problem.message, stricter)
    return inFewWords(problem.message)
  },
}

/** The texts of the corpus as values of a member: the index reads objects alone. */
const members = corpus.map((bytes) => Buffer.concat([Buffer.from('{"a":'), bytes, Buffer.from('}')]))

const jsonIndex: FuzzTarget = {
  name: 'json-index',
  seeds: [...members, ...samples, ...samples.map((text) => JSON.stringify(JSON.parse(text)))],
  dictionary: [...json.dictionary, '"a":{', '"a":1,', '[[', '\\u00e9', '€', '                ', '\0'],
  make: (random) => {
    const [made] = fc.sample(fc.dictionary(fc.string(), fc.jsonValue()), { seed: random.next(), numRuns: 1 })
    return new TextEncoder().encode(JSON.stringify(made, null, random.pick([0, 1, 4])))
  },
  check: (input) => {
    if (agreedOn(input)) return `read, ${Math.min(64, input.length >> 4)} blocks`
    const problem = readJson(input, new ValueVisitor())
    return problem === undefined ? 'read by the reader alone' : inFewWords(problem.message)
  },
}

const organization = { from: 'body', shape: 'organization-identifier' } as const
const task = { from: 'body', shape: 'task-focus' } as const

function judge(body: Uint8Array, source: typeof organization | typeof task, contentType: string) {
  const found = establishmentsInBody({ body, source, contentType, rule: { prefixes: ['1'] } })
  if (found.ok) return { numbers: new Set(found.value.map((each) => each.idNatStruct)), reason: 'found' }
  const { reason, detail = '' } = found.problem
  return { numbers: undefined, reason: `${reason} ${inFewWords(detail).slice(0, 24)}` }
}

const body: FuzzTarget = {
  name: 'body',
  seeds: samples,
  dictionary: [
    '"identifier":[',
    '{"system":"https://finess.esante.gouv.fr","value":"350054680"}',
    '"system":"urn:oid:1.2.250.1.71.4.2.2"',
    '"value":"1290004324"',
    '"contained":[',
    '"resourceType":"Organization"',
    '"_value":',
    '\\u0061',
    'null',
    '[[',
    ']]',
  ],
  make: (random) => {
    const [made] = fc.sample(organizations, { seed: random.next(), numRuns: 1 })
    return new TextEncoder().encode(JSON.stringify(made))
  },
  check: (input) => {
    const { numbers, reason } = judge(input, organization, 'application/fhir+json')
    if (numbers !== undefined) assert.deepEqual(numbers, numbersIn(parsed(input)?.value))
    return reason
  },
}

function focusIn(value: unknown): unknown {
  // an obvious walk: whatever is missing is undefined, or throws and is a finding
  const { focus } = value as { focus: { identifier: { value: unknown } } }
  return focus.identifier.value
}

const taskBody: FuzzTarget = {
  name: 'task',
  seeds: [readShared('samples', 'ror', 'post-task-anomalie.json')],
  dictionary: [
    '"focus":{',
    '"identifier":{',
    '"value":"1910800002"',
    '"type":"Organization"',
    '"reference":"',
    '"_focus":',
  ],
  check: (input) => {
    const { numbers, reason } = judge(input, task, 'application/json')
    if (numbers !== undefined) assert.deepEqual([...numbers], [focusIn(parsed(input)?.value)])
    return reason
  },
}

/** Every text of a member `valueString` beside `"name":"path"`, wherever it stands. */
function pathsIn(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return []
  const own = 'name' in value && value.name === 'path' && 'valueString' in value ? [value.valueString] : []
  return [...own, ...Object.values(value).flatMap(pathsIn)]
}

const patch: FuzzTarget = {
  name: 'patch',
  seeds: samples.filter((text) => text.includes('"Parameters"')),
  dictionary: [
    "Location.extension.where(url='x')",
    'Organization',
    '"valueString":"',
    'resolve()',
    '.parent()',
    '%resource',
    '|',
    'Location',
  ],
  check: (input) => {
    const aim = { resource: 'Location', paths: ['Location.extension', 'Location.status'] }
    const denial = judgePatchBody(input, 'application/fhir+json', aim)
    if (denial !== undefined) return `${denial.reason} ${inFewWords(denial.detail ?? '')}`
    const paths = pathsIn(parsed(input)?.value)
    assert.ok(paths.length > 0)
    for (const path of paths) {
      assert.match(String(path), /^Location\.(?:extension|status)(?![A-Za-z0-9_])/)
      // what stands in a text compares, and leads nowhere
      assert.doesNotMatch(String(path).replaceAll(/'(?:[^'\\]|\\.)*'/gs, ''), /resolve|%|\$|\|/)
    }
    return 'taken'
  },
}

const xmlSeed = `<?xml version="1.0" encoding="UTF-8"?>
<Organization xmlns="http://hl7.org/fhir"><id value="1"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">x</div></text>
<identifier><use value="official"/><system value="${finess}"/><value value="350054680"/></identifier>
<identifier><system value="${idNatStruct}"/><value value="1290004324"/></identifier><name value="CH &amp; co"/></Organization>`

/** Slow and obvious: the numbers of each `identifier` right below the root, by the events of the parser. */
function numbersInXml(text: string): ReadonlySet<string> {
  const numbers = new Set<string>()
  const path: string[] = []
  let values: Record<string, string> = {}
  const parser = new SaxesParser({ xmlns: true })
  parser.on('opentag', ({ local, attributes }) => {
    path.push(local)
    if (path.length === 2 && local === 'identifier') values = {}
    if (path.length === 3 && path[1] === 'identifier') values[local] = attributes['value']?.value ?? ''
  })
  parser.on('closetag', () => {
    if (path.length === 2 && path[1] === 'identifier') {
      const number = numberOf(values['system'], values['value'] ?? '')
      if (number !== undefined) numbers.add(number)
    }
    path.pop()
  })
  parser.write(text).close()
  return numbers
}

const xml: FuzzTarget = {
  name: 'xml',
  seeds: [
    xmlSeed,
    xmlSeed.replaceAll('<Org', '<f:Org').replace('xmlns=', 'xmlns:f="http://hl7.org/fhir" xmlns='),
  ],
  dictionary: [
    '<!DOCTYPE x [<!ENTITY a "350054680">]>',
    '<![CDATA[',
    ']]>',
    '<!--',
    '-->',
    '<?pi?>',
    '&a;',
    '&#51;',
    '<identifier>',
    '</identifier>',
    '<value value="350054680"/>',
    '<system value="http://sirene.fr"/>',
    '<contained>',
    ' xmlns="urn:x"',
    'xmlns:f="http://hl7.org/fhir"',
    ' encoding="utf-16"',
  ],
  check: (input) => {
    const { numbers, reason } = judge(input, organization, 'application/fhir+xml')
    if (numbers === undefined) return reason
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)
    const expected = numbersInXml(text)
    assert.deepEqual(numbers, expected)
    return textOf(input).includes('<!--') ? 'found beside a comment' : reason
  },
}

export const bodyTargets: readonly FuzzTarget[] = [json, jsonIndex, body, taskBody, patch, xml]
