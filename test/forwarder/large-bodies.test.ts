import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { makeTestPki } from '../support/pki.js'
import { everyEngine } from './stand.js'

const total = 3_000_000

/** Bytes that are nowhere the same, neither within a body nor between two of them. */
function bodyOf(name: string): Buffer {
  const body = Buffer.alloc(total)
  for (let at = 0; at + 16 <= total; at += 16) body.write(`${name}${at}`.padEnd(16, '.'), at, 'latin1')
  return body
}

function* cut(body: Buffer): Generator<Buffer> {
  let size = 1
  for (let at = 0; at < body.length; at += size) {
    size = (size * 7 + 13) % 70_001
    yield body.subarray(at, at + size)
  }
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** All of a message, taken so slowly that its sender has to wait. */
async function readSlowly(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) {
    chunks.push(chunk as Buffer) // no encoding is set
    await new Promise((resolve) => setImmediate(resolve))
  }
  return Buffer.concat(chunks)
}

const framings = ['by its length', 'in chunks'] as const
// memory is used again and again on the way: no byte of one body may turn up in another
for (const transport of ['TCP', 'TLS'] as const) {
  everyEngine(
    `large bodies that are under way at once stay what they are, up and down (${transport})`,
    async (t, stand) => {
      const upstream = createServer((request, response) => {
        const [, name = '', framing] = (request.url ?? '').split('/')
        if (request.method === 'PUT') {
          void readSlowly(request).then((body) => response.end(digest(body)))
          return
        }
        const body = bodyOf(name)
        if (framing === 'length') response.setHeader('Content-Length', body.length)
        void pipeline(Readable.from(cut(body)), response).catch(() => undefined)
      })
      upstream.listen(0, '127.0.0.1')
      await once(upstream, 'listening')
      t.after(() => {
        upstream.close()
        upstream.closeAllConnections()
      })
      const server = await (await makeTestPki()).server(['localhost'])
      const stage = await stand(t, {
        maxConnections: 2,
        upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, // a listening TCP server has one
        ...(transport === 'TLS' && {
          tls: { cert: server.chainPem, key: server.keyPem, ca: server.chainPem },
        }),
      })
      const send = transport === 'TLS' ? httpsRequest : httpRequest
      const ask = async (method: string, path: string, body?: Buffer, length?: number): Promise<Buffer> => {
        const outgoing = send({
          host: '127.0.0.1',
          port: stage.port,
          method,
          path,
          agent: false,
          headers: { host: 'h', ...(length !== undefined && { 'content-length': length }) },
          ...(transport === 'TLS' && {
            checkServerIdentity: () => undefined,
            ca: server.certPem,
            allowPartialTrustChain: true,
          }),
        })
        const answered = once(outgoing, 'response') as Promise<[IncomingMessage]> // the event's argument
        await pipeline(body === undefined ? [] : cut(body), outgoing)
        return readSlowly((await answered)[0])
      }

      const turns = framings.flatMap((framing) =>
        ['a', 'b', 'c'].map(async (letter) => {
          const isCounted = framing === 'by its length'
          const name = `${letter}${isCounted ? 1 : 2}`
          const whole = digest(bodyOf(name))
          const path = `/${name}/${isCounted ? 'length' : 'chunks'}`
          assert.equal(digest(await ask('GET', path)), whole, `down ${framing}`)
          const told = await ask('PUT', path, bodyOf(name), isCounted ? total : undefined)
          assert.equal(told.toString(), whole, `up ${framing}`)
        }),
      )
      await Promise.all(turns)
      assert.equal(stage.outcomes.filter(({ kind }) => kind === 'answered').length, 12)
    },
  )
}

/** Writes pieces, one a turn of the event loop, until nobody has taken any in 500 of them, and then ends. */
async function writeUntilStuck(sink: Writable, onStuck: () => void): Promise<readonly Buffer[]> {
  const sent: Buffer[] = []
  for (let still = 0; still < 500; still += 1) {
    if (!sink.writableNeedDrain) {
      const piece = pieceOf(sent.length)
      sent.push(piece)
      sink.write(piece)
      still = 0
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  onStuck()
  sink.end()
  return sent
}

function pieceOf(index: number): Buffer {
  return Buffer.alloc(4_000 + (index % 4) * 4_000, String(index).padEnd(8, '.'))
}

everyEngine('what waits for a slow client, or a slow upstream, stays what it is', async (t, stand) => {
  const stuck = new EventEmitter()
  let sent: readonly Buffer[] = []
  const upstream = createServer((request, response) => {
    if (request.method === 'GET') {
      void writeUntilStuck(response, () => stuck.emit('stuck')).then((pieces) => (sent = pieces))
      return
    }
    stuck.once('stuck', () => {
      void request.toArray().then((chunks) => response.end(digest(Buffer.concat(chunks as Buffer[])))) // no encoding is set
    })
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.after(() => {
    upstream.close()
    upstream.closeAllConnections()
  })
  const stage = await stand(t, {
    upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`, // a listening TCP server has one
  })
  const ask = (method: string): ClientRequest =>
    httpRequest({ host: '127.0.0.1', port: stage.port, agent: false, method, headers: { host: 'h' } })

  const down = ask('GET')
  down.end()
  const [answer] = (await once(down, 'response')) as [IncomingMessage] // the event's argument
  await once(stuck, 'stuck')
  const whole = Buffer.concat((await answer.toArray()) as Buffer[]) // no encoding is set
  assert.equal(digest(whole), digest(Buffer.concat(sent)), 'down')

  const up = ask('PUT')
  const answered = once(up, 'response') as Promise<[IncomingMessage]> // the event's argument
  const pieces = await writeUntilStuck(up, () => stuck.emit('stuck'))
  const told = await (await answered)[0].toArray()
  assert.equal(Buffer.concat(told as Buffer[]).toString(), digest(Buffer.concat(pieces)), 'up') // no encoding is set
})
