import assert from 'node:assert/strict'
import { makeTestPki } from '../support/pki.js'
import { everyEngine, type StandOptions } from './stand.js'

const inner = 'GET /inner HTTP/1.1\r\nHost: h\r\n\r\n'
const chunkedInner = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`

/** Refused: nothing reaches the upstream. One: exactly one request, with this body. */
interface Attempt {
  readonly bytes: string
  readonly outcome: 'refused' | { readonly body: string }
}

const post = (fields: string, body: string): string =>
  `POST /outer HTTP/1.1\r\nHost: h\r\n${fields}\r\n${body}`
const refused = (bytes: string): Attempt => ({ bytes, outcome: 'refused' })
const one = (bytes: string, body: string): Attempt => ({ bytes, outcome: { body } })

const attempts: Readonly<Record<string, Attempt>> = {
  'CL.TE': refused(post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${inner}`)),
  'TE.CL': refused(post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', chunkedInner)),
  'TE.TE, the second obscured': refused(
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n', chunkedInner),
  ),
  'TE.TE, the first obscured': refused(
    post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', chunkedInner),
  ),
  'TE as a list': refused(post('Transfer-Encoding: gzip, chunked\r\n', chunkedInner)),
  'TE as a list that begins empty': refused(post('Transfer-Encoding: ,chunked\r\n', chunkedInner)),
  'TE in capitals': refused(post('Transfer-Encoding: CHUNKED\r\n', chunkedInner)),
  'TE xchunked': refused(post('Transfer-Encoding: xchunked\r\n', chunkedInner)),
  'TE behind a vertical tab': refused(post('Transfer-Encoding: \x0bchunked\r\n', chunkedInner)),
  'TE empty': refused(post('Transfer-Encoding:\r\n', chunkedInner)),
  'TE before its colon a space': refused(post('Transfer-Encoding : chunked\r\n', chunkedInner)),
  'TE folded': refused(post('Transfer-Encoding:\r\n chunked\r\n', chunkedInner)),
  'TE with an underscore': refused(
    post('Transfer_Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n') + inner,
  ),
  'CL with an underscore': refused(post('Content_Length: 5\r\n', inner)),
  'CL with a dot': refused(post('Content.Length: 5\r\n', inner)),
  'CL twice': refused(post('Content-Length: 0\r\nContent-Length: 37\r\n', inner)),
  'CL twice, the same': refused(post('Content-Length: 5\r\nContent-Length: 5\r\n', 'abcde')),
  'CL as a list': refused(post('Content-Length: 0, 37\r\n', inner)),
  'CL with a plus': refused(post('Content-Length: +37\r\n', inner)),
  'CL with a leading zero': refused(post('Content-Length: 05\r\n', 'abcde')),
  'CL in hexadecimal': refused(post('Content-Length: 0x5\r\n', 'abcde')),
  'CL beyond counting': refused(post('Content-Length: 99999999999999999999999\r\n', 'abcde')),
  'CL on GET': refused(`GET /outer HTTP/1.1\r\nHost: h\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`),
  'HTTP/1.0 with TE': refused(
    `POST /outer HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedInner}`,
  ),
  'HTTP/0.9': refused('GET /outer\r\n\r\n'),
  'HTTP/0.9 with a bare LF and fields (llhttp #877)': refused('GET /outer\nHost: h\r\n\r\n'),
  'HTTP/2.0 on the request line': refused('GET /outer HTTP/2.0\r\nHost: h\r\n\r\n'),
  'the preface of HTTP/2': refused('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  'a bare LF after the request line': refused('GET /outer HTTP/1.1\nHost: h\r\n\r\n'),
  'a bare LF after a field': refused(`GET /outer HTTP/1.1\r\nHost: h\nX-A: b\r\n\r\n${inner}`),
  'a bare LF for the end of the head': refused(`GET /outer HTTP/1.1\r\nHost: h\r\n\n${inner}`),
  'a bare CR in a value': refused('GET /outer HTTP/1.1\r\nHost: h\r\nX-A: a\rX-B: b\r\n\r\n'),
  'obs-fold': refused('GET /outer HTTP/1.1\r\nHost: h\r\nX-A: a\r\n b\r\n\r\n'),
  'a space before the first field': refused('GET /outer HTTP/1.1\r\n Host: h\r\n\r\n'),
  'NUL in a value': refused('GET /outer HTTP/1.1\r\nHost: h\r\nX-A: a\0b\r\n\r\n'),
  'NUL in the target': refused('GET /out\0er HTTP/1.1\r\nHost: h\r\n\r\n'),
  '8 bits in a value': refused('GET /outer HTTP/1.1\r\nHost: h\r\nX-A: a\xe9\r\n\r\n'),
  '8 bits in a name': refused('GET /outer HTTP/1.1\r\nHost: h\r\nX-\xe9: a\r\n\r\n'),
  '8 bits in the target': refused('GET /out\xe9 HTTP/1.1\r\nHost: h\r\n\r\n'),
  'a space in the target': refused('GET /out er HTTP/1.1\r\nHost: h\r\n\r\n'),
  'two Hosts': refused('GET /outer HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n'),
  'no Host': refused('GET /outer HTTP/1.1\r\nX-A: a\r\n\r\n'),
  'an empty Host': refused('GET /outer HTTP/1.1\r\nHost:\r\n\r\n'),
  'a Host with user information': refused('GET /outer HTTP/1.1\r\nHost: a@h\r\n\r\n'),
  'a Host with a path': refused('GET /outer HTTP/1.1\r\nHost: h/x\r\n\r\n'),
  'absolute-form': refused('GET http://i/outer HTTP/1.1\r\nHost: h\r\n\r\n'),
  'absolute-form that url.parse throws at': refused('GET http://[::1 HTTP/1.1\r\nHost: h\r\n\r\n'),
  'authority-form': refused('GET h:443 HTTP/1.1\r\nHost: h\r\n\r\n'),
  'an empty field name': refused('GET /outer HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n'),
  'a space in a field name': refused('GET /outer HTTP/1.1\r\nHost: h\r\nX A: b\r\n\r\n'),
  'a very long target': refused(`GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: h\r\n\r\n`),
  'a very long value': refused(`GET /outer HTTP/1.1\r\nHost: h\r\nX-A: ${'a'.repeat(100_000)}\r\n\r\n`),
  'a very long name': refused(`GET /outer HTTP/1.1\r\nHost: h\r\n${'a'.repeat(100_000)}: b\r\n\r\n`),
  'a bare CR for a line end': refused('GET /outer HTTP/1.1\rHost: h\r\n\r\n'),
  'asterisk-form': refused('OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n'),
  CONNECT: refused('CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n'),
  'a fragment': refused('GET /outer#inner HTTP/1.1\r\nHost: h\r\n\r\n'),
  'Upgrade: h2c': refused(
    'GET /outer HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n',
  ),
  'Upgrade: websocket': refused(
    'GET /outer HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n',
  ),
  'Connection: Content-Length': refused(post('Connection: Content-Length\r\nContent-Length: 34\r\n', inner)),
  'Connection: Client-Cert': refused('GET /outer HTTP/1.1\r\nHost: h\r\nConnection: client-cert\r\n\r\n'),
  'Trailer without chunks, which ended the process': refused(
    'GET /outer HTTP/1.1\r\nHost: h\r\nTrailer: X-A\r\n\r\n',
  ),
  'Expect other than 100-continue': refused(post('Expect: x\r\nContent-Length: 3\r\n', 'abc')),
  'X-HTTP-Method-Override': refused(post('X-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n', '')),
  X_HTTP_Method: refused(post('X_HTTP_Method: DELETE\r\nContent-Length: 0\r\n', '')),
  QUERY: refused('QUERY /outer HTTP/1.1\r\nHost: h\r\n\r\n'),
  PROPFIND: refused('PROPFIND /outer HTTP/1.1\r\nHost: h\r\n\r\n'),
  TRACE: refused('TRACE /outer HTTP/1.1\r\nHost: h\r\n\r\n'),
  'a method in small letters': refused('get /outer HTTP/1.1\r\nHost: h\r\n\r\n'),
  'more fields than are judged': refused(
    `GET /outer HTTP/1.1\r\nHost: h\r\n${'a:\r\n'.repeat(2_500)}Content-Length: 34\r\n\r\n${inner}`,
  ),
  'chunk extensions': one(
    post('Transfer-Encoding: chunked\r\n', `${inner.length.toString(16)};a="b"\r\n${inner}\r\n0;c\r\n\r\n`),
    inner,
  ),
  'a trailer section': one(
    post('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\nX-Inner: y\r\n\r\n'),
    'abc',
  ),
  'CL.0: a request as a body': one(post(`Content-Length: ${inner.length}\r\n`, inner), inner),
  'empty lines before the request line': one('\r\n\r\n' + post('Content-Length: 3\r\n', 'abc'), 'abc'),
}

// these break in the middle of their body: the upstream may see the beginning of one request, never a whole one
const broken: Readonly<Record<string, string>> = {
  'a chunk size with a bare LF': post('Transfer-Encoding: chunked\r\n', '3\nabc\r\n0\r\n\r\n'),
  'a chunk extension with a bare LF (CVE-2024-27982)': post(
    'Transfer-Encoding: chunked\r\n',
    `3;\n${chunkedInner}`,
  ),
  'a chunk longer than it says': post('Transfer-Encoding: chunked\r\n', '3\r\nabcd\r\n0\r\n\r\n'),
  'a chunk size in C notation': post('Transfer-Encoding: chunked\r\n', '0x3\r\nabc\r\n0\r\n\r\n'),
  'a negative chunk size': post('Transfer-Encoding: chunked\r\n', '-3\r\nabc\r\n0\r\n\r\n'),
  'a chunk size beyond counting': post('Transfer-Encoding: chunked\r\n', 'fffffffffffffffff\r\nabc\r\n'),
  'Content-Length as a trailer': post(
    'Transfer-Encoding: chunked\r\n',
    `3\r\nabc\r\n0\r\nContent-Length: 34\r\n\r\n${inner}`,
  ),
}

for (const [transport, tls] of [
  ['TCP', undefined],
  ['TLS', true],
] as const) {
  for (const body of ['stream', 'judged'] as const) {
    const options = async (): Promise<StandOptions> => {
      if (tls === undefined) return { body }
      const server = await (await pki).server(['localhost'])
      return {
        body,
        tls: { cert: server.chainPem, key: server.keyPem, ca: (await pki).rootPem },
      }
    }
    everyEngine(
      `one request as judged, or a refusal, never two (${transport}, body ${body})`,
      async (t, stand) => {
        const stage = await stand(t, await options())
        for (const [name, { bytes, outcome }] of Object.entries(attempts)) {
          await t.test(name, async () => {
            const { recorder } = stage
            recorder.requests.length = 0
            stage.refusals.length = 0
            stage.malformed.length = 0
            const client = await stage.open()
            client.send(bytes)
            if (outcome === 'refused') {
              const status = await client.answer().then(
                (answer) => answer.status,
                () => 'closed' as const,
              )
              assert.ok(status === 'closed' || (status >= 400 && status < 500), String(status))
              assert.equal(recorder.requests.length, 0)
              if (name !== 'CONNECT') {
                assert.ok(stage.refusals.length + stage.malformed.length > 0, 'no reason was told')
              }
            } else {
              assert.equal((await client.answer()).status, 200)
              assert.equal(recorder.requests.length, 1)
              assert.equal(recorder.requests[0]?.startLine, 'POST /outer HTTP/1.1')
              assert.equal(recorder.requests[0].body, outcome.body)
              assert.ok(!recorder.requests[0].raw.includes('X-Inner'))
            }
            client.destroy()
            await client.closed
            assert.deepEqual(recorder.oddities, [])
          })
        }
      },
    )

    everyEngine(
      `a body that breaks is never a whole request (${transport}, body ${body})`,
      async (t, stand) => {
        const stage = await stand(t, await options())
        for (const [name, bytes] of Object.entries(broken)) {
          await t.test(name, async () => {
            stage.recorder.requests.length = 0
            stage.malformed.length = 0
            const client = await stage.open()
            client.send(bytes)
            assert.equal((await client.answer()).status, 400)
            await client.closed
            assert.equal(stage.recorder.requests.length, 0)
            assert.equal(stage.malformed[0]?.reason, 'request-ambiguous')
            assert.deepEqual(stage.recorder.oddities, [])
          })
        }
      },
    )
  }
}

const pki = makeTestPki()

everyEngine(
  'pipelined requests go up one after the other, and their answers come down in order',
  async (t, stand) => {
    const stage = await stand(t, {
      answer: ({ startLine, socket }) => {
        const text = startLine.split(' ')[1] ?? ''
        const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`
        if (!text.endsWith('first')) return answer
        setImmediate(() => socket.write(answer))
        return undefined
      },
    })
    const client = await stage.open()
    client.send(
      'PATCH /first HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc' +
        'PATCH /second HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\ndef' +
        'GET /third HTTP/1.1\r\nHost: h\r\n\r\n',
    )
    for (const target of ['/first', '/second', '/third']) assert.equal((await client.answer()).body, target)
    assert.deepEqual(
      stage.recorder.requests.map(({ startLine }) => startLine.split(' ')[1]),
      ['/first', '/second', '/third'],
    )
    assert.equal(stage.recorder.connections.length, 1)
  },
)

everyEngine('nothing that follows a refused request on its connection is served', async (t, stand) => {
  const stage = await stand(t)
  const client = await stage.open()
  client.send(`GET /outer HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n${inner}${inner}`)
  assert.equal((await client.answer()).status, 400)
  client.send(inner)
  await client.closed
  assert.equal(client.pending(), '')
  assert.equal(stage.recorder.connections.length, 0)
})

everyEngine('requests that wait for their turn are told when their connection is gone', async (t, stand) => {
  const stage = await stand(t, { answer: () => undefined })
  const client = await stage.open()
  client.send(inner + inner + inner)
  await stage.recorder.request(0)
  client.destroy()
  await stage.left(2)
  assert.equal(stage.recorder.requests.length, 1)
})

everyEngine('a broken request behind a whole one does not answer in its place', async (t, stand) => {
  const stage = await stand(t, { answer: () => undefined })
  const client = await stage.open()
  client.send('GET /first HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n')
  await client.closed
  assert.equal(client.pending(), '')
  assert.equal(stage.malformed[0]?.isAnswered, false)
})
