import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Failure } from '../core/failure.js'
import { pagePolicy, statusPage } from './status-page.js'
import type { Readiness, Status } from './status.js'

/** Where the admin listener stands and what it shows. */
export interface AdminOptions {
  readonly listen: { readonly host: string; readonly port: number }
  /** By the `Accept` of who asks. */
  readonly metrics: (accept?: string) => Promise<{ readonly contentType: string; readonly text: string }>
  readonly status: () => Status | Promise<Status>
  readonly ready: () => Readiness | Promise<Readiness>
  /** What a POST brings about, by its path. */
  readonly actions?: Readonly<Record<string, AdminAction>>
  /** A page could not be made; the client was answered 500. */
  readonly onError: (error: unknown) => void
}

export interface AdminServer {
  /** As bound, so that port 0 is known by its number. */
  readonly address: { readonly host: string; readonly port: number }
  /** Takes no new connection, ends idle ones; after a second the others too. */
  close(): Promise<void>
}

/** Something that operators bring about; its parameters stand in the query. */
export type AdminAction = (parameters: URLSearchParams) => Promise<{
  readonly status: 200 | 400 | 409
  /** Shown as JSON. */
  readonly value: unknown
}>

interface Answer {
  readonly status: 200 | 400 | 403 | 404 | 405 | 409 | 421 | 500 | 503
  readonly contentType: string
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

type Page = (request: IncomingMessage) => Promise<Answer>

const maxConnections = 64
const limits = {
  maxHeaderSize: 8_192,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
}

/**
 * The listener for operators: `/metrics`, `/livez`, `/readyz`, `/status` by GET and HEAD, and what `actions`
 * names by POST; plain HTTP.
 *
 * It asks for no password, so it belongs on loopback or a closed network. On loopback it answers
 * loopback names only: a page in the operator's browser could reach it by a name of its own (DNS
 * rebinding). Actions are for loopback alone, and never for a browser (`Origin`).
 *
 * @throws Failure `internal` where it cannot listen, with the address and why
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const pages = pagesOf(options)
  const actions = new Map(Object.entries(options.actions ?? {}))
  const isLoopback = isLoopbackHost(options.listen.host)
  const server = createServer(limits, (request, response) => {
    answerTo(request, { pages, actions, isLoopback })
      .catch((error: unknown): Answer => {
        options.onError(error)
        return json(500, { error: 'internal' })
      })
      .then((answer) => {
        send(request, response, answer)
      })
      .catch(() => {
        response.destroy()
      })
  })
  server.maxConnections = maxConnections
  await listening(server, options.listen)
  server.on('error', options.onError)
  return {
    address: addressOf(server),
    close: () => closed(server),
  }
}

function pagesOf(options: AdminOptions): ReadonlyMap<string, Page> {
  const scrapes = new Map<string, Promise<Answer>>()
  const metrics = async (accept: string): Promise<Answer> => {
    const { contentType, text } = await options.metrics(accept)
    return { status: 200, contentType, text, headers: { vary: 'Accept' } }
  }
  return new Map<string, Page>([
    // whoever asks while one is being made gets the same: a scrape of many series takes a while
    [
      '/metrics',
      ({ headers: { accept = '' } }) => {
        const scrape = scrapes.get(accept) ?? metrics(accept).finally(() => scrapes.delete(accept))
        scrapes.set(accept, scrape)
        return scrape
      },
    ],
    ['/livez', () => Promise.resolve(json(200, { live: true }))],
    [
      '/readyz',
      async () => {
        const { ready, reason } = await options.ready()
        return json(ready ? 200 : 503, reason === undefined ? { ready } : { ready, reason })
      },
    ],
    [
      '/status',
      async (request) => {
        const status = await options.status()
        if (!prefersHtml(request.headers.accept)) return json(200, status, { vary: 'Accept' })
        const headers = { vary: 'Accept', 'content-security-policy': pagePolicy }
        return { status: 200, contentType: 'text/html; charset=utf-8', text: statusPage(status), headers }
      },
    ],
  ])
}

interface Doors {
  readonly pages: ReadonlyMap<string, Page>
  readonly actions: ReadonlyMap<string, AdminAction>
  readonly isLoopback: boolean
}

const notFromHere = { error: 'not-from-here', expected: 'the admin listener on a loopback address' }

async function act(request: IncomingMessage, action: AdminAction, query: string): Promise<Answer> {
  if (request.method !== 'POST')
    return json(405, { error: 'method-not-allowed', allowed: ['POST'] }, { allow: 'POST' })
  // a page in the operator's browser may send a POST anywhere, yet never without saying whose it is
  if (request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined)
    return json(403, { error: 'not-from-a-browser' })
  const { status, value } = await action(new URLSearchParams(query))
  return json(status, value)
}

async function answerTo(request: IncomingMessage, { pages, actions, isLoopback }: Doors): Promise<Answer> {
  const { host } = request.headers
  if (isLoopback && host !== undefined && !isLoopbackHost(hostOf(host))) {
    return json(421, { error: 'misdirected-request', expected: 'a loopback name in Host' })
  }
  const [path = '', ...query] = (request.url ?? '').split('?')
  const action = actions.get(path)
  if (action !== undefined) return isLoopback ? act(request, action, query.join('?')) : json(403, notFromHere)
  const page = pages.get(path)
  if (page === undefined)
    return json(404, { error: 'not-found', pages: [...pages.keys(), ...actions.keys()] })
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return json(405, { error: 'method-not-allowed', allowed: ['GET', 'HEAD'] }, { allow: 'GET, HEAD' })
  }
  return page(request)
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const bytes = Buffer.from(answer.text)
  // a body is not read: the connection that carries one ends here
  const hasBody = request.headers['content-length'] !== undefined || 'transfer-encoding' in request.headers
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(hasBody ? { connection: 'close' } : {}),
    ...answer.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

function json(
  status: Answer['status'],
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const text = `${JSON.stringify(value, undefined, 2)}\n`
  return { status, contentType: 'application/json; charset=utf-8', text, headers }
}

// a browser names text/html first; curl and tools take anything
function prefersHtml(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').map((type) => type.split(';')[0]?.trim().toLowerCase())
  return types.find((type) => type === 'text/html' || type === 'application/json') === 'text/html'
}

function hostOf(field: string): string {
  return field.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

function isLoopbackHost(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i.test(host)
}

function addressOf(server: Server): { host: string; port: number } {
  const { address, port } = server.address() as AddressInfo // it listens on TCP
  return { host: address, port }
}

function listening(server: Server, { host, port }: AdminOptions['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      reject(new Failure('internal', `admin listener: ${whyNot(cause.code, `${host}:${port}`)}`, { cause }))
    }
    server.once('error', onError)
    server.listen({ host, port }, () => {
      server.off('error', onError)
      resolve()
    })
  })
}

function whyNot(code = 'unknown', address: string): string {
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: `\`${address}\` is taken by another program; change admin.listen or stop the other`,
    EACCES: `this user may not listen on \`${address}\``,
    EADDRNOTAVAIL: `\`${address}\` is no address of this machine`,
    ENOTFOUND: `the host of \`${address}\` is not known`,
  }
  return known[code] ?? `cannot listen on \`${address}\` (${code})`
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => {
      server.closeAllConnections()
    }, 1_000)
    server.close(() => {
      clearTimeout(deadline)
      resolve()
    })
    server.closeIdleConnections()
  })
}
