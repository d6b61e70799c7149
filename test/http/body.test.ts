import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { Failure } from '../../src/core/failure.js'
import { BodyAccount, readBody, type BodyLimits } from '../../src/http/body.js'
import { openRaw, type RawClient } from '../support/raw-client.js'

interface Reading {
  readonly client: RawClient
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly account: BodyAccount
  read(): ReturnType<typeof readBody>
}

/** A request whose head has arrived; its body is read when the test says so. */
async function begin(t: TestContext, bytes: string, over: Partial<BodyLimits> = {}): Promise<Reading> {
  const server = createServer()
  const account = over.account ?? new BodyAccount(1_000)
  server.on('checkContinue', (request, response) => server.emit('request', request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // a listening TCP server has one
  const arrived = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]> // the event's arguments
  const client = await openRaw(port)
  t.after(() => {
    client.destroy()
    server.close()
    server.closeAllConnections()
  })
  client.send(bytes)
  const [request, response] = await arrived
  const limits = { maxBytes: 100, timeoutMs: 20_000, account, ...over }
  return { client, request, response, account, read: () => readBody({ request, response }, limits) }
}

const post = (fields: string, body = ''): string => `POST / HTTP/1.1\r\nHost: h\r\n${fields}\r\n\r\n${body}`
const isFailure = (code: string) => (error: unknown) => error instanceof Failure && error.code === code
const textOf = (body: Awaited<ReturnType<typeof readBody>>): string => {
  assert.ok(body instanceof Uint8Array)
  return Buffer.from(body).toString('latin1')
}

test('a body is read whole, in one piece or many, and stays on the account until it is answered', async (t) => {
  const reading = await begin(t, post('Transfer-Encoding: chunked', '3\r\nabc\r\n'))
  const body = reading.read()
  reading.client.send('4\r\nd\0\xff\n\r\n')
  reading.client.send('0\r\n\r\n')
  assert.equal(textOf(await body), 'abcd\0\xff\n')
  assert.equal(reading.account.heldBytes, 7)
  reading.response.end()
  await once(reading.response, 'close')
  assert.equal(reading.account.heldBytes, 0)
})

test('no body is an empty one', async (t) => {
  const reading = await begin(t, post('Content-Length: 0'))
  assert.equal(textOf(await reading.read()), '')
})

test('a body as long as the limit passes', async (t) => {
  const reading = await begin(t, post('Content-Length: 100', 'a'.repeat(100)))
  assert.equal(textOf(await reading.read()).length, 100)
})

test('an announced length beyond the limit is refused before the body is asked for', async (t) => {
  const reading = await begin(t, post('Content-Length: 101\r\nExpect: 100-continue'))
  const denial = await reading.read()
  assert.ok('effect' in denial)
  assert.equal(denial.reason, 'body-too-large')
  assert.equal(reading.client.pending(), '')
  assert.equal(reading.account.heldBytes, 0)
})

test('an unannounced body is refused at the first byte too many', async (t) => {
  const reading = await begin(t, post('Transfer-Encoding: chunked', `65\r\n${'a'.repeat(101)}\r\n`))
  const denial = await reading.read()
  assert.ok('effect' in denial)
  assert.equal(denial.reason, 'body-too-large')
})

test('a body that does not arrive in time is refused as request-timeout', async (t) => {
  const reading = await begin(t, post('Content-Length: 10', 'half'), { timeoutMs: 20 })
  const denial = await reading.read()
  assert.ok('effect' in denial)
  assert.equal(denial.reason, 'request-timeout')
})

test('Expect: 100-continue is answered when the body is read', async (t) => {
  const reading = await begin(t, post('Content-Length: 3\r\nExpect: 100-continue'))
  const body = reading.read()
  assert.equal((await reading.client.answer()).startLine, 'HTTP/1.1 100 Continue')
  reading.client.send('abc')
  assert.equal(textOf(await body), 'abc')
})

test('a full account is a failure that tells us overloaded, by announcement or on the way', async (t) => {
  const account = new BodyAccount(10)
  const announced = await begin(t, post('Content-Length: 11', 'a'), { account })
  await assert.rejects(announced.read(), isFailure('overloaded'))
  assert.equal(account.heldBytes, 0)
  const unannounced = await begin(t, post('Transfer-Encoding: chunked', '6\r\nabcdef\r\n'), { account })
  const body = unannounced.read()
  unannounced.client.send('6\r\nabcdef\r\n')
  await assert.rejects(body, isFailure('overloaded'))
  unannounced.response.end()
  await once(unannounced.response, 'close')
  assert.equal(account.heldBytes, 0)
})

test('a client that leaves half-way is a failure, and its bytes leave the account', async (t) => {
  const reading = await begin(t, post('Content-Length: 10', 'half'))
  const body = reading.read()
  reading.client.destroy()
  await assert.rejects(body, isFailure('client-left'))
  if (!reading.response.closed) await once(reading.response, 'close')
  assert.equal(reading.account.heldBytes, 0)
})

test('a body read after the client has gone is a failure, not a wait', async (t) => {
  const reading = await begin(t, post('Content-Length: 10', 'half'))
  reading.client.destroy()
  await once(reading.response, 'close')
  await assert.rejects(reading.read(), isFailure('client-left'))
})
