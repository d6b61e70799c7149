import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseParser } from '../../src/http/response-parser.js'

/** What came of an answer: what was read, or the problem. */
interface Reading {
  status?: number
  fields?: readonly string[]
  body: string
  wholes: number
  problem: string | undefined
  isPersistent: boolean
}

function read(
  pieces: readonly Buffer[],
  { isHead = false, isEnded = false }: { readonly isHead?: boolean; readonly isEnded?: boolean } = {},
): Reading {
  const reading: Reading = { body: '', wholes: 0, problem: undefined, isPersistent: false }
  const parser = new ResponseParser({
    onHead: ({ status, rawHeaders }) => Object.assign(reading, { status, fields: rawHeaders }),
    onBody: (piece) => (reading.body += piece.toString('latin1')),
    onWhole: () => (reading.wholes += 1),
  })
  parser.begin(isHead)
  for (const piece of pieces) reading.problem ??= parser.push(piece)
  if (isEnded) reading.problem ??= parser.finish()
  return { ...reading, isPersistent: parser.isPersistent }
}

/** The reading of the bytes at once, which is the one of any two pieces, and of single bytes. */
function readAnyhow(text: string, rule: Parameters<typeof read>[1] = {}): Reading {
  const bytes = Buffer.from(text, 'latin1')
  const whole = read([bytes], rule)
  for (let cut = 1; cut < bytes.length; cut += 1) {
    assert.deepEqual(read([bytes.subarray(0, cut), bytes.subarray(cut)], rule), whole, `cut at ${cut}`)
  }
  const single = Array.from(bytes, (byte) => Buffer.of(byte))
  assert.deepEqual(read(single, rule), whole)
  return whole
}

const answers: readonly (readonly [
  what: string,
  bytes: string,
  expected: Partial<Reading>,
  rule?: Parameters<typeof read>[1],
])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', { body: 'ok', isPersistent: true }],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', { status: 200, isPersistent: true }],
  ['an empty reason', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', { status: 200, isPersistent: true }],
  [
    'white space round a value',
    'HTTP/1.1 200 OK\r\nX-A: \t b c \t\r\nX-B:\r\nContent-Length: 0\r\n\r\n',
    { fields: ['X-A', 'b c', 'X-B', '', 'Content-Length', '0'], isPersistent: true },
  ],
  [
    'chunks, extensions and trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a="b"\r\nok\r\n00A\r\n0123456789\r\n0;x\r\nX-T: y\r\n\r\n',
    { body: 'ok0123456789', isPersistent: true },
  ],
  ['the end of the connection', 'HTTP/1.1 200 OK\r\n\r\nok', { body: 'ok' }, { isEnded: true }],
  [
    'interim answers',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na',
    { status: 200, body: 'a', isPersistent: true },
  ],
  [
    'HEAD',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    { body: '', isPersistent: true },
    { isHead: true },
  ],
  ['304', 'HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n', { body: '', isPersistent: true }],
  ['204', 'HTTP/1.1 204 No\r\n\r\n', { body: '', isPersistent: true }],
  ['204 with a length', 'HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n', { isPersistent: false }],
  ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: a, Close\r\nContent-Length: 0\r\n\r\n', {}],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', { body: 'a' }],
  ['bytes behind it', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc', { body: 'a' }],
  ['another answer behind it', 'HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', { status: 204 }],
]
for (const [what, bytes, expected, rule] of answers) {
  test(`an answer is read the same however it is cut: ${what}`, () => {
    const reading = readAnyhow(bytes, rule)
    assert.equal(reading.problem, undefined)
    assert.equal(reading.wholes, 1)
    const { isPersistent = false, ...rest } = expected
    assert.equal(reading.isPersistent, isPersistent)
    assert.deepEqual({ ...reading, ...rest }, reading)
  })
}

const ok = (fields: string, body = ''): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`
const chunked = (body: string): string => ok('Transfer-Encoding: chunked\r\n', body)
const refused: Readonly<Record<string, string>> = {
  'another protocol': 'SSH-2.0-OpenSSH\r\n',
  'HTTP/2.0': 'HTTP/2.0 200 OK\r\n\r\n',
  'HTTP/0.9': '<html></html>',
  'a status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
  'status 099': 'HTTP/1.1 099 OK\r\n\r\n',
  'status 600': 'HTTP/1.1 600 OK\r\n\r\n',
  'two spaces before the status': 'HTTP/1.1  200 OK\r\n\r\n',
  'a tab before the status': 'HTTP/1.1\t200 OK\r\n\r\n',
  'a control in the reason': 'HTTP/1.1 200 O\0K\r\n\r\n',
  'an upgrade': 'HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n',
  'an interim answer with a length': 'HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n',
  'an interim answer in chunks': 'HTTP/1.1 103 Hints\r\nTransfer-Encoding: chunked\r\n\r\n',
  'endless interim answers': 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(17),
  'a bare LF for a line end': 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
  'bare LF for the end of the head': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n',
  'a bare CR in a value': ok('X-A: a\rX-B: b\r\n'),
  'NUL in a value': ok('X-A: a\0\r\n'),
  'a folded line': ok('X-A: a\r\n b\r\n'),
  'a first line that is folded': ok(' X-A: a\r\n'),
  'a space before the colon': ok('Content-Length : 0\r\n'),
  'an empty name': ok(': a\r\n'),
  'no colon': ok('X-A\r\n'),
  '8 bits in a name': ok('X-\xe9: a\r\n'),
  'two lengths': ok('Content-Length: 1\r\nContent-Length: 1\r\n', 'a'),
  'a list of lengths': ok('Content-Length: 1, 1\r\n', 'a'),
  'an empty length': ok('Content-Length:\r\n'),
  'a signed length': ok('Content-Length: +1\r\n', 'a'),
  'a hexadecimal length': ok('Content-Length: 0x1\r\n', 'a'),
  'a length beyond counting': ok('Content-Length: 9999999999999999\r\n'),
  'length and coding': ok('Content-Length: 1\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  'two codings': ok('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  'a list of codings': ok('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'),
  'chunked, but not last': ok('Transfer-Encoding: chunked, gzip\r\n', '0\r\n\r\n'),
  'an unknown coding': ok('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'),
  'a coding in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'no chunk size': chunked('\r\nab'),
  'a negative chunk size': chunked('-1\r\na'),
  'a chunk size in C notation': chunked('0x1\r\na'),
  'a space behind a chunk size': chunked('1 \r\na'),
  'a chunk size beyond counting': chunked(`${'f'.repeat(13)}\r\n`),
  'a bare LF behind a chunk size': chunked('1\na'),
  'a bare CR behind a chunk size': chunked('1\ra'),
  'a bare LF in a chunk extension': chunked('1;\na'),
  'endless chunk extensions': chunked(`1;${'a'.repeat(16_385)}`),
  'a chunk longer than its size': chunked('1\r\nab\r\n'),
  'a bare LF behind a chunk': chunked('1\r\na\n'),
  'a trailer that is none': chunked('0\r\nX A: b\r\n\r\n'),
}
for (const [what, bytes] of Object.entries(refused)) {
  test(`an answer that could be read in two ways is refused however it is cut: ${what}`, () => {
    const bytewise = Array.from(Buffer.from(bytes, 'latin1'), (byte) => Buffer.of(byte))
    for (const pieces of [[Buffer.from(bytes, 'latin1')], bytewise]) {
      const reading = read(pieces)
      assert.notEqual(reading.problem, undefined)
      assert.equal(reading.wholes, 0)
      assert.equal(reading.isPersistent, false)
    }
  })
}

test('heads and trailers are bounded, whether they end or not', () => {
  const long = `X-A: ${'a'.repeat(70_000)}\r\n`
  for (const bytes of [
    ok(long),
    `HTTP/1.1 200 OK\r\n${long}`,
    chunked(`0\r\n${long}\r\n`),
    ok('a:\r\n'.repeat(501)),
  ]) {
    assert.notEqual(read([Buffer.from(bytes)]).problem, undefined)
    const pieces = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, index) =>
      Buffer.from(bytes.slice(index * 1000, (index + 1) * 1000)),
    )
    assert.notEqual(read(pieces).problem, undefined)
  }
})

test('an answer that breaks off is never whole, but for one that ends with its connection', () => {
  for (const bytes of [
    ok('Content-Length: 3\r\n', 'ab'),
    chunked('2\r\nab\r\n'),
    chunked('0\r\n'),
    'HTTP/1.1 200 O',
  ]) {
    const reading = readAnyhow(bytes, { isEnded: true })
    assert.match(reading.problem ?? '', /broke off/)
    assert.equal(reading.wholes, 0)
  }
})

test('a parser that is stopped by whom it tells reads no further', () => {
  let told = 0
  const parser = new ResponseParser({
    onHead: () => {
      parser.stop()
    },
    onBody: () => (told += 1),
    onWhole: () => (told += 1),
  })
  parser.begin(false)
  assert.equal(parser.push(Buffer.from(ok('Content-Length: 2\r\n', 'ok'))), undefined)
  assert.equal(told, 0)
  assert.equal(parser.isPersistent, false)
})
