import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { makeStand } from './stand.js'

// the beginning of a ClientHello: what TLS waits for behind it never comes
const begun = Buffer.from('1603010200010001fc0303', 'hex')

test('a flood of handshakes, stalled again and again from one address and carried through from another, keeps nobody else out', async (context) => {
  const stand = await makeStand(context, {
    config: (text) => `${text}limits: { handshakes: 20, handshakeTimeoutMs: 120000 }\n`,
  })
  let isOver = false
  let stalled = 0
  const stall = (): void => {
    if (isOver) return
    stalled += 1
    const socket = connectTcp({ port: stand.port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    socket.on('error', () => undefined)
    // unread, the end of the other side would not be heard
    socket.resume()
    socket.write(begun)
    socket.once('close', () => setImmediate(stall))
    context.after(() => {
      socket.destroy()
    })
  }
  for (let index = 0; index < 40; index += 1) stall()
  // net.connect's own option, which tls.connect hands on
  const there = { ...stand.tls(), port: stand.port, host: '127.0.0.1', localAddress: '127.0.0.3' }
  const burst = Array.from({ length: 100 }, () => connectTls(there))
  const carried = Promise.all(burst.map(secured))
  context.after(() => {
    isOver = true
    for (const socket of burst) socket.destroy()
  })

  // each a connection of its own, from an address that takes no part: its first attempt is the one that counts
  for (let served = 0; served < 20; served += 1) assert.equal((await stand.send({})).status, 200)
  assert.equal(stand.upstream.requests.length, 20)
  const through = (await carried).filter(Boolean).length
  isOver = true
  assert.ok(through > 0, 'no handshake of the burst was carried through')
  assert.ok(stalled > 40, 'nobody came again')
  const metrics = await fetch(`http://127.0.0.1:${stand.gateway.admin?.port ?? 0}/metrics`)
  const counted = /limits_hit_total\{environment="sandbox",limit="handshakes"\} (\d+)/.exec(
    await metrics.text(),
  )
  // each that came while twenty were under way
  assert.ok(Number(counted?.[1]) >= 20)
  context.diagnostic(
    `${stalled} stalled, ${through} of 100 carried through, limit reached ${counted?.[1]} times`,
  )
})

/** Whether its handshake came to its end. */
function secured(socket: TLSSocket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined)
    socket.once('secureConnect', () => {
      resolve(true)
    })
    socket.once('close', () => {
      resolve(false)
    })
  })
}
