import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { addressGroup, ConnectionGuard } from '../../src/tls/connection-guard.js'

let port = 0

/** A socket that was never connected, as one from this address. */
function from(remoteAddress: string): Socket {
  port += 1
  return Object.defineProperties(new Socket(), {
    remoteAddress: { value: remoteAddress },
    remotePort: { value: port },
    localAddress: { value: '192.0.2.1' },
  })
}

test('handshakes that have only begun do not give way: the new one is turned away', () => {
  const limits: string[] = []
  const guard = new ConnectionGuard({
    connectionsPerAddress: 10,
    handshakes: 1,
    onLimit: (limit) => limits.push(limit),
  })
  const [first, second] = [from('198.51.100.1'), from('198.51.100.2')]
  assert.equal(guard.accept(first), true)
  assert.equal(guard.accept(second), false)
  assert.equal(first.destroyed, false)
  guard.secured(first)
  assert.equal(guard.accept(second), true)
  assert.deepEqual(limits, ['handshakes'])
})

test('an address that fills the handshakes gives way to others, at once, and not to itself', () => {
  const guard = new ConnectionGuard({ connectionsPerAddress: 10, handshakes: 3 })
  const flood = [from('198.51.100.1'), from('198.51.100.1'), from('198.51.100.1')]
  assert.ok(flood.every((socket) => guard.accept(socket)))
  assert.equal(guard.accept(from('198.51.100.1')), false)
  const other = from('198.51.100.2')
  assert.equal(guard.accept(other), true)
  assert.deepEqual(
    flood.map(({ destroyed }) => destroyed),
    [true, false, false],
  )
  // two against one: another one would have as many as who gave way
  assert.equal(guard.accept(from('198.51.100.2')), false)
  assert.equal(guard.accept(from('198.51.100.3')), true)
  assert.deepEqual([flood[1]?.destroyed, flood[2]?.destroyed, other.destroyed], [true, false, false])
})

test('as many addresses as there may be handshakes are told apart', (context) => {
  // on a slow machine the first of them would have had their time
  context.mock.method(performance, 'now', () => 0)
  const handshakes = 130_000
  const guard = new ConnectionGuard({ connectionsPerAddress: 2, handshakes })
  const address = (index: number): string =>
    `2001:db8:${(index >> 16).toString(16)}:${(index % 65_536).toString(16)}::1`
  for (let index = 0; index < handshakes; index += 1) assert.ok(guard.accept(from(address(index))))
  assert.equal(guard.accept(from(address(handshakes))), false)
})

test('handshakes under way end with the guard, and no other connection does', () => {
  const guard = new ConnectionGuard({ connectionsPerAddress: 10, handshakes: 10 })
  const [open, silent] = [from('198.51.100.1'), from('198.51.100.1')]
  assert.ok(guard.accept(open) && guard.accept(silent))
  guard.secured(open)
  guard.close()
  assert.deepEqual([open.destroyed, silent.destroyed], [false, true])
})

test('an address has its share back when a connection of it is closed', async () => {
  const guard = new ConnectionGuard({ connectionsPerAddress: 1, handshakes: 10 })
  const first = from('2001:db8::1')
  assert.equal(guard.accept(first), true)
  assert.equal(guard.accept(from('2001:db8::ffff:2')), false)
  assert.equal(guard.accept(from('2001:db8:0:1::1')), true)
  const closed = new Promise((resolve) => first.once('close', resolve))
  first.destroy()
  await closed
  assert.equal(guard.accept(from('2001:db8::3')), true)
})

test('an IPv6 address counts as its /64, an IPv4 address as itself however it is written', () => {
  assert.equal(addressGroup('192.0.2.7'), '192.0.2.7')
  assert.equal(addressGroup('::ffff:192.0.2.7'), '192.0.2.7')
  assert.equal(addressGroup('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  assert.equal(addressGroup('2001:db8::6'), '2001:db8:0:0::/64')
  assert.equal(addressGroup('fe80::1%eth0'), 'fe80:0:0:0::/64')
  assert.equal(addressGroup('::1'), '0:0:0:0::/64')
  assert.equal(addressGroup(''), '')
})
