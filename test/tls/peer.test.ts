import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo } from 'node:net'
import { connect, createServer, TLSSocket } from 'node:tls'
import { peerOf } from '../../src/tls/peer.js'
import { certificateInSession } from '../../src/tls/session-certificate.js'
import { makeTestPki } from '../support/pki.js'

// Node 24 does not
const tellsPresented = Number.parseInt(process.versions.node, 10) < 24

for (const protocol of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const key of ['ec-p256', 'rsa-2048'] as const) {
    test(`the certificate of a peer is the one OpenSSL tells, whole, resumed or absent (${protocol}, ${key})`, async (t) => {
      const pki = await makeTestPki()
      const own = await pki.server(['localhost'])
      const client = await pki.client({ key })
      const server = createServer({
        cert: own.chainPem,
        key: own.keyPem,
        requestCert: true,
        rejectUnauthorized: false,
        minVersion: protocol,
        maxVersion: protocol,
      })
      t.after(() => server.close())
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo // a listening TCP server has one
      const meet = async (shown: object): Promise<readonly [TLSSocket, TLSSocket]> => {
        const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]> // the event's argument
        const socket = connect({
          port,
          host: '127.0.0.1',
          servername: 'localhost',
          ca: pki.rootPem,
          ...shown,
        })
        t.after(() => socket.destroy())
        return [(await accepted)[0], socket]
      }

      const shown = { cert: client.chainPem, key: client.keyPem }
      const [first, socket] = await meet(shown)
      const session = first.getSession()
      assert.ok(session !== undefined)
      assert.deepEqual(certificateInSession(session), Buffer.from(client.der))
      const peer = peerOf(first)
      assert.deepEqual(peer.certificate, Buffer.from(client.der))
      if (tellsPresented) assert.deepEqual(peer.presented, [Buffer.from(pki.intermediate.certificate)])

      const ticket = once(socket, 'session') as Promise<[Buffer]> // the event's argument
      first.write('x')
      const [second] = await meet({ ...shown, session: (await ticket)[0] })
      const again = peerOf(second)
      assert.equal(again.resumed, true)
      assert.deepEqual(again.certificate, Buffer.from(client.der))
      assert.equal(again.certificate, peer.certificate, 'the same bytes are held once')

      const [bare] = await meet({})
      assert.deepEqual([peerOf(bare).certificate, peerOf(bare).presented], [undefined, []])
    })
  }
}

test('what is no session, or one without a certificate, has none', () => {
  const certificate = [0x30, 0x03, 0x02, 0x01, 0x07]
  const session = (...fields: number[]): Buffer => Buffer.from([0x30, fields.length, ...fields])
  assert.deepEqual(
    certificateInSession(session(0x02, 0x01, 0x01, 0xa3, 0x05, ...certificate)),
    Buffer.from(certificate),
  )
  for (const none of [
    Buffer.alloc(0),
    Buffer.from([0x30]),
    Buffer.from([0x30, 0x80]),
    Buffer.from([0x30, 0x84, 0, 0, 0, 1]),
    Buffer.from([0x31, 0x07, 0xa3, 0x05, ...certificate]),
    session(0x02, 0x01, 0x01),
    session(0xa3, 0x00),
    // longer than what it stands in, shorter than that, two of them
    session(0xa3, 0x05, 0x30, 0x04, 0x02, 0x01, 0x07),
    session(0xa3, 0x06, ...certificate, 0x00),
    session(0xa3, 0x0a, ...certificate, ...certificate),
    Buffer.concat([session(0xa3, 0x05, ...certificate), Buffer.from([0])]),
    // a certificate within another field
    session(0x04, 0x07, 0xa3, 0x05, ...certificate),
  ]) {
    assert.equal(certificateInSession(none), undefined, none.toString('hex'))
  }
})

test('a connection that is gone is a peer without a certificate', async (t) => {
  const server = createTcpServer()
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const raw = connectTcp((server.address() as AddressInfo).port, '127.0.0.1') // a listening TCP server has one
  await once(raw, 'connect')
  const socket = new TLSSocket(raw, { isServer: true })
  socket.on('error', () => undefined)
  socket.destroy()
  assert.equal(peerOf(socket).certificate, undefined)
  assert.deepEqual(peerOf(socket).presented, [])
})
