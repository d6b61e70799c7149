import assert from 'node:assert/strict'
import { ResponseParser } from '../../src/http/response-parser.js'
import { inFewWords, type FuzzTarget } from './target.js'

/** What an answer is read as, in pieces of this many bytes. */
function read(input: Uint8Array, size: number) {
  const bytes = Buffer.from(input)
  let text = ''
  let wholes = 0
  const parser = new ResponseParser({
    onHead: ({ status, rawHeaders }) => (text += `${status} ${JSON.stringify(rawHeaders)} `),
    onBody: (piece) => (text += piece.toString('latin1')),
    onWhole: () => (wholes += 1),
  })
  parser.begin(false)
  let problem: string | undefined
  for (let at = 0; at < bytes.length && problem === undefined; at += size) {
    problem = parser.push(bytes.subarray(at, at + size))
  }
  problem ??= parser.finish()
  return { text, wholes, problem, isPersistent: parser.isPersistent }
}

const response: FuzzTarget = {
  name: 'response',
  seeds: [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX-T: y\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nKeep-Alive: timeout=5\r\n\r\n',
    'HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nto the end',
  ],
  dictionary: [
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    ':',
    ';',
    '0\r\n\r\n',
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 101 x\r\n\r\n',
    'Content-Length: 1\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Connection: close\r\n',
    'ffffffffffff',
  ],
  check: (input) => {
    const reading = read(input, input.length + 1)
    // never two, and a problem is no answer
    assert.ok(reading.wholes <= 1)
    assert.equal(reading.wholes === 1, reading.problem === undefined && input.length > 0)
    // a connection goes on only where every byte was of the one answer
    for (const size of [1, 7]) {
      const inPieces = read(input, size)
      assert.equal(inPieces.problem === undefined, reading.problem === undefined)
      assert.equal(inPieces.wholes, reading.wholes)
      assert.equal(inPieces.isPersistent, reading.isPersistent)
      if (reading.problem === undefined) assert.equal(inPieces.text, reading.text)
    }
    return reading.problem === undefined ? `whole ${reading.isPersistent}` : inFewWords(reading.problem)
  },
}

export const responseTargets: readonly FuzzTarget[] = [response]
