import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { readFhirJson, readWithVisitor } from '../../src/fhir/fhir-json.js'
import { mutate } from '../fuzz/mutate.js'
import { Random } from '../fuzz/random.js'
import { fc, testSeed } from '../support/fast-check.js'
import { sharedPath } from '../support/shared.js'
import { agreedOn, indexOfTests } from './json-index-agreement.js'
import { organizations } from './organizations.js'

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function isRead(text: string | Uint8Array): boolean {
  return agreedOn(typeof text === 'string' ? bytesOf(text) : text)
}

function filesIn(...names: readonly [string, string]): readonly Buffer[] {
  return readdirSync(sharedPath(...names))
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(sharedPath(...names, name)))
}

/** These bytes as the value of a member, behind so many spaces. */
function asMember(bytes: Uint8Array, spaces = 0): Uint8Array {
  return Buffer.concat([Buffer.from(`${' '.repeat(spaces)}{"a":`), bytes, Buffer.from('}')])
}

const corpus = filesIn('corpora', 'json')
const samples = filesIn('samples', 'ror')

describe('the json-index', () => {
  it('reads what the ROR documents, indented or compact, and bodies of every size up to a megabyte', () => {
    assert.ok(samples.length >= 3)
    for (const bytes of samples) {
      assert.ok(isRead(bytes))
      assert.ok(isRead(JSON.stringify(JSON.parse(bytes.toString()))))
    }
    const contact = { purpose: { text: 'Secrétariat "central"\n' }, telecom: [{ rank: 1, value: '+33' }] }
    const large = (count: number): string =>
      JSON.stringify({ resourceType: 'Organization', contact: new Array(count).fill(contact) })
    assert.ok(isRead(large(2_000)))
    const mega = large(12_000)
    assert.ok(mega.length > 1_000_000 && mega.length < 1 << 20)
    assert.ok(isRead(mega))
    // whatever is larger is read without it
    assert.equal(isRead(large(13_000)), false)
    assert.ok(readFhirJson(bytesOf(large(13_000)), {}).ok)
  })

  it('takes nothing of the corpus that the reader refuses, and builds what it builds, at any alignment', () => {
    let read = 0
    for (const bytes of corpus) {
      agreedOn(bytes)
      for (let spaces = 0; spaces < 16; spaces += 1) {
        if (agreedOn(asMember(bytes.length < 4_096 ? bytes : bytes.subarray(0, 4_096), spaces))) read += 1
      }
    }
    assert.ok(read > 1_000)
  })

  it('agrees with the reader on every text cut short, and on every text with a byte replaced', () => {
    const text = bytesOf(
      '{"a":[-0.5e+3,"é\\n\\u00e9€😀",true,false,null,{"b":[]},{}], "resourceType" :"x"} \n',
    )
    assert.ok(agreedOn(text))
    for (let end = 0; end < text.length - 2; end += 1) assert.equal(agreedOn(text.subarray(0, end)), false)
    for (let at = 0; at < text.length; at += 1) {
      for (let byte = 0; byte < 256; byte += 1) {
        const changed = text.slice()
        changed[at] = byte
        agreedOn(changed)
      }
    }
  })

  it('agrees with the reader on whatever a few steps make of real bodies', () => {
    const random = new Random(testSeed)
    const pool = [...corpus.filter(({ length }) => length < 1_000), ...samples]
    const dictionary = ['{', '}', '[', ']', '":', ',"', '\\u', 'é', '"a":', '"a":{', '1e5', '-', '\u0000']
    const material = { random, pool, dictionary: dictionary.map(bytesOf) }
    let read = 0
    for (let turn = 0; turn < 15_000; turn += 1) {
      const seed = random.below(2) === 0 ? random.pick(samples) : undefined
      const input = mutate(seed ?? asMember(random.pick(pool) ?? new Uint8Array(0)), material)
      if (agreedOn(input)) read += 1
    }
    assert.ok(read > 100, `seed ${testSeed}: ${read} read`)
  })

  it('agrees with the reader on generated bodies', () => {
    fc.assert(
      fc.property(fc.oneof(organizations, fc.dictionary(fc.string(), fc.jsonValue())), (value) => {
        agreedOn(bytesOf(JSON.stringify(value)))
        agreedOn(bytesOf(JSON.stringify(value, null, 2)))
      }),
      { numRuns: 500 },
    )
  })

  it('leaves one name twice to the reader, at any place, length and alignment, and within one object only', () => {
    for (let size = 0; size < 40; size += 1) {
      const name = 'n'.repeat(size)
      for (const between of ['', '"x":1,', '"x":{"y":1},', '"x":[{"y":2}],']) {
        const text = `{"${name}":1,${between}"${name}":2}`
        assert.equal(isRead(text), false, text)
        assert.equal(isRead(`{"o":[0,${text}]}`), false, text)
      }
      assert.ok(isRead(`{"${name}":{"${name}":1},"other":[{"${name}":1},{"${name}":2}]}`))
      // names that differ in one byte, wherever it stands
      for (let at = 0; at < size; at += 1) {
        const other = `${name.slice(0, at)}m${name.slice(at + 1)}`
        assert.ok(isRead(`{"${name}":1,"${other}":2}`), `${name} ${other}`)
        assert.equal(isRead(`{"${name}":1,"${other}":2,"${name}":3}`), false)
      }
      if (size > 0) assert.ok(isRead(`{"${name}":1,"${name}n":2,"${name}\u00e9":3}`))
    }
    assert.equal(isRead('{"a":1,"\\u0061":1}'), false)
    assert.equal(isRead('{"é":1,"é":1}'), false)
    assert.equal(isRead('{"é":1,"e\u0301":1}'), true)
    // after an object that was closed, the names of the one around it are still known
    assert.equal(isRead('{"a":{"b":{"c":1},"d":2,"b":3}}'), false)
    assert.equal(isRead('{"a":{"b":1},"c":2,"a":3}'), false)
  })

  it('finds a doubled name among as many as it compares, and leaves more to the reader', () => {
    const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `"name${index}":0`)
    assert.ok(isRead(`{${names(64).join(',')}}`))
    // a name that begins a longer one is another one
    assert.ok(isRead(`{${names(64).toReversed().join(',')}}`))
    assert.equal(isRead(`{${names(65).join(',')}}`), false)
    for (let again = 0; again < 63; again += 1) {
      assert.equal(isRead(`{${[...names(63), `"name${again}":1`].join(',')}}`), false)
    }
    // as many at every level
    const level = (below: string): string => `{${[...names(63), `"deep":${below}`].join(',')}}`
    let text = '0'
    for (let depth = 0; depth < 64; depth += 1) text = level(text)
    assert.ok(isRead(text))
    assert.equal(isRead(text.replace('"deep":0', '"name0":0')), false)
  })

  it('stops at the bounds of depth and numbers', () => {
    const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    assert.ok(isRead(nested(64)))
    assert.equal(isRead(nested(65)), false)
    assert.equal(isRead('{"a":'.repeat(100_000)), false)
    const arrays = (depth: number): string => `{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`
    assert.ok(isRead(arrays(63)))
    assert.equal(isRead(arrays(64)), false)
    assert.ok(isRead(`{"a":[${'1'.repeat(128)}]}`))
    assert.equal(isRead(`{"a":[${'1'.repeat(129)}]}`), false)
  })

  it('reads strings that fill a megabyte, and leaves a longer text and too many tokens to the reader', () => {
    const long = (length: number): string => `{"a":"${'x'.repeat(length - 8)}"}`
    assert.ok(isRead(long(1 << 20)))
    assert.equal(isRead(long((1 << 20) + 1)), false)
    assert.equal(isRead(`{"a":[${'0,'.repeat(263_000)}0]}`), false)
    assert.ok(isRead(`{"a":[${'0,'.repeat(262_000)}0]}`))
  })

  it('writes no token past its tape, into the text behind it', () => {
    const index = indexOfTests()
    const answers: boolean[] = []
    for (let count = 262_136; count < 262_146; count += 1) {
      const bytes = Buffer.from(`{"a":[${'0,'.repeat(count)}0]}`)
      answers.push(index.reads(bytes))
      assert.ok(index.text.subarray(0, bytes.length).equals(bytes), `${count} values`)
    }
    assert.deepEqual([answers[0], answers.at(-1)], [true, false])
  })

  it('says nothing of what is no JSON object, has a byte too many, or a zero in it', () => {
    for (const text of [
      '',
      ' ',
      '[]',
      '"a"',
      '1',
      'null',
      '{',
      '}',
      '{}}',
      '{}{}',
      '{} x',
      '{},',
      '\ufeff{}',
    ]) {
      assert.equal(isRead(text), false, text)
    }
    for (const text of ['{}\0', '\0{}', '{\0}', '{"a":1\0}', '{"a\0":1}', '{"a":"\0"}', '{"a":[1,\0 2]}']) {
      assert.equal(isRead(text), false, JSON.stringify(text))
    }
    for (const value of [
      '01',
      '1.',
      '-',
      '+1',
      '.5',
      '1e',
      '1e+',
      '0x1',
      '--1',
      '-01',
      'tru',
      'nulL',
      'True',
      "'a'",
    ]) {
      assert.equal(isRead(`{"a":${value}}`), false, value)
      assert.equal(isRead(`{"a":[${value}]}`), false, value)
    }
    for (const value of [
      '-0',
      '1e5',
      '0',
      '-1.5E-7',
      '0.0',
      '0e0',
      '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u20ac"',
      '"\u007f"',
    ]) {
      assert.ok(isRead(`{"a":${value}}`), value)
      assert.ok(isRead(`{"a":[ ${value}\t,\r\n${value} ]}`), value)
    }
    for (const value of [
      '[1,]',
      '[,1]',
      '[1 2]',
      '{"b" 1}',
      '{"b":1,}',
      '{,}',
      '{1:1}',
      '[}',
      '{]',
      '[1}',
      '{"b":1]',
    ]) {
      assert.equal(isRead(`{"a":${value}}`), false, value)
    }
  })

  it('takes UTF-8 alone, and no control character, no bad escape and no surrogate, at any alignment', () => {
    const good = [[0x20], [0x7f], [0xc2, 0x80], [0xdf, 0xbf], [0xe0, 0xa0, 0x80], [0xed, 0x9f, 0xbf]]
    const goodToo = [
      [0xee, 0x80, 0x80],
      [0xef, 0xbf, 0xbf],
      [0xf0, 0x90, 0x80, 0x80],
      [0xf4, 0x8f, 0xbf, 0xbf],
    ]
    const bad = [
      [0x80],
      [0xbf],
      [0xc0, 0xaf],
      [0xc1, 0xbf],
      [0xc2],
      [0xc2, 0x20],
      [0xc2, 0xc2],
      [0xe0, 0x9f, 0xbf],
    ]
    const badToo = [
      [0xed, 0xa0, 0x80],
      [0xe1, 0x80],
      [0xe1, 0x80, 0x20],
      [0xe1, 0x80, 0xc0],
      [0xf0, 0x8f, 0xbf, 0xbf],
    ]
    const badStill = [
      [0xf4, 0x90, 0x80, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xf1, 0x80, 0x80],
      [0xf1, 0x80, 0x80, 0x7f],
      [0xff],
    ]
    const escapes = [
      '\\x',
      '\\',
      '\\u12',
      '\\u12g4',
      '\\ud800',
      '\\udfff',
      '\\ud83d\\ude00x',
      '\\U0041',
      '\\0',
      '\\\n',
    ]
    const controls = Array.from({ length: 0x20 }, (_, byte) => [byte])
    const inString = (bytes: readonly number[], at: number): Uint8Array =>
      Uint8Array.from([
        ...bytesOf(`{"a":"${'x'.repeat(at)}`),
        ...bytes,
        ...bytesOf(`${'y'.repeat(at % 5)}"}`),
      ])
    for (let at = 0; at < 34; at += 1) {
      for (const bytes of [...good, ...goodToo])
        assert.ok(isRead(inString(bytes, at)), `${bytes.join()} at ${at}`)
      for (const bytes of [
        ...bad,
        ...badToo,
        ...badStill,
        ...controls,
        ...escapes.map((text) => [...bytesOf(text)]),
      ]) {
        assert.equal(isRead(inString(bytes, at)), false, `${bytes.join()} at ${at}`)
      }
      for (const bytes of [...bad, ...badToo, ...badStill, ...controls]) {
        const name = Uint8Array.from([...bytesOf(`{"${'x'.repeat(at)}`), ...bytes, ...bytesOf('":1}')])
        assert.equal(isRead(name), false, `${bytes.join()} in a name at ${at}`)
      }
    }
  })

  it('is not taken in by what an earlier, larger text left in its memory', () => {
    const large = bytesOf(`{"a":"${'}'.repeat(5_000)}"}`)
    for (const rest of ['}', '"}', ':1}', '1}', ' }', ']}', 'ue}', '\u00e9"}']) {
      for (let size = 1; size < 80; size += 1) {
        const whole = bytesOf(`{"a":"${'x'.repeat(size)}","b":[1,true]${rest}`)
        for (let cut = 1; cut < 24 && cut < whole.length; cut += 1) {
          assert.ok(indexOfTests().reads(large))
          indexOfTests().reads(whole)
          assert.equal(indexOfTests().reads(whole.subarray(0, whole.length - cut)), false)
        }
      }
    }
  })

  it('gives texts away that the next body does not change', () => {
    const wanted = { a: {}, é: {} }
    const first = readFhirJson(bytesOf(`{"a":["${'plain '.repeat(100)}","é","\\n",12],"é":"x"}`), wanted)
    const before = JSON.stringify(first.ok && [...first.value.children])
    readFhirJson(bytesOf(`{"z":"${'z'.repeat(5_000)}"}`), wanted)
    assert.equal(JSON.stringify(first.ok && [...first.value.children]), before)
    assert.match(before, /plain plain.*"é".*\\n.*"12"/)
  })

  it('leaves an array in an array to the reader where it is wanted, and not elsewhere', () => {
    assert.deepEqual(readFhirJson(bytesOf('{"a":[1,[2]]}'), { a: {} }), {
      ok: false,
      problem: 'an array stands directly in an array',
    })
    for (const text of ['{"a":[[]]}', '{"b":{"a":[[1],2]}}', '{"c":{"a":[[1],2]}}', '{"a":[{"b":[[1]]}]}']) {
      assert.ok(isRead(text), text)
    }
  })

  it('is done without where there is no WebAssembly, with the same answers', () => {
    const url = new URL('../../src/fhir/', import.meta.url)
    const script = `
      import { readFhirJson } from '${new URL('fhir-json.js', url).href}'
      import { jsonIndex } from '${new URL('json-index.js', url).href}'
      const read = readFhirJson(Buffer.from(process.argv[1]), { a: {} })
      console.log(JSON.stringify([typeof WebAssembly, typeof jsonIndex(), read.ok && [...read.value.children]]))`
    const text = '{"a":["\\u00e9",1,true],"b":{"c":1}}'
    const args = ['--jitless', '--input-type=module', '--eval', script, text]
    const expected = readWithVisitor(bytesOf(text), { a: {} })
    assert.ok(expected.ok)
    assert.equal(
      execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(),
      JSON.stringify(['undefined', 'undefined', [...expected.value.children]]),
    )
  })
})
