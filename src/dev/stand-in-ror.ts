import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { posix } from 'node:path'
import { Failure } from '../core/failure.js'
import { fieldOf, type Answer, type ReceivedRequest } from './exchange.js'
import { createRorRoutes, type StandInRequests } from './ror-routes.js'
import { createRorStore } from './ror-store.js'

/** A running stand-in. */
export interface StandInRor {
  /** `http://127.0.0.1:9080` */
  readonly origin: string
  readonly requests: Readonly<StandInRequests>
  close(): Promise<void>
}

export interface StandInOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Epoch milliseconds; the machine's clock unless given. */
  readonly now?: () => number
}

const largestBody = 16 * 1024 * 1024

/**
 * A small ROR over plain HTTP, for demonstrations and tests: token endpoint, FHIR search and read
 * with pages, asynchronous `$export`, capacity PATCH, anomaly Task, CSD.
 *
 * It judges nobody: no token is asked for, functional ids and the writes of "the server only" are
 * executed. What a gateway lets through by mistake shows in `requests`.
 *
 * @throws Failure where it cannot listen, with one line that says why
 */
export async function startStandInRor({ host, port, now = Date.now }: StandInOptions): Promise<StandInRor> {
  const requests: StandInRequests = {
    total: 0,
    token: 0,
    read: 0,
    capacity: 0,
    export: 0,
    anomaly: 0,
    csd: 0,
    serverWrite: 0,
    unknown: 0,
  }
  const routes = createRorRoutes(createRorStore())
  const server = createServer((message, response) => {
    receive(message, now())
      .then((request) => {
        const { counter, handle } = routes(request)
        requests.total += 1
        requests[counter] += 1
        send(response, request.method, handle(request))
      })
      .catch(() => response.destroy())
  })
  await listening(server, host, port)
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

async function receive(message: IncomingMessage, at: number): Promise<ReceivedRequest> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > largestBody) throw new Error('the body is larger than the stand-in takes')
    chunks.push(chunk)
  }
  const target = (message.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '')
  const mark = target.indexOf('?')
  const query = mark === -1 ? '' : target.slice(mark + 1)
  return {
    method: message.method ?? 'GET',
    path: lenientPath(mark === -1 ? target : target.slice(0, mark)),
    query,
    parameters: new URLSearchParams(query),
    headers: message.headers,
    body: Buffer.concat(chunks),
    origin: forwardedOrigin(message),
    at,
  }
}

// read as loosely as a servlet container may, so that a path slipped past a gateway does its harm here
function lenientPath(path: string): string {
  const bare = path.replace(/;[^/]*/g, '')
  let decoded = bare
  try {
    decoded = decodeURIComponent(bare)
  } catch {
    // left as sent: it leads nowhere
  }
  return posix.normalize(decoded.replaceAll('\\', '/'))
}

// as HAPI FHIR's ApacheProxyAddressStrategy
function forwardedOrigin({ headers }: IncomingMessage): string {
  const first = (name: string): string | undefined => fieldOf(headers, name)?.split(',', 1).join('').trim()
  const host = first('x-forwarded-host') ?? first('host') ?? 'localhost'
  const port = first('x-forwarded-port')
  const scheme = first('x-forwarded-proto') ?? 'http'
  const isUsual = port === undefined || port === (scheme === 'https' ? '443' : '80')
  const withPort = isUsual || /:\d+$/.test(host) ? host : `${host}:${port}`
  return `${scheme}://${withPort}${first('x-forwarded-prefix') ?? ''}`
}

function send(response: ServerResponse, method: string, answer: Answer): void {
  const body = Buffer.from(answer.body)
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length })
  response.end(method === 'HEAD' ? undefined : body)
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is taken' : error.message
      const message = `the stand-in ROR cannot listen on ${host}:${port}: ${why}`
      reject(new Failure('internal', message, { cause: error }))
    })
    server.listen(port, host, resolve)
  })
}
