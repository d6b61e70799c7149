import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { makeTestPki } from '../support/pki.js'
import { everyEngine } from './stand.js'

// what is held is what is left when garbage is gone
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void // the flag defines it

const mebibyte = 1_048_576
const total = 50 * mebibyte
const piece = Buffer.alloc(65_536, 'a')

function* pieces(): Generator<Buffer> {
  for (let sent = 0; sent < total; sent += piece.length) yield piece
}

/** Reads in small steps, so that what does not flow has to wait somewhere. */
async function readSlowly(message: IncomingMessage, watch: () => void): Promise<number> {
  let bytes = 0
  let next = 0
  for await (const chunk of message) {
    bytes += (chunk as Buffer).length // no encoding is set, so chunks are buffers
    if (bytes < next) continue
    next += mebibyte
    await new Promise((resolve) => setImmediate(resolve))
    watch()
  }
  return bytes
}

for (const transport of ['TCP', 'TLS'] as const) {
  everyEngine(`50 MB stream down and up in flat memory (${transport})`, async (t, stand) => {
    const upstream = createServer((request, response) => {
      if (request.method === 'GET') {
        void pipeline(Readable.from(pieces()), response).catch(() => undefined)
        return
      }
      void readSlowly(request, watch).then((bytes) => response.end(String(bytes)))
    })
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    t.after(() => {
      upstream.close()
      upstream.closeAllConnections()
    })
    const server = await (await makeTestPki()).server(['localhost'])
    const stage = await stand(t, {
      upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, // a listening TCP server has one
      ...(transport === 'TLS'
        ? { tls: { cert: server.chainPem, key: server.keyPem, ca: server.chainPem } }
        : {}),
    })
    const send = transport === 'TLS' ? httpsRequest : httpRequest
    const ask = (method: string) =>
      send({
        host: '127.0.0.1',
        port: stage.port,
        method,
        path: '/a',
        agent: false,
        headers: { host: 'h' },
        ...(transport === 'TLS' ? { checkServerIdentity: () => undefined, ca: server.certPem } : {}),
        ...(transport === 'TLS' ? { allowPartialTrustChain: true } : {}),
      })

    let most = 0
    collect()
    const before = process.memoryUsage().arrayBuffers
    function watch(): void {
      collect()
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }

    const down = ask('GET')
    down.end()
    const [answer] = (await once(down, 'response')) as [IncomingMessage] // the event's argument
    assert.equal(await readSlowly(answer, watch), total)
    const first = await stage.outcome(0)
    assert.equal(first.kind, 'answered')
    assert.equal(first.bytesDown, total)

    const up = ask('PUT')
    await pipeline(Readable.from(pieces()), up)
    const [told] = (await once(up, 'response')) as [IncomingMessage] // the event's argument
    assert.equal(Buffer.concat((await told.toArray()) as Buffer[]).toString(), String(total)) // no encoding is set
    const second = await stage.outcome(1)
    assert.equal(second.kind, 'answered')
    assert.equal(second.bytesUp, total)

    assert.ok(most < 8 * mebibyte, `${(most / mebibyte).toFixed(1)} MB were held at one time`)
  })
}

everyEngine('a client that does not read holds the upstream back', async (t, stand) => {
  let sent = 0
  const stage = await stand(t, {
    answer: ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      const more = (): void => {
        while (sent < total) {
          sent += piece.length
          if (!socket.write(piece)) return
        }
      }
      socket.on('drain', more)
      more()
      return undefined
    },
  })
  const client = await stage.open()
  client.socket.pause()
  client.send('GET /a HTTP/1.1\r\nHost: h\r\n\r\n')
  await stage.recorder.request(0)
  // until the kernel's buffers are full: nothing moves in ten turns of the event loop any more
  let last = -1
  for (let still = 0; still < 2_000; still += 1) {
    if (sent !== last) still = 0
    last = sent
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(sent < total, `${sent} bytes went to a client that reads nothing`)
  client.destroy()
  await stage.recorder.connections[0]?.closed
  assert.equal((await stage.outcome(0)).kind, 'client-left')
})

everyEngine('an upstream that does not read holds the client back', async (t, stand) => {
  const stage = await stand(t)
  const client = await stage.open()
  client.send(`PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: ${total}\r\n\r\n`)
  await once(stage.server, 'request')
  while (stage.recorder.connections[0] === undefined) await new Promise((resolve) => setImmediate(resolve))
  const { socket } = stage.recorder.connections[0]
  socket.pause()
  let taken = 0
  const more = (): void => {
    while (taken < total) {
      taken += piece.length
      if (!client.socket.write(piece)) return
    }
  }
  client.socket.on('drain', more)
  more()
  let last = -1
  for (let still = 0; still < 2_000; still += 1) {
    if (taken !== last) still = 0
    last = taken
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(taken < total, `${taken} bytes were taken from the client`)
  client.destroy()
  socket.resume()
  assert.equal((await stage.outcome(0)).kind, 'client-left')
})
