import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { valuesOf } from '../support/http-message.js'
import { plainAnswer } from '../support/recorder.js'
import { until } from '../support/until.js'
import { brokenOff, everyEngine } from './stand.js'

const get = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n'
const nothing = (): undefined => undefined

everyEngine('a client that leaves while waiting destroys the upstream request', async (t, stand) => {
  const stage = await stand(t, { answer: nothing })
  const client = await stage.open()
  client.send(get)
  await stage.recorder.request(0)
  client.destroy()
  const outcome = await stage.outcome(0)
  assert.equal(outcome.kind, 'client-left')
  assert.equal(outcome.responseStarted, false)
  await stage.recorder.connections[0]?.closed
})

everyEngine(
  'a client that leaves while its judged body waits for an answer destroys the upstream request',
  async (t, stand) => {
    const stage = await stand(t, { answer: nothing, body: 'judged' })
    const client = await stage.open()
    client.send('PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc')
    await stage.recorder.request(0)
    client.destroy()
    assert.equal((await stage.outcome(0)).kind, 'client-left')
    await stage.recorder.connections[0]?.closed
  },
)

everyEngine('a client that leaves in the queue of the pool leaves the queue', async (t, stand) => {
  const stage = await stand(t, { answer: nothing, maxConnections: 1 })
  const first = await stage.open()
  first.send(get)
  const { socket } = await stage.recorder.request(0)
  const second = await stage.open()
  const queued = once(stage.server, 'request')
  second.send('GET /never HTTP/1.1\r\nHost: h\r\n\r\n')
  await queued
  second.destroy()
  assert.equal((await stage.outcome(0)).kind, 'client-left')
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  assert.equal((await first.answer()).status, 200)
  assert.equal(stage.recorder.requests.length, 1)
})

everyEngine(
  'a client that leaves in the middle of a download destroys the upstream request',
  async (t, stand) => {
    const stage = await stand(t, { answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf' })
    const client = await stage.open()
    client.send(get)
    await client.until('half')
    client.destroy()
    const outcome = await stage.outcome(0)
    assert.equal(outcome.kind, 'client-left')
    assert.equal(outcome.responseStarted, true)
    assert.equal(outcome.upstreamStatus, 200)
    await stage.recorder.connections[0]?.closed
  },
)

everyEngine(
  'a client that leaves in the middle of an upload destroys the upstream request',
  async (t, stand) => {
    const stage = await stand(t, { answer: nothing })
    const client = await stage.open()
    const heard = new Promise<void>((resolve) => {
      stage.server.once('request', () => {
        resolve()
      })
    })
    client.send('PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf')
    await heard
    client.destroy()
    assert.equal((await stage.outcome(0)).kind, 'client-left')
    await stage.recorder.connections[0]?.closed
    assert.equal(stage.recorder.requests.length, 0)
  },
)

for (const [name, bytes] of [
  ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
  ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ['in the middle of a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf'],
] as const) {
  for (const ending of ['ends', 'resets'] as const) {
    everyEngine(`an upstream that ${ending} ${name} never looks like a complete answer`, async (t, stand) => {
      const stage = await stand(t, { answer: () => bytes })
      const client = await stage.open()
      client.send(get)
      await client.until('half')
      const socket = stage.recorder.requests[0]?.socket
      if (ending === 'ends') socket?.end()
      else socket?.resetAndDestroy()
      const outcome = await brokenOff(stage, client)
      assert.equal(outcome.code, 'upstream-broken')
      assert.equal(outcome.responseStarted, true)
      assert.equal(outcome.bytesDown, 4)
    })
  }
}

everyEngine('garbage in the middle of an answer never looks like a complete answer', async (t, stand) => {
  const stage = await stand(t, {
    answer: () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
  })
  const client = await stage.open()
  client.send(get)
  await client.until('half')
  stage.recorder.requests[0]?.socket.write('zz\r\n')
  const outcome = await brokenOff(stage, client)
  assert.equal(outcome.code, 'upstream-response-invalid')
  assert.equal(outcome.responseStarted, true)
})

everyEngine('an upstream that refuses the connection fails as upstream-refused', async (t, stand) => {
  const stage = await stand(t)
  await stage.recorder.close()
  const client = await stage.open()
  client.send(get)
  assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-refused'])
})

everyEngine('an upstream whose name is unknown fails as upstream-refused', async (t, stand) => {
  const stage = await stand(t, { upstream: 'http://ror.invalid:80' })
  const client = await stage.open()
  client.send(get)
  assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-refused'])
})

everyEngine('an upstream that closes without an answer fails as upstream-broken', async (t, stand) => {
  const stage = await stand(t, {
    answer: ({ socket }) => {
      socket.end()
      return undefined
    },
  })
  const client = await stage.open()
  client.send('PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n')
  assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-broken'])
  assert.equal(stage.recorder.requests.length, 1)
})

everyEngine(
  'an upstream that does not answer in time fails as upstream-timeout, and its connection is closed',
  async (t, stand) => {
    const stage = await stand(t, { answer: nothing, timeouts: { responseMs: 30 } })
    const client = await stage.open()
    client.send('PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc')
    assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-timeout'])
    await stage.recorder.connections[0]?.closed
  },
)

everyEngine(
  'a kept connection whose other end vanished without a word fails in time, and the next request takes a fresh one',
  async (t, stand) => {
    let isGone = false
    const stage = await stand(t, {
      answer: ({ connection }) =>
        isGone && connection === 0 ? undefined : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      timeouts: { responseMs: 300 },
    })
    const client = await stage.open()
    client.send(get)
    assert.equal((await client.answer()).status, 200)
    isGone = true
    client.send('PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc')
    assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-timeout'])
    await stage.recorder.connections[0]?.closed
    const next = await stage.open()
    next.send(get)
    assert.equal((await next.answer()).body, 'ok')
    // it may have been done: the write was not sent again
    assert.deepEqual(
      stage.recorder.requests.map(({ startLine, connection }) => [startLine.split(' ')[0], connection]),
      [
        ['GET', 0],
        ['PATCH', 0],
        ['GET', 1],
      ],
    )
  },
)

everyEngine('an upstream that takes nothing more of a body fails as upstream-timeout', async (t, stand) => {
  const stage = await stand(t, { timeouts: { idleMs: 300 } })
  stage.server.once('request', () => {
    const stop = (): void => {
      const socket = stage.recorder.connections[0]?.socket
      if (socket === undefined) setImmediate(stop)
      else socket.pause()
    }
    stop()
  })
  const client = await stage.open()
  client.send(`PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: ${2 ** 30}\r\n\r\n`)
  const piece = Buffer.alloc(65_536)
  const more = (): void => {
    while (client.socket.writable && client.socket.write(piece));
  }
  client.socket.on('drain', more)
  more()
  assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-timeout'])
  assert.equal(stage.recorder.requests.length, 0)
})

everyEngine('an answer that stalls half-way destroys the client’s connection', async (t, stand) => {
  const stage = await stand(t, {
    answer: () => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf',
    timeouts: { idleMs: 30 },
  })
  const client = await stage.open()
  client.send(get)
  const outcome = await brokenOff(stage, client)
  assert.equal(outcome.code, 'upstream-timeout')
})

everyEngine(
  'a client that stalls in its upload is waited for, as the listener bounds it',
  async (t, stand) => {
    const answer = ({ startLine }: { startLine: string }): string =>
      startLine.startsWith('GET') ? 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf' : plainAnswer
    const stage = await stand(t, { answer, timeouts: { idleMs: 30 } })
    const client = await stage.open()
    client.send('PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nhalf')
    await until('half of the body', () => stage.recorder.connections[0]?.text.includes('half'))
    // an upstream that falls silent later is given up for it: as much time has passed
    const other = await stage.open()
    other.send(get)
    await other.closed
    assert.equal((await stage.outcome(0)).kind, 'failed')
    client.send('half')
    assert.equal((await client.answer()).status, 200)
  },
)

everyEngine(
  'a connection that is never established fails as upstream-connect-timeout, not as a slow answer',
  async (t, stand) => {
    // a TLS handshake that nobody answers: the upstream takes the connection and is silent
    const silent = createServer(() => undefined)
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo // a listening TCP server has one
    t.after(() => silent.close())
    const stage = await stand(t, { upstream: `https://127.0.0.1:${port}`, timeouts: { connectMs: 30 } })
    const client = await stage.open()
    client.send(get)
    assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-connect-timeout'])
  },
)

everyEngine(
  'a request that finds no free connection in time is told that we are overloaded',
  async (t, stand) => {
    const stage = await stand(t, { answer: nothing, maxConnections: 1, timeouts: { connectMs: 200 } })
    const first = await stage.open()
    first.send(get)
    await stage.recorder.request(0)
    const second = await stage.open()
    second.send(get)
    assert.deepEqual(valuesOf(await second.answer(), 'x-reason'), ['overloaded'])
    assert.equal(stage.recorder.requests.length, 1)
  },
)

everyEngine('a request beyond the queue is told at once that we are overloaded', async (t, stand) => {
  const stage = await stand(t, { answer: nothing, maxConnections: 1, maxWaiting: 0 })
  const first = await stage.open()
  first.send(get)
  await stage.recorder.request(0)
  const second = await stage.open()
  second.send(get)
  assert.deepEqual(valuesOf(await second.answer(), 'x-reason'), ['overloaded'])
})

// the recorder drops the second request on its first connection, as an upstream does that closed it meanwhile
const closesKept = ({ connection, socket }: { connection: number; socket: { destroy(): void } }) => {
  if (connection > 0 || first) {
    first = false
    return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  }
  socket.destroy()
  return undefined
}
let first = true

everyEngine('a read that a kept connection lost is asked again, once, on another one', async (t, stand) => {
  first = true
  const stage = await stand(t, { answer: closesKept })
  const client = await stage.open()
  client.send(get)
  assert.equal((await client.answer()).body, 'ok')
  client.send(get)
  assert.equal((await client.answer()).body, 'ok')
  assert.deepEqual(
    stage.recorder.requests.map(({ connection }) => connection),
    [0, 0, 1],
  )
  assert.equal(stage.outcomes.length, 2)
})

everyEngine('a write that a kept connection lost is not sent twice', async (t, stand) => {
  first = true
  const stage = await stand(t, { answer: closesKept })
  const client = await stage.open()
  client.send(get)
  assert.equal((await client.answer()).body, 'ok')
  client.send('PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n')
  assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['upstream-broken'])
  assert.equal(stage.recorder.requests.length, 2)
})

everyEngine(
  'an answer that comes before the body is whole comes down, and the rest of the body goes nowhere',
  async (t, stand) => {
    const stage = await stand(t)
    const client = await stage.open()
    client.send('PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf')
    const heard = await new Promise<{ write(text: string): void; once(event: 'data', on: () => void): void }>(
      (resolve) => {
        const look = (): void => {
          const socket = stage.recorder.connections[0]?.socket
          if (socket === undefined) setImmediate(look)
          else resolve(socket)
        }
        look()
      },
    )
    heard.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n')
    assert.equal((await client.answer()).status, 413)
    assert.equal((await stage.outcome(0)).kind, 'answered')
    client.send('whole!')
    await stage.recorder.connections[0]?.closed
    client.send(get)
    assert.equal((await client.answer()).status, 200)
    assert.equal(stage.recorder.requests.length, 1)
    assert.equal(stage.recorder.requests[0]?.startLine, 'GET /a HTTP/1.1')
  },
)

everyEngine('closing the forwarder ends what is under way', async (t, stand) => {
  const stage = await stand(t, { answer: nothing })
  const client = await stage.open()
  client.send(get)
  await stage.recorder.request(0)
  await stage.forwarder.close()
  assert.deepEqual(valuesOf(await client.answer(), 'x-reason'), ['internal'])
})
