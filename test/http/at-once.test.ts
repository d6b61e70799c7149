import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { writeAtOnce } from '../../src/http/at-once.js'

/** The two ends of one connection. */
async function makePair(context: TestContext): Promise<readonly [writer: Socket, reader: Socket]> {
  const server = createServer({ pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a listening TCP server has one
  const accepted = once(server, 'connection') as Promise<[Socket]> // the event's argument
  const writer = connect(port, '127.0.0.1')
  const [[reader]] = await Promise.all([accepted, once(writer, 'connect')])
  context.after(() => {
    writer.destroy()
    reader.destroy()
    server.close()
  })
  return [writer, reader]
}

test('what a socket has not taken yet is not written over by the next request', async (context) => {
  const [writer, reader] = await makePair(context)
  const filling = Buffer.alloc(65_536, 'f')
  let filled = 0
  while (writer.writableLength === 0) {
    writer.write(filling)
    filled += filling.length
  }
  const sent = ['a', 'b', 'c'].map((letter) => {
    assert.ok(writeAtOnce(writer, letter.repeat(1_000), [Buffer.alloc(20_000, letter.toUpperCase())]))
    return letter.repeat(1_000) + letter.toUpperCase().repeat(20_000)
  })
  writer.end()
  const received = Buffer.concat((await reader.toArray()) as Buffer[]) // no encoding is set
  assert.equal(received.length, filled + 63_000)
  assert.ok(received.toString('latin1', filled) === sent.join(''))
})

test('a text is written one character a byte, and what is too long is left to the caller', async (context) => {
  const [writer, reader] = await makePair(context)
  assert.equal(writeAtOnce(writer, 'x'.repeat(30_000), [Buffer.alloc(30_000)]), false)
  assert.equal(writer.bytesWritten, 0)
  assert.ok(writeAtOnce(writer, '\u00e9\u00ff', [Buffer.from([0, 1]), Buffer.from([2])]))
  writer.end()
  const received = Buffer.concat((await reader.toArray()) as Buffer[]) // no encoding is set
  assert.deepEqual([...received], [0xe9, 0xff, 0, 1, 2])
})
