import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openRaw } from '../support/raw-client.js'
import { until } from '../support/until.js'
import { makeStand, rawRequest, type Stand } from './stand.js'

const limits = 'limits: { answerTimeoutMs: 300, answerBytesPerSecond: 1000000, upstreamTimeoutMs: 600000 }\n'

async function hits(stand: Stand): Promise<number> {
  return metric(stand, 'limits_hit_total{environment="sandbox",limit="answerBytesPerSecond"}')
}

async function metric({ gateway }: Stand, series: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${gateway.admin?.port ?? 0}/metrics`)
  const line = (await answer.text()).split('\n').find((each) => each.startsWith(`ror_gateway_${series} `))
  return Number(line?.split(' ').at(-1) ?? 0)
}

function auditLines({ folder }: Stand): Record<string, unknown>[] {
  const lines = readFileSync(join(folder, 'audit.ndjson'), 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>) // objects, as the audit writes
}

// what either takes in 50 ms: nothing at all, or far less than it should
for (const engine of ['direct', 'http-proxy']) {
  for (const [reader, bytes] of [
    ['a client that stops reading', 0],
    ['a client that reads in small sips', 4_096],
  ] as const) {
    test(`${reader} is let go, and with it its upstream connection; others are served meanwhile [${engine}]`, async (context) => {
      const stand = await makeStand(context, {
        config: (text) => `${text}${limits}forwarding: { engine: ${engine} }\n`,
      })
      const { upstream } = stand
      upstream.answer = ({ socket }) => {
        const piece = Buffer.from(`10000\r\n${'a'.repeat(65_536)}\r\n`)
        const more = (): void => {
          while (socket.write(piece));
        }
        socket.on('drain', more)
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
        more()
        return undefined
      }
      const client = await openRaw(stand.port, stand.tls())
      context.after(() => {
        client.destroy()
      })
      client.send(rawRequest({}))
      await client.until('aaaa')
      client.socket.removeAllListeners('data')
      client.socket.pause()
      const sips = setInterval(() => {
        client.socket.read(bytes)
      }, 50)
      context.after(() => {
        clearInterval(sips)
      })
      await upstream.request(0)
      upstream.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      assert.equal((await stand.send({})).status, 200)
      await upstream.connections[0]?.closed
      await until('a limit that was reached', async () => (await hits(stand)) > 0)
      await stand.gateway.flushAudit()
      const line = auditLines(stand).find(({ outcome }) => outcome === 'client-left')
      assert.equal(line?.['reason'], 'client-left')
      assert.equal(line['detail'], 'the client took its answer too slowly')
    })
  }
}

test('a client that asks and asks and never reads its refusals is let go', async (context) => {
  const stand = await makeStand(context, { config: (text) => text + limits })
  const client = await openRaw(stand.port, stand.tls(undefined, { cert: undefined, key: undefined }))
  context.after(() => {
    client.destroy()
  })
  client.socket.pause()
  const refused = (): Promise<number> =>
    metric(
      stand,
      'requests_total{environment="sandbox",api="fhir-read",decision="deny",reason="certificate-missing"}',
    )
  // not too many at a time, which would end the connection for another reason
  let sent = 0
  await until('a limit that was reached', async () => {
    if ((await hits(stand)) > 0) return true
    if ((await refused()) < sent) return false
    client.send(rawRequest({}).repeat(50))
    sent += 50
    return false
  })
  // unread, the end of the other side would not be heard
  client.socket.resume()
  await client.closed
  assert.equal(stand.upstream.connections.length, 0)
  assert.equal((await stand.send({})).status, 200)
})
