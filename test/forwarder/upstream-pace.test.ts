import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { plainAnswer } from '../support/recorder.js'
import { brokenOff, engines, everyEngine, openStand } from './stand.js'

const get = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n'
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** An answer of single bytes, each long before a silence would count; whole in the end, should nobody mind. */
function sip(socket: Socket, framing: 'length' | 'chunked'): void {
  const count = 1_500
  const isChunked = framing === 'chunked'
  socket.write(
    `HTTP/1.1 200 OK\r\n${isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${count}`}\r\n\r\n`,
  )
  let sent = 0
  const timer = setInterval(() => {
    sent += 1
    socket.write(isChunked ? '1\r\nx\r\n' : 'x')
    if (sent < count) return
    clearInterval(timer)
    if (isChunked) socket.write('0\r\n\r\n')
  }, 10)
  socket.once('close', () => {
    clearInterval(timer)
  })
}

for (const framing of ['length', 'chunked'] as const) {
  everyEngine(
    `an answer that comes in sips (${framing}) fails as upstream-timeout, and looks whole to nobody`,
    async (t, stand) => {
      const stage = await stand(t, {
        answer: ({ socket }) => {
          sip(socket, framing)
          return undefined
        },
        timeouts: { idleMs: 500, bytesPerSecond: 100_000 },
      })
      const client = await stage.open()
      client.send(get)
      const outcome = await brokenOff(stage, client)
      assert.equal(outcome.code, 'upstream-timeout')
      assert.match(outcome.cause.message, /^the upstream sent (?:less than 100000 bytes a second|nothing)/)
      await stage.recorder.connections[0]?.closed
    },
  )
}

everyEngine(
  'the time that a client takes for its answer is not held against the upstream',
  async (t, stand) => {
    // the clock stands still but for the looks at a client that reads nothing: each takes a quarter of the grace
    let clock = 0
    let looks = 0
    let stepMs = 0
    const now = (): number => {
      looks += 1
      clock += stepMs
      return clock
    }
    const total = 32_000_000
    const stage = await stand(t, {
      answer: () =>
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`),
          Buffer.alloc(total, 'x'),
        ]),
      timeouts: { idleMs: 400, bytesPerSecond: 1_000_000 },
      now,
    })
    const client = connect(stage.port, '127.0.0.1')
    client.on('error', () => undefined)
    client.pause()
    client.write(get)
    await stage.recorder.request(0)
    const { socket } = stage.recorder.requests[0] ?? assert.fail()
    // until nothing moves any more
    let last = -1
    for (let still = 0; still < 500; still += 1) {
      if (socket.bytesWritten - socket.writableLength !== last) still = 0
      last = socket.bytesWritten - socket.writableLength
      await turn()
    }
    assert.ok(socket.writableLength > 0)
    stepMs = 100
    for (const before = looks; looks < before + 10 && stage.outcomes.length === 0;) await turn()
    stepMs = 0
    client.resume()
    const outcome = await stage.outcome(0)
    client.destroy()
    assert.equal(outcome.kind, 'answered')
    assert.equal(outcome.bytesDown, total)
  },
)

everyEngine(
  'the time that a client takes for its body is not held against an upstream that answers it as it comes',
  async (t, stand) => {
    // a second of the clock passes with each byte: after four of them the grace would be used up
    let clock = 0
    let looks = 0
    const now = (): number => {
      looks += 1
      return clock
    }
    const sent = 'abcdef'
    const stage = await stand(t, {
      // once the request is whole
      answer: () => 'f',
      timeouts: { idleMs: 3_000, bytesPerSecond: 1_000_000 },
      now,
    })
    const client = await stage.open()
    client.send('POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n')
    for (let index = 0; index < sent.length - 1; index += 1) {
      const byte = sent.charAt(index)
      client.send(byte)
      while (stage.recorder.connections[0]?.text.endsWith(`\r\n${sent.slice(0, index + 1)}`) !== true) {
        assert.deepEqual(stage.outcomes, [])
        await turn()
      }
      const { socket } = stage.recorder.connections[0]
      socket.write(index === 0 ? `HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n${byte}` : byte)
      await client.until(`\r\n\r\n${sent.slice(0, index + 1)}`)
      clock += 1_000
      for (const before = looks; looks === before && stage.outcomes.length === 0;) await turn()
    }
    client.send('f')
    assert.equal((await client.answer()).body, sent)
    const outcome = await stage.outcome(0)
    assert.equal(outcome.kind, 'answered')
  },
)

test('an answer that has not begun is given its own time, whatever its pace would be [direct]', async (t) => {
  let clock = 0
  let looks = 0
  const now = (): number => {
    looks += 1
    return clock
  }
  const timeouts = { idleMs: 1_000, responseMs: 20_000, bytesPerSecond: 1_000_000 }
  const stage = await openStand(t, { answer: () => undefined, timeouts, now }, engines.direct)
  const client = await stage.open()
  client.send(get)
  const { socket } = await stage.recorder.request(0)
  for (let second = 0; second < 4; second += 1) {
    clock += 1_000
    for (const before = looks; looks === before && stage.outcomes.length === 0;) await turn()
  }
  socket.write(plainAnswer)
  assert.equal((await client.answer()).body, 'ok')
})
