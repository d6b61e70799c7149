import assert from 'node:assert/strict'
import { once } from 'node:events'
import { valuesOf } from '../support/http-message.js'
import { everyEngine } from './stand.js'

everyEngine('the target goes up byte for byte, whatever http-proxy would rewrite in it', async (t, stand) => {
  const stage = await stand(t)
  const client = await stage.open()
  for (const target of [
    '/Location?identifier=1350054680%2FSSR38888',
    '/a/http:/b',
    '/a/https://b?c=http:/d',
    '//a///b',
    '/a/../b/./c',
    '/a?b=//c&d=../e',
    '/%4c%2f?x=%7C|%20',
    '/a?',
    '/a??b',
    '/?',
  ]) {
    client.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`)
    assert.equal((await client.answer()).status, 200)
    assert.equal(stage.recorder.requests.at(-1)?.startLine, `GET ${target} HTTP/1.1`)
  }
})

everyEngine('the target is exact for a request that waits for a free connection', async (t, stand) => {
  const held: { write: (text: string) => void }[] = []
  const stage = await stand(t, {
    maxConnections: 1,
    answer: ({ socket, startLine }) => {
      if (!startLine.includes('/first')) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      held.push(socket)
      return undefined
    },
  })
  const first = await stage.open()
  first.send('GET /first HTTP/1.1\r\nHost: h\r\n\r\n')
  await stage.recorder.request(0)
  const second = await stage.open()
  second.send('POST /a/http:/b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc')
  await once(stage.server, 'request')
  held[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  await first.answer()
  assert.equal((await second.answer()).status, 200)
  assert.equal(stage.recorder.requests[1]?.startLine, 'POST /a/http:/b HTTP/1.1')
  assert.equal(stage.recorder.requests[1].body, 'abc')
  assert.equal(stage.recorder.connections.length, 1)
})

for (const body of ['stream', 'judged'] as const) {
  for (const method of ['POST', 'PUT', 'PATCH']) {
    everyEngine(
      `a chunked body of ${method} is one request upstream, framed by us (${body})`,
      async (t, stand) => {
        const stage = await stand(t, { body })
        const client = await stage.open()
        client.send(
          `${method} /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n` +
            '5;ext="a"\r\nGET /\r\n4\r\n b H\r\n0\r\nX-Trailer: y\r\n\r\n',
        )
        assert.equal((await client.answer()).status, 200)
        const [request] = stage.recorder.requests
        assert.equal(request?.body, 'GET / b H')
        assert.equal(valuesOf(request, 'x-trailer').length, 0)
        assert.ok(!stage.recorder.connections[0]?.text.includes('ext='))
        assert.deepEqual(valuesOf(request, 'content-length'), body === 'judged' ? ['9'] : [])
        assert.deepEqual(valuesOf(request, 'transfer-encoding'), body === 'judged' ? [] : ['chunked'])
        assert.equal(stage.recorder.requests.length, 1)
        assert.deepEqual(stage.recorder.oddities, [])
      },
    )
  }
  everyEngine(`a body with a length goes up with that length (${body})`, async (t, stand) => {
    const stage = await stand(t, { body })
    const client = await stage.open()
    client.send('PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\na\0\xff\r\n')
    assert.equal((await client.answer()).status, 200)
    assert.equal(stage.recorder.requests[0]?.body, 'a\0\xff\r\n')
    assert.deepEqual(valuesOf(stage.recorder.requests[0], 'content-length'), ['5'])
    const outcome = await stage.outcome(0)
    assert.equal(outcome.kind, 'answered')
    assert.equal(outcome.bytesUp, 5)
    assert.equal(outcome.bytesDown, 2)
  })
}

for (const method of ['DELETE', 'OPTIONS', 'GET', 'HEAD']) {
  everyEngine(
    `a chunked ${method} never becomes a second request (CVE-2026-29057, node-http-proxy #1720, #1721)`,
    async (t, stand) => {
      const stage = await stand(t)
      const client = await stage.open()
      client.send(
        `${method} /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n` +
          '1c\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n0\r\n\r\n',
      )
      assert.equal((await client.answer({ isHead: method === 'HEAD' })).status, 400)
      assert.deepEqual(stage.refusals, ['request-ambiguous'])
      assert.equal(stage.recorder.connections.length, 0)
    },
  )
}

everyEngine('a request without a body is told to have none', async (t, stand) => {
  const stage = await stand(t)
  const client = await stage.open()
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH']) {
    client.send(`${method} /a HTTP/1.1\r\nHost: h\r\n\r\n`)
    assert.equal((await client.answer()).status, 200)
    const request = stage.recorder.requests.at(-1)
    assert.ok(request !== undefined)
    const hasBody = method.startsWith('P')
    assert.deepEqual(valuesOf(request, 'content-length'), hasBody ? ['0'] : [], method)
    assert.deepEqual(valuesOf(request, 'transfer-encoding'), [], method)
  }
})

everyEngine(
  'hop-by-hop and nominated fields stop here, and ours stand though Connection names them',
  async (t, stand) => {
    const stage = await stand(t, { identity: [['X-Identity', 'ours']] })
    const client = await stage.open()
    client.send(
      'GET /a HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, x-identity, X-Mine\r\nKeep-Alive: timeout=9\r\n' +
        'Proxy-Connection: close\r\nTE: trailers\r\nProxy-Authorization: x\r\nX-Mine: 1\r\nX-Identity: theirs\r\nX-Other: 2\r\n\r\n',
    )
    assert.equal((await client.answer()).status, 200)
    const [request] = stage.recorder.requests
    assert.ok(request !== undefined)
    assert.deepEqual(valuesOf(request, 'x-identity'), ['ours'])
    assert.deepEqual(valuesOf(request, 'x-other'), ['2'])
    assert.deepEqual(valuesOf(request, 'connection'), ['keep-alive'])
    for (const name of ['keep-alive', 'proxy-connection', 'te', 'proxy-authorization', 'x-mine']) {
      assert.deepEqual(valuesOf(request, name), [], name)
    }
  },
)

everyEngine('fields keep their order, spelling and repeats', async (t, stand) => {
  const stage = await stand(t)
  const client = await stage.open()
  client.send(
    'GET /a HTTP/1.1\r\naccept: a\r\nHOST: h:8443\r\nACCEPT: b\r\nCookie: c=1\r\nCookie: d=2\r\n__proto__: x\r\nconstructor: y\r\n\r\n',
  )
  assert.equal((await client.answer()).status, 200)
  const fields = stage.recorder.requests[0]?.fields.slice(0, 7)
  assert.deepEqual(fields, [
    ['Host', 'h:8443'],
    ['accept', 'a'],
    ['ACCEPT', 'b'],
    ['Cookie', 'c=1'],
    ['Cookie', 'd=2'],
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
})

everyEngine('requests share pooled connections, within the bound', async (t, stand) => {
  const stage = await stand(t, { maxConnections: 2 })
  const clients = await Promise.all([stage.open(), stage.open(), stage.open(), stage.open()])
  for (let round = 0; round < 3; round += 1) {
    for (const client of clients) client.send('GET /a HTTP/1.1\r\nHost: h\r\n\r\n')
    await Promise.all(clients.map((client) => client.answer()))
  }
  assert.equal(stage.recorder.requests.length, 12)
  assert.ok(stage.recorder.connections.length <= 2, `${stage.recorder.connections.length} connections`)
})

everyEngine(
  'Expect: 100-continue is answered by us, when somebody reads the body, and not passed on',
  async (t, stand) => {
    for (const body of ['stream', 'judged'] as const) {
      const stage = await stand(t, { body })
      const client = await stage.open()
      client.send('POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
      const interim = await client.answer()
      assert.equal(interim.startLine, 'HTTP/1.1 100 Continue')
      client.send('abc')
      assert.equal((await client.answer()).status, 200)
      const [request] = stage.recorder.requests
      assert.equal(request?.body, 'abc')
      assert.deepEqual(valuesOf(request, 'expect'), [])
    }
  },
)

everyEngine('an upstream that cannot be reached fails before the body is asked for', async (t, stand) => {
  const stage = await stand(t)
  await stage.recorder.close()
  const client = await stage.open()
  client.send('POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n')
  const answer = await client.answer()
  assert.equal(answer.status, 502)
  assert.deepEqual(valuesOf(answer, 'x-reason'), ['upstream-refused'])
})
