import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { test } from 'node:test'
import { makeTestPki } from '../support/pki.js'

test('a client and a server of the test PKI shake hands, in every key kind', async () => {
  const pki = await makeTestPki()
  const server = await pki.server(['localhost', '127.0.0.1'])
  for (const key of ['ec-p256', 'ed25519', 'rsa-2048'] as const) {
    const client = await pki.client({ key })
    const listener = createServer({
      cert: server.chainPem,
      key: server.keyPem,
      ca: pki.caPem,
      requestCert: true,
      rejectUnauthorized: true,
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const address = listener.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const accepted = once(listener, 'secureConnection')
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: pki.caPem,
      cert: client.chainPem,
      key: client.keyPem,
    })
    await once(socket, 'secureConnect')
    const [peer] = (await accepted) as [TLSSocket] // what this event hands over
    assert.equal(peer.authorized, true)
    assert.equal(peer.getPeerX509Certificate()?.serialNumber.toLowerCase(), client.serialNumber)
    socket.destroy()
    peer.destroy()
    listener.close()
  }
})
