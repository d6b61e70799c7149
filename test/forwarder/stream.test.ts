import assert from 'node:assert/strict'
import { createHash, hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { makeTestPki } from '../support/pki.js'
import { until } from '../support/until.js'
import { everyEngine } from './stand.js'

// what is held is what is left when garbage is gone
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void // the flag defines it

const mebibyte = 1_048_576
const total = 50 * mebibyte
const piece = Buffer.alloc(65_536, 'a')

/** No two alike, so that none can stand for another. */
function* pieces(): Generator<Buffer> {
  for (let sent = 0; sent < total; sent += piece.length) {
    const each = Buffer.from(piece)
    for (let at = 0; at < each.length; at += 512) each.writeUInt32BE(sent + at, at)
    yield each
  }
}

const digest = createHash('sha256')
for (const each of pieces()) digest.update(each)
const wholeSha256 = digest.digest('hex')

/** Reads in small steps, so that what does not flow has to wait somewhere. Resolves to the digest of all. */
async function readSlowly(message: IncomingMessage, watch: () => void): Promise<string> {
  const read = createHash('sha256')
  let bytes = 0
  let next = 0
  for await (const chunk of message) {
    const { length } = chunk as Buffer // no encoding is set, so chunks are buffers
    read.update(chunk as Buffer) // as above
    bytes += length
    if (bytes < next) continue
    next += mebibyte
    await new Promise((resolve) => setImmediate(resolve))
    watch()
  }
  return read.digest('hex')
}

for (const transport of ['TCP', 'TLS'] as const) {
  everyEngine(`50 MB stream down and up in flat memory (${transport})`, async (t, stand) => {
    const upstream = createServer((request, response) => {
      if (request.method === 'GET') {
        void pipeline(Readable.from(pieces()), response).catch(() => undefined)
        return
      }
      void readSlowly(request, watch).then((sha256) => response.end(sha256))
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
    assert.equal(await readSlowly(answer, watch), wholeSha256)
    const first = await stage.outcome(0)
    assert.equal(first.kind, 'answered')
    assert.equal(first.bytesDown, total)

    const up = ask('PUT')
    await pipeline(Readable.from(pieces()), up)
    const [told] = (await once(up, 'response')) as [IncomingMessage] // the event's argument
    assert.equal(Buffer.concat((await told.toArray()) as Buffer[]).toString(), wholeSha256) // no encoding is set
    const second = await stage.outcome(1)
    assert.equal(second.kind, 'answered')
    assert.equal(second.bytesUp, total)

    // with what garbage collection has not given back yet, far from the whole
    assert.ok(most < 20 * mebibyte, `${(most / mebibyte).toFixed(1)} MB were held at one time`)
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

everyEngine('what waits for a client that reads late comes as it was sent', async (t, stand) => {
  const pieceBytes = 6_000
  const count = 3_000
  const sent = createHash('sha256')
  let tellHeldBack: (isSo: boolean) => void = () => undefined
  const heldBack = new Promise<boolean>((resolve) => {
    tellHeldBack = resolve
  })
  const sendAll = async (socket: Socket): Promise<void> => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${pieceBytes * count}\r\n\r\n`)
    for (let index = 0; index < count; index += 1) {
      const each = Buffer.alloc(pieceBytes, index % 251)
      each.writeUInt32BE(index, 0)
      sent.update(each)
      if (!socket.write(each)) {
        tellHeldBack(true)
        await once(socket, 'drain')
      }
      // one after the other, so that each is read by itself
      await new Promise((resolve) => setImmediate(resolve))
    }
    tellHeldBack(false)
  }
  const stage = await stand(t, {
    answer: ({ socket }) => {
      void sendAll(socket)
      return undefined
    },
  })
  const client = connect(stage.port, '127.0.0.1')
  client.pause()
  client.write('GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
  assert.ok(await heldBack, 'all of it went to a client that reads nothing')
  const answer = Buffer.concat((await client.toArray()) as Buffer[]) // no encoding is set
  assert.equal(hash('sha256', answer.subarray(-pieceBytes * count)), sent.digest('hex'))
})

everyEngine('an upstream that does not read holds the client back', async (t, stand) => {
  const stage = await stand(t)
  const client = await stage.open()
  client.send(`PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: ${total}\r\n\r\n`)
  await once(stage.server, 'request')
  const { socket } = await until('a connection', () => stage.recorder.connections[0])
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
