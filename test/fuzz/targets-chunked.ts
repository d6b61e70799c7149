import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { engines, openStand, type Stand } from '../forwarder/stand.js'
import { openRaw } from '../support/raw-client.js'
import { readChunkedBody } from './chunked-reading.js'
import type { FuzzTarget } from './target.js'

/** A front server with its forwarder, before a recorder, and what it has been asked so far. */
interface Front {
  readonly stand: Stand
  readonly close: () => Promise<void>
  readonly asked: { readonly request: IncomingMessage; readonly response: ServerResponse }[]
  readonly sockets: Socket[]
}

const ways = [
  { engine: 'direct', body: 'judged' },
  { engine: 'direct', body: 'stream' },
  { engine: 'http-proxy', body: 'stream' },
] as const

type Way = (typeof ways)[number]

/** Those that nothing is left to come of. */
const quiet = new Map<Way, Front>()

async function openFront({ engine, body }: Way): Promise<Front> {
  const ends: (() => Promise<void>)[] = []
  const stand = await openStand({ after: (end) => ends.push(end) }, { body }, engines[engine])
  const asked: Front['asked'] = []
  const sockets: Socket[] = []
  const note = (request: IncomingMessage, response: ServerResponse): void => {
    asked.push({ request, response })
  }
  for (const event of ['request', 'checkContinue', 'checkExpectation'])
    stand.server.prependListener(event, note)
  stand.server.on('connection', (socket: Socket) => sockets.push(socket))
  const close = async (): Promise<void> => {
    for (const end of ends) await end()
  }
  return { stand, close, asked, sockets }
}

const head = 'POST /first HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'
const patienceMs = 20_000

async function until(what: string, isSo: () => boolean): Promise<void> {
  const from = performance.now()
  while (!isSo()) {
    assert.ok(performance.now() - from < patienceMs, what)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Sends the bytes on a connection of their own, and waits until nothing more can come of them. */
async function deliver(way: Way, text: string): Promise<Front> {
  const front = quiet.get(way) ?? (await openFront(way))
  quiet.delete(way)
  const { stand, asked, sockets } = front
  for (const list of [asked, sockets, stand.outcomes, stand.malformed, stand.recorder.requests])
    list.length = 0
  let isQuiet = false
  try {
    const client = await openRaw(stand.port)
    client.send(text)
    await until('the connection is taken', () => sockets.length > 0)
    const [socket] = sockets
    const isSettled = ({ request, response }: Front['asked'][number]): boolean =>
      response.writableFinished || response.destroyed || !request.complete
    // what is neither answered nor refused by then waits for more of its body
    await until('every byte is read, and every whole request is answered', () => {
      if (socket?.destroyed !== false) return true
      return client.socket.readableEnded || (socket.bytesRead >= text.length && asked.every(isSettled))
    })
    client.socket.end()
    await until('the connection ends', () => client.socket.destroyed && socket?.destroyed !== false)
    isQuiet =
      stand.outcomes.length === asked.length && stand.outcomes.every(({ kind }) => kind === 'answered')
    if (isQuiet) {
      quiet.set(way, front)
    } else {
      // what goes on without its client comes to its end, too
      await stand.forwarder.close()
      for (const { closed } of stand.recorder.connections) await closed
    }
  } finally {
    if (!isQuiet) await front.close()
  }
  return front
}

/** What reached the upstream of this input, and whether that is what it should be. */
async function judge(way: Way, text: string): Promise<string> {
  const { stand, asked } = await deliver(way, text)
  const reading = readChunkedBody(text, head.length)
  const { requests, oddities } = stand.recorder
  assert.deepEqual(oddities, [])
  // one at the most for each that was judged, as it was judged, in their order
  const judged = asked.map(({ request }) => `${request.method} ${request.url} HTTP/1.1`)
  const sent = requests.map(({ startLine }) => startLine)
  assert.deepEqual(sent, judged.filter((line) => sent.includes(line)).slice(0, sent.length))
  // nothing inside a body is ever a request, nor what follows one that does not end
  const isAlone = typeof reading !== 'object' || text.length <= reading.end
  assert.ok(asked.length <= 1 || !isAlone, 'a body was read as a request')
  const [first] = requests
  const parserCode = stand.malformed[0]?.parserCode ?? ''
  if (reading === undefined || reading === 'invalid') {
    assert.equal(first, undefined, 'a body that is not whole, or none at all, arrived as one')
    return parserCode === '' ? (reading ?? 'waits') : parserCode
  }
  if (first !== undefined) assert.equal(first.body, reading.body)
  return `${requests.length} of ${judged.length} ${parserCode}`
}

const chunked: FuzzTarget = {
  name: 'chunked',
  seeds: [
    '3\r\nabc\r\n0\r\n\r\n',
    '1;a=b\r\nx\r\n0;c="d e"\r\n\r\n',
    '1;;a=b\r\nx\r\n0 ;\r\n\r\n',
    'A\r\n0123456789\r\n0\r\nX-T: y\r\n\r\n',
    '0\r\n\r\nGET /second HTTP/1.1\r\nHost: h\r\n\r\n',
    '2\r\nab\r\n0\r\n\r\nPOST /second HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n',
    '1f\r\nGET /inside HTTP/1.1\r\nHost: h\r\n\r\n\r\n0\r\n\r\n',
    '3\r\nab',
  ],
  dictionary: [
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    '\0',
    ' ',
    '\t',
    ';',
    '=',
    '"',
    '0',
    '0\r\n',
    '0\r\n\r\n',
    '1\r\nx\r\n',
    '+1',
    '-1',
    '0x1',
    '00000000000000001',
    'ffffffffffffffff',
    '10000000000000000',
    'GET /second HTTP/1.1\r\nHost: h\r\n\r\n',
    'Content-Length: 1\r\n',
    'Transfer-Encoding: chunked\r\n',
  ],
  check: async (input) => {
    const text = head + Buffer.from(input).toString('latin1')
    const answers: string[] = []
    for (const way of ways) answers.push(await judge(way, text))
    return answers.join(', ')
  },
  close: async () => {
    const fronts = [...quiet.values()]
    quiet.clear()
    for (const { close } of fronts) await close()
  },
}

export const chunkedTargets: readonly FuzzTarget[] = [chunked]
