import { fc } from '../support/fast-check.js'
import assert from 'node:assert/strict'
import { valuesOf } from '../support/http-message.js'
import { everyEngine } from './stand.js'

const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/)
const bytes = fc.uint8Array({ maxLength: 300 }).map((body) => Buffer.from(body).toString('latin1'))
const drawn = fc.record({
  status: fc.constantFrom(200, 201, 206, 302, 400, 404, 422, 500, 503),
  values: fc.array(value, { maxLength: 5 }),
  pieces: fc.array(bytes, { maxLength: 4 }),
  framing: fc.constantFrom('length', 'chunks', 'close'),
  interim: fc.boolean(),
  cuts: fc.array(fc.nat(600), { maxLength: 5 }),
})

function answerOf({
  status,
  values,
  pieces,
  framing,
  interim,
}: typeof drawn extends fc.Arbitrary<infer Drawn> ? Drawn : never) {
  const body = pieces.join('')
  const fields = values.map((each) => `X-Drawn: ${each}\r\n`).join('')
  const head = `${interim ? 'HTTP/1.1 103 Early Hints\r\n\r\n' : ''}HTTP/1.1 ${status} Any\r\n${fields}`
  if (framing === 'length') return `${head}Content-Length: ${body.length}\r\n\r\n${body}`
  if (framing === 'close') return `${head}Connection: close\r\n\r\n${body}`
  const chunks = pieces
    .filter((piece) => piece !== '')
    .map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`
}

everyEngine('any valid answer comes down as it is, however it is cut', async (t, stand) => {
  const stage = await stand(t)
  await fc.assert(
    fc.asyncProperty(drawn, async (one) => {
      const text = answerOf(one)
      const ends = [...one.cuts.map((cut) => cut % text.length), text.length].sort((a, b) => a - b)
      stage.recorder.answer = ({ socket }) => {
        let at = 0
        const more = (): void => {
          const end = ends.shift()
          if (end === undefined) {
            if (one.framing === 'close') socket.end()
            return
          }
          socket.write(text.slice(at, end), 'latin1', () => setImmediate(more))
          at = end
        }
        more()
        return undefined
      }
      const client = await stage.open()
      client.send('GET /a HTTP/1.1\r\nHost: h\r\n\r\n')
      const answer = await client.answer()
      assert.equal(answer.status, one.status)
      assert.deepEqual(valuesOf(answer, 'x-drawn'), one.values)
      assert.equal(answer.body, one.pieces.join(''))
      assert.equal(client.pending(), '')
      client.destroy()
    }),
    { numRuns: 40 },
  )
})
