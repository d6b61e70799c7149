import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure, type FailureCode } from '../../src/core/failure.js'
import { createUpstreamReader, type UpstreamReader } from '../../src/http/upstream-read.js'
import { startRecorder, type Recorder } from '../support/recorder.js'

const options = { maxConnections: 2, keepAliveMs: 10_000, maxBytes: 100 }

interface Bench {
  readonly upstream: Recorder
  readonly reader: UpstreamReader
  readonly read: (target?: string) => ReturnType<UpstreamReader['read']>
}

async function bench(context: { after: (done: () => Promise<void>) => void }): Promise<Bench> {
  const upstream = await startRecorder()
  const reader = createUpstreamReader(options)
  context.after(async () => {
    reader.close()
    await upstream.close()
  })
  const read = (target = '/x') =>
    reader.read({ upstream: upstream.origin, target, fields: [['Host', 'ror.example']], timeoutMs: 2_000 })
  return { upstream, reader, read }
}

const failsWith = (code: FailureCode) => (error: unknown) => error instanceof Failure && error.code === code

test('a read is a GET with the fields it was given and no body, on kept connections', async (context) => {
  const { upstream, read } = await bench(context)
  const answer = await read('/fhir/Location?identifier=52%2F192675')
  assert.deepEqual([answer.status, Buffer.from(answer.body).toString()], [200, 'ok'])
  await read()
  const [first, second] = upstream.requests
  assert.equal(first?.startLine, 'GET /fhir/Location?identifier=52%2F192675 HTTP/1.1')
  assert.deepEqual(first.fields, [
    ['Connection', 'keep-alive'],
    ['Host', 'ror.example'],
  ])
  assert.equal(second?.connection, 0)
})

test('a kept connection gathers nothing from read to read', async (context) => {
  const { upstream, read } = await bench(context)
  await read()
  const warned: string[] = []
  const note = ({ name }: Error): void => void warned.push(name)
  process.on('warning', note)
  context.after(() => process.off('warning', note))
  for (let count = 0; count < 12; count += 1) await read()
  assert.equal(upstream.connections.length, 1)
  assert.deepEqual(warned, [])
})

test('a kept connection that the server closed is no failure: it is asked again on another', async (context) => {
  const { upstream, read } = await bench(context)
  await read()
  upstream.answer = (request) => {
    if (request.connection > 0) return 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew'
    request.socket.destroy()
    return undefined
  }
  assert.equal(Buffer.from((await read()).body).toString(), 'new')
  assert.equal(upstream.connections.length, 2)
})

test('an answer is whole or a failure', async (context) => {
  const { upstream, read } = await bench(context)
  const cases: readonly (readonly [what: string, answer: string, code: FailureCode])[] = [
    [
      'larger than the bound',
      `HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n${'x'.repeat(101)}`,
      'upstream-response-invalid',
    ],
    [
      'larger, in chunks',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n${'x'.repeat(101)}\r\n0\r\n\r\n`,
      'upstream-response-invalid',
    ],
    ['no HTTP', 'SSH-2.0-x\r\n\r\n', 'upstream-response-invalid'],
    [
      'framed twice',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'upstream-response-invalid',
    ],
    ['broken off', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx', 'upstream-broken'],
  ]
  for (const [what, answer, code] of cases) {
    await context.test(what, async () => {
      upstream.answer = ({ socket }) => {
        socket.end(answer, 'latin1')
        return undefined
      }
      await assert.rejects(read(), failsWith(code))
    })
  }
  await context.test('a whole one at the bound', async () => {
    upstream.answer = () => `HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${'x'.repeat(100)}`
    assert.equal((await read()).body.length, 100)
  })
})

test('silence, and a wait for a connection, end with the time of the read', async (context) => {
  const { upstream, reader } = await bench(context)
  upstream.answer = () => undefined
  const read = () =>
    reader.read({ upstream: upstream.origin, target: '/', fields: [['Host', 'x']], timeoutMs: 100 })
  const reads = await Promise.allSettled([read(), read(), read()])
  for (const each of reads) {
    assert.ok(each.status === 'rejected' && failsWith('upstream-timeout')(each.reason))
  }
})

test('a server that takes no connection is a failure of its own', async (context) => {
  const { upstream, read } = await bench(context)
  await upstream.close()
  await assert.rejects(read(), failsWith('upstream-refused'))
})
