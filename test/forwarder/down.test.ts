import assert from 'node:assert/strict'
import { valuesOf } from '../support/http-message.js'
import { everyEngine } from './stand.js'

const get = 'GET /a HTTP/1.1\r\nHost: h:8443\r\n\r\n'

for (const presets of [undefined, 'id-0']) {
  everyEngine(
    `fields come down in order, with their repeats, and ours in place of theirs (${presets ?? 'none'} set before)`,
    async (t, stand) => {
      const stage = await stand(t, {
        ...(presets === undefined ? {} : { presets }),
        answer: () =>
          'HTTP/1.1 200 Fine\r\nSet-Cookie: a=1; Path=/\r\nETag: W/"1"\r\nset-cookie: b=2\r\nX-Request-Id: theirs\r\n' +
          'X-Twice: 1\r\nX-Twice: 2\r\nX-Eight: \xe9\r\nContent-Length: 2\r\n\r\nok',
      })
      const client = await stage.open()
      client.send(get)
      const answer = await client.answer()
      assert.equal(answer.startLine, 'HTTP/1.1 200 OK')
      assert.deepEqual(valuesOf(answer, 'set-cookie'), ['a=1; Path=/', 'b=2'])
      assert.deepEqual(valuesOf(answer, 'x-twice'), ['1', '2'])
      assert.deepEqual(valuesOf(answer, 'x-eight'), ['\xe9'])
      assert.deepEqual(valuesOf(answer, 'x-request-id'), ['id-1'])
      assert.deepEqual(valuesOf(answer, 'etag'), ['W/"1"'])
    },
  )
}

everyEngine(
  'hop-by-hop and nominated fields of the upstream stop here, and reasons that are not ours',
  async (t, stand) => {
    const stage = await stand(t, {
      answer: () =>
        'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=99\r\nProxy-Authenticate: x\r\n' +
        'Upgrade: h2c\r\nTE: x\r\nAlt-Svc: h2="elsewhere:443"\r\nRefresh: 0; url=http://elsewhere/\r\nRor-Gateway-Reason: rate-limited\r\nX-End: 1\r\nContent-Length: 2\r\n\r\nok',
    })
    const client = await stage.open()
    client.send(get)
    const answer = await client.answer()
    const withheld = [
      'x-hop',
      'proxy-authenticate',
      'upgrade',
      'te',
      'alt-svc',
      'refresh',
      'ror-gateway-reason',
    ]
    for (const name of withheld) {
      assert.deepEqual(valuesOf(answer, name), [], name)
    }
    assert.deepEqual(valuesOf(answer, 'x-end'), ['1'])
    assert.ok(!valuesOf(answer, 'keep-alive').includes('timeout=99'))
  },
)

everyEngine(
  'an upstream whose Connection names Content-Length does not unframe the answer',
  async (t, stand) => {
    const stage = await stand(t, {
      answer: () => 'HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n\r\nok',
    })
    const client = await stage.open()
    client.send(get)
    assert.equal((await client.answer()).body, 'ok')
  },
)

const locations: readonly (readonly [sent: string, seen: string])[] = [
  ['{origin}/fhir/Location/1?a=b#c', 'https://h:8443/fhir/Location/1?a=b#c'],
  ['{origin}', 'https://h:8443'],
  ['{origin}?a=b', 'https://h:8443?a=b'],
  ['{origin}#c', 'https://h:8443#c'],
  ['{origin}\\x', 'https://h:8443\\x'],
  ['{ORIGIN}/x', 'https://h:8443/x'],
  ['//127.0.0.1:{port}/x', 'https://h:8443/x'],
  ['{origin}1/x', '{origin}1/x'],
  ['{origin}@elsewhere/x', '{origin}@elsewhere/x'],
  // a name and a password are for the upstream alone: nobody is sent to the gateway without them
  ['http://name:word@127.0.0.1:{port}/x', 'http://name:word@127.0.0.1:{port}/x'],
  ['//name@127.0.0.1:{port}/x', '//name@127.0.0.1:{port}/x'],
  ['https://elsewhere/x?u={origin}/', 'https://elsewhere/x?u={origin}/'],
  ['https://127.0.0.1:{port}/x', 'https://127.0.0.1:{port}/x'],
  ['/x//y', '/x//y'],
  ['x', 'x'],
  ['http://', 'http://'],
]

everyEngine(
  'Location and Content-Location that name the upstream name the gateway, and no other field does',
  async (t, stand) => {
    const stage = await stand(t)
    const client = await stage.open()
    const { port, origin } = stage.recorder
    const fill = (text: string): string =>
      text
        .replaceAll('{origin}', origin)
        .replaceAll('{ORIGIN}', origin.toUpperCase())
        .replaceAll('{port}', String(port))
    for (const [sent, seen] of locations) {
      const value = fill(sent)
      stage.recorder.answer = () =>
        `HTTP/1.1 201 Created\r\nLocation: ${value}\r\nContent-Location: ${value}\r\nLink: <${value}>\r\nContent-Length: 0\r\n\r\n`
      client.send(get)
      const answer = await client.answer()
      assert.deepEqual(valuesOf(answer, 'location'), [fill(seen)])
      assert.deepEqual(valuesOf(answer, 'content-location'), [fill(seen)])
      assert.deepEqual(valuesOf(answer, 'link'), [`<${value}>`])
    }
  },
)

everyEngine('204, 304 and answers to HEAD have no body, and the connection goes on', async (t, stand) => {
  const stage = await stand(t)
  const client = await stage.open()
  const cases = [
    ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 204, []],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n', 304, ['5']],
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 200, ['5']],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 200, []],
    ['HEAD', 'HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n', 404, ['7']],
    ['GET', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n', 205, ['0']],
  ] as const
  for (const [method, bytes, status, lengths] of cases) {
    stage.recorder.answer = () => bytes
    client.send(`${method} /a HTTP/1.1\r\nHost: h\r\n\r\n`)
    const answer = await client.answer({ isHead: method === 'HEAD' })
    assert.equal(answer.status, status)
    assert.deepEqual(valuesOf(answer, 'content-length'), lengths)
    assert.equal(client.pending(), '')
  }
  // not past the 204 that announced a body, which may be on its way
  assert.equal(stage.recorder.connections.length, 2)
  assert.deepEqual(
    stage.recorder.requests.map(({ connection }) => connection),
    [0, 1, 1, 1, 1, 1],
  )
})

everyEngine('an answer that ends with its connection comes down framed', async (t, stand) => {
  const stage = await stand(t, {
    answer: ({ socket }) => {
      socket.end('HTTP/1.1 200 OK\r\n\r\nto the end')
      return undefined
    },
  })
  const client = await stage.open()
  client.send(get)
  const answer = await client.answer()
  assert.equal(answer.body, 'to the end')
  assert.deepEqual(valuesOf(answer, 'transfer-encoding'), ['chunked'])
})

everyEngine('1xx of an upstream are not relayed', async (t, stand) => {
  const stage = await stand(t, {
    answer: () =>
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  })
  const client = await stage.open()
  client.send(get)
  const answer = await client.answer()
  assert.equal(answer.status, 200)
  assert.deepEqual(valuesOf(answer, 'link'), [])
})

// each of these ended the process, or reached the client, through plain http-proxy
const poisonous: Readonly<Record<string, string>> = {
  'status 099': 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n',
  'status 000': 'HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n',
  'status 600': 'HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n',
  'status 999': 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n',
  'an upgrade nobody asked for': 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nxyz',
  'no HTTP at all': 'SSH-2.0-OpenSSH\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk',
  'length and coding': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a coding that is not `chunked`': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
  'a list of codings': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'a head that is too large': `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(200_000)}\r\nContent-Length: 0\r\n\r\n`,
  'a length that is none': 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok',
  'a bare CR in a value': 'HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: b=c\r\nContent-Length: 0\r\n\r\n',
  'a NUL in a value': 'HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 0\r\n\r\n',
}
for (const [name, bytes] of Object.entries(poisonous)) {
  everyEngine(
    `${name} from an upstream is a failure that answers, and the next request goes through`,
    async (t, stand) => {
      const stage = await stand(t, { answer: () => bytes })
      const client = await stage.open()
      client.send(get)
      const outcome = await stage.outcome(0)
      assert.equal(outcome.kind, 'failed')
      assert.equal(outcome.code, 'upstream-response-invalid')
      assert.equal(outcome.responseStarted, false)
      const answer = await client.answer()
      assert.equal(answer.status, 502)
      assert.deepEqual(valuesOf(answer, 'set-cookie'), [])
      stage.recorder.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      const next = await stage.open()
      next.send(get)
      assert.equal((await next.answer()).body, 'ok')
    },
  )
}

// these are forwarded, harmless
const harmless: Readonly<Record<string, string>> = {
  'Trailer beside Content-Length': 'HTTP/1.1 200 OK\r\nTrailer: X-A\r\nContent-Length: 2\r\n\r\nok',
  '304 with Trailer': 'HTTP/1.1 304 Not Modified\r\nTrailer: X-A\r\n\r\n',
  'a trailer section':
    'HTTP/1.1 200 OK\r\nTrailer: X-A\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: trailed\r\n\r\n',
}
for (const [name, bytes] of Object.entries(harmless)) {
  everyEngine(
    `${name} from an upstream does not end the process, and no trailer comes down`,
    async (t, stand) => {
      const stage = await stand(t, { answer: () => bytes })
      const client = await stage.open()
      client.send(get)
      const answer = await client.answer()
      assert.ok(answer.status === 200 || answer.status === 304)
      assert.deepEqual(valuesOf(answer, 'trailer'), [])
      assert.ok(!answer.raw.includes('trailed'))
      assert.equal((await stage.outcome(0)).kind, 'answered')
    },
  )
}

everyEngine('an answer nobody asked for never becomes the next request’s', async (t, stand) => {
  const stage = await stand(t)
  const client = await stage.open()
  client.send(get)
  const { socket } = await stage.recorder.request(0)
  assert.equal((await client.answer()).body, 'ok')
  const [first] = stage.recorder.connections
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison')
  await first?.closed
  client.send(get)
  assert.equal((await client.answer()).body, 'ok')
  assert.equal(stage.recorder.connections.length, 2)
})

everyEngine('two answers at once: the second one is dropped with its connection', async (t, stand) => {
  const twice = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  const stage = await stand(t, {
    answer: ({ connection }) => (connection === 0 ? twice + twice.replace('ok', 'no') : twice),
  })
  const client = await stage.open()
  for (let round = 0; round < 3; round += 1) {
    client.send(get)
    const answer = await client.answer()
    assert.notEqual(answer.body, 'no')
  }
})

everyEngine('the head of an answer comes down before its body', async (t, stand) => {
  const stage = await stand(t, { answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n' })
  const client = await stage.open()
  client.send(get)
  await client.until('\r\n\r\n')
  stage.recorder.requests[0]?.socket.write('ok')
  assert.equal((await client.answer()).body, 'ok')
})

everyEngine('HTTP/1.0 clients get an answer without chunks', async (t, stand) => {
  const stage = await stand(t, {
    answer: () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  })
  const client = await stage.open()
  client.send('GET /a HTTP/1.0\r\nHost: h\r\n\r\n')
  await client.closed
  const answer = await client.answer()
  assert.equal(answer.body, 'ok')
  assert.deepEqual(valuesOf(answer, 'transfer-encoding'), [])
  assert.equal(stage.recorder.requests[0]?.startLine, 'GET /a HTTP/1.1')
})
