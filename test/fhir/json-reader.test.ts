import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Random } from '../fuzz/random.js'
import { fc, testSeed } from '../support/fast-check.js'
import { JsonReader, readJson } from '../../src/fhir/json-reader.js'
import { defaultJsonLimits, type JsonProblem, type JsonVisitor } from '../../src/fhir/json-visitor.js'
import { sharedPath } from '../support/shared.js'
import { ValueVisitor } from './value-visitor.js'

const nobody: JsonVisitor = {
  wantsText: false,
  openObject: () => undefined,
  closeObject: () => undefined,
  openArray: () => undefined,
  closeArray: () => undefined,
  key: () => undefined,
  string: (text) => {
    assert.equal(text, undefined)
  },
  number: (text) => {
    assert.equal(text, undefined)
  },
  literal: () => undefined,
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function parsedStrictly(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) }
  } catch {
    return undefined
  }
}

function refusal(text: string | Uint8Array): JsonProblem | undefined {
  return readJson(typeof text === 'string' ? bytesOf(text) : text, new ValueVisitor())
}

/** Reads in pieces of the given sizes, over and over. */
function readInPieces(
  bytes: Uint8Array,
  sizes: readonly number[],
  visitor: JsonVisitor,
): JsonProblem | undefined {
  const reader = new JsonReader(visitor)
  let from = 0
  for (let turn = 0; from < bytes.length; turn++) {
    const to = Math.min(bytes.length, from + (sizes[turn % sizes.length] ?? 1))
    const problem = reader.write(bytes.slice(from, to))
    if (problem !== undefined) return problem
    from = to
  }
  return reader.end()
}

const corpus = readdirSync(sharedPath('corpora', 'json'))
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, bytes: readFileSync(join(sharedPath('corpora', 'json'), name)) }))

// stricter on purpose: one name twice
const stricter = new Set(['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json'])

describe('strict JSON reader', () => {
  it('agrees with the corpus, and with JSON.parse on every text it takes', () => {
    assert.ok(corpus.length > 300)
    for (const { name, bytes } of corpus) {
      const visitor = new ValueVisitor()
      const problem = readJson(bytes, visitor)
      if (name.startsWith('n_') || stricter.has(name)) assert.ok(problem, `${name} should be refused`)
      if (name.startsWith('y_') && !stricter.has(name)) assert.equal(problem, undefined, name)
      if (problem === undefined) assert.deepEqual(visitor.root, parsedStrictly(bytes)?.value, name)
    }
  })

  it('reads the corpus the same whole, byte by byte and with nothing decoded', () => {
    for (const { name, bytes } of corpus) {
      const whole = readJson(bytes, new ValueVisitor())
      const inPieces = readInPieces(bytes, [1], new ValueVisitor())
      assert.equal(inPieces?.message, whole?.message, name)
      // a number too long is noticed where its piece ends
      if (!whole?.message.includes('longer')) assert.equal(inPieces?.offset, whole?.offset, name)
      assert.deepEqual(readJson(bytes, nobody), whole, name)
    }
  })

  it('takes every JSON text that JSON.stringify writes, with the same value, in pieces of any size', () => {
    const text = fc.jsonValue({ stringUnit: 'binary', maxDepth: 8 }).map((value) => JSON.stringify(value))
    const spaced = fc
      .tuple(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom('\t', 2, 4))
      .map(([value, space]) => {
        return JSON.stringify(value, null, space)
      })
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.oneof(text, spaced), sizes, (json, pieces) => {
        const visitor = new ValueVisitor()
        assert.equal(readInPieces(bytesOf(json), pieces, visitor), undefined)
        assert.deepEqual(visitor.root, JSON.parse(json))
      }),
      { numRuns: 1000 },
    )
  })

  it('never takes what JSON.parse refuses, nor refuses without a rule of its own what JSON.parse takes', () => {
    const seeds = corpus.filter(({ bytes }) => bytes.length < 400).map(({ bytes }) => bytes)
    const mutation = fc.record({
      seed: fc.constantFrom(...seeds),
      at: fc.nat(),
      change: fc.constantFrom('replace', 'insert', 'remove', 'double'),
      byte: fc.oneof(fc.nat(255), fc.constantFrom(...bytesOf('{}[]",:\\u0eE-+.tfn \n'))),
    })
    const ownRules = /twice|surrogate|deeper|longer|order mark/
    fc.assert(
      fc.property(mutation, ({ seed, at, change, byte }) => {
        const place = seed.length === 0 ? 0 : at % seed.length
        const rest = seed.subarray(change === 'insert' ? place : place + 1)
        const middle = change === 'remove' ? [] : change === 'double' ? [byte, byte] : [byte]
        const bytes = Uint8Array.from([...seed.subarray(0, place), ...middle, ...rest])
        const visitor = new ValueVisitor()
        const problem = readJson(bytes, visitor)
        const parsed = parsedStrictly(bytes)
        if (problem === undefined) assert.deepEqual(visitor.root, parsed?.value)
        else if (parsed !== undefined) assert.match(problem.message, ownRules)
      }),
      { numRuns: 20_000 },
    )
  })

  it('refuses one name twice, however it is spelled, near or far, and only within one object', () => {
    assert.match(refusal('{"a":1,"a":1}')?.message ?? '', /twice/)
    assert.match(refusal('{"a":1,"\\u0061":2}')?.message ?? '', /twice/)
    assert.match(refusal('{"é":1,"\\u00e9":2}')?.message ?? '', /twice/)
    assert.match(refusal('{"😀":1,"\\ud83d\\ude00":2}')?.message ?? '', /twice/)
    assert.equal(refusal('{"a":{"a":[{"a":1},{"a":2}]},"A":1}'), undefined)
    for (const count of [2, 23, 24, 25, 26, 5000]) {
      const names = Array.from({ length: count }, (_, index) => `"${index}":0`)
      assert.equal(refusal(`{${names.join(',')}}`), undefined)
      for (const again of [0, count >> 1, count - 1]) {
        assert.match(refusal(`{${[...names, `"${again}":0`].join(',')}}`)?.message ?? '', /twice/)
      }
    }
  })

  it('finds a doubled name exactly where a slow reader does', () => {
    const names = fc.array(fc.string({ unit: 'binary', maxLength: 3 }), { maxLength: 60 })
    fc.assert(
      fc.property(names, (keys) => {
        const json = `{${keys.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`
        const isWellFormed = keys.every((key) => !/\p{Surrogate}/u.test(key))
        const expected = new Set(keys).size === keys.length && isWellFormed
        assert.equal(refusal(json) === undefined, expected)
      }),
    )
  })

  it('finds a doubled name around what is nested between, and none that another object has', () => {
    const random = new Random(testSeed)
    let doubled = 0
    const nested = (depth: number): string => {
      const count = random.below(5) === 0 ? 30 : random.below(5)
      const first = random.below(40)
      const names = Array.from({ length: count }, (_, index) => `${(first + index) % 40}`)
      const again = random.below(40)
      if (again < count - 1 && random.below(4) === 0) {
        doubled += 1
        names[count - 1] = names[again] ?? ''
      }
      const members = names.map((name) => {
        const written =
          random.below(3) === 0 ? `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}` : name
        const value = depth < 4 && random.below(4) === 0 ? nested(depth + 1) : '0'
        return `"${written}":${random.below(3) === 0 ? `[1,${value}]` : value}`
      })
      return `{${members.join(',')}}`
    }
    const counts = { doubled: 0, taken: 0 }
    for (let turn = 0; turn < 5_000; turn += 1) {
      doubled = 0
      const text = nested(0)
      const isDoubled = doubled > 0
      counts[isDoubled ? 'doubled' : 'taken'] += 1
      assert.equal(refusal(text)?.message, isDoubled ? 'a member name stands there twice' : undefined, text)
    }
    assert.ok(counts.doubled > 200 && counts.taken > 200, `seed ${testSeed}`)
    assert.match(refusal('{"a":{"b":1},"a":2}')?.message ?? '', /twice/)
  })

  it('refuses a byte order mark, UTF-16, broken UTF-8 and lone surrogates, with the offset', () => {
    assert.deepEqual(refusal('\ufeff{}'), { offset: 0, message: 'the text begins with a byte order mark' })
    assert.equal(refusal(Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0))?.offset, 0)
    for (const bytes of [
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0x80],
      [0xe0, 0x9f, 0xbf],
    ]) {
      const problem = refusal(Uint8Array.from([0x22, ...bytes, 0x22]))
      assert.equal(problem?.message, 'the text is not UTF-8')
    }
    assert.equal(refusal(Uint8Array.of(0x22, 0xc3, 0x22))?.message, 'the text is not UTF-8')
    for (const text of [
      '"\\ud800"',
      '"\\udc00"',
      '"\\ud800\\ud800"',
      '"\\ud800x"',
      '"\\ud800\\n"',
      '{"\\udbff":1}',
    ]) {
      assert.match(refusal(text)?.message ?? '', /surrogate/)
    }
    assert.equal(refusal('"\ufeff"'), undefined)
  })

  it('stops at the bounds: depth, string, number', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    assert.equal(refusal(nested(64)), undefined)
    assert.deepEqual(refusal(nested(65)), { offset: 64, message: 'nesting deeper than 64 levels' })
    assert.match(refusal('{"a":'.repeat(1_000_000))?.message ?? '', /deeper/)
    const limits = { ...defaultJsonLimits, maxStringBytes: 10, maxNumberBytes: 5 }
    const bounded = (text: string): string | undefined =>
      readJson(bytesOf(text), new ValueVisitor(), limits)?.message
    assert.equal(bounded('"0123456789"'), undefined)
    assert.match(bounded('"0123456789x"') ?? '', /string longer/)
    assert.match(bounded('"\\u0041\\u0041"') ?? '', /string longer/)
    assert.match(bounded('{"0123456789x":1}') ?? '', /string longer/)
    assert.equal(bounded('12345'), undefined)
    assert.match(bounded('[123456]') ?? '', /number longer/)
  })

  it('bounds a string that comes byte by byte and never ends', () => {
    const reader = new JsonReader(new ValueVisitor(), { ...defaultJsonLimits, maxStringBytes: 1000 })
    let problem = reader.write(bytesOf('["'))
    let written = 0
    while (problem === undefined && written < 2000) {
      problem = reader.write(bytesOf('x'))
      written++
    }
    assert.equal(written, 1001)
  })

  it('says what it expected, what it found and where', () => {
    assert.deepEqual(refusal('{"a" 1}'), { offset: 5, message: 'expected `:`, found byte 0x31' })
    assert.deepEqual(refusal('[1 2]'), { offset: 3, message: 'expected `,` or `]`, found byte 0x32' })
    assert.deepEqual(refusal('{} x'), { offset: 3, message: 'expected the end of the text, found byte 0x78' })
    assert.deepEqual(refusal('{"a":1'), { offset: 6, message: 'the text ends before its value is complete' })
    assert.deepEqual(refusal(''), { offset: 0, message: 'the text ends before its value is complete' })
    assert.deepEqual(refusal('[-]'), { offset: 2, message: 'expected a digit, found byte 0x5d' })
  })

  it('answers the first problem for ever', () => {
    const reader = new JsonReader(new ValueVisitor())
    const problem = reader.write(bytesOf('{,'))
    assert.ok(problem)
    assert.equal(reader.write(bytesOf('}')), problem)
    assert.equal(reader.end(), problem)
  })
})

it('remembers a name beyond the body it was read in, and takes it for no other', () => {
  for (let index = 0; index < 5_000; index += 1) {
    // memory of its own, as large bodies have, which is given back once they are sent
    const body = Buffer.from(new Uint8Array(Buffer.from(`{"name${index}":1}`)).buffer)
    assert.deepEqual(keysOf(body), [`name${index}`])
    structuredClone(body.buffer, { transfer: [body.buffer] })
    assert.deepEqual(keysOf(Buffer.from('{"":1}')), [''])
  }
})

function keysOf(body: Uint8Array): readonly string[] {
  const keys: string[] = []
  const problem = readJson(body, { ...nobody, key: (name) => keys.push(name), number: () => undefined })
  assert.equal(problem, undefined)
  return keys
}
