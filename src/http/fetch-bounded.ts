import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Result } from '../core/result.js'
import { HeldPieces } from './held-pieces.js'

/** A small exchange with a server that is not an upstream: a responder, a publisher of CRLs. */
export interface BoundedFetch {
  /** `http:` or `https:`. */
  readonly url: string
  readonly fields?: Readonly<Record<string, string>>
  /** Sent as POST; GET where absent. */
  readonly body?: Uint8Array
  /** For the whole exchange, from the name look-up to the last byte. */
  readonly timeoutMs: number
  readonly maxBytes: number
}

export interface BoundedAnswer {
  /** `304` only where a condition was sent. */
  readonly status: 200 | 304
  readonly contentType: string
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  readonly bytes: Uint8Array
}

export interface FetchProblem {
  readonly code:
    | 'fetch-url'
    | 'fetch-unreachable'
    | 'fetch-timeout'
    | 'fetch-too-large'
    | 'fetch-redirected'
    | 'fetch-status'
    | 'fetch-broken'
    | 'fetch-encoded'
  /** Names the host, never the query. */
  readonly message: string
}

/**
 * The answer, whole and within bounds, or why there is none.
 *
 * Never rejects. A redirect is not followed: where a file comes from is the operator's to say. One
 * connection, closed afterwards; no cookie, no credentials, no compression.
 */
export function fetchBounded(wish: BoundedFetch): Promise<Result<BoundedAnswer, FetchProblem>> {
  const target = URL.canParse(wish.url) ? new URL(wish.url) : undefined
  if (target === undefined || !/^https?:$/.test(target.protocol) || target.username !== '') {
    const message = 'expected an http or https URL without credentials'
    return Promise.resolve({ ok: false, problem: { code: 'fetch-url', message } })
  }
  return new Promise((resolve) => {
    new BoundedExchange(target, wish, resolve).start()
  })
}

class BoundedExchange {
  private readonly target: URL
  private readonly wish: BoundedFetch
  private readonly resolve: (result: Result<BoundedAnswer, FetchProblem>) => void
  private readonly abort = new AbortController()
  private timer: NodeJS.Timeout | undefined

  constructor(target: URL, wish: BoundedFetch, resolve: BoundedExchange['resolve']) {
    this.target = target
    this.wish = wish
    this.resolve = resolve
  }

  start(): void {
    const { body, fields, timeoutMs } = this.wish
    const options: RequestOptions = {
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
      signal: this.abort.signal,
      maxHeaderSize: 16_384,
      headers: {
        ...fields,
        'Accept-Encoding': 'identity',
        ...(body !== undefined && { 'Content-Length': body.length }),
      },
    }
    this.timer = setTimeout(() => {
      this.fail('fetch-timeout', `no whole answer within ${timeoutMs} ms`)
    }, timeoutMs)
    const send = this.target.protocol === 'https:' ? requestHttps : requestHttp
    const request = send(this.target, options)
    request.on('response', (response) => {
      this.read(response)
    })
    request.on('error', (error) => {
      const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message
      this.fail('fetch-unreachable', code)
    })
    request.end(body)
  }

  private read(response: IncomingMessage): void {
    const status = response.statusCode ?? 0
    const { headers } = response
    const isConditional = Object.keys(this.wish.fields ?? {}).some((name) => /^if-/i.test(name))
    const isUnchanged = status === 304 && isConditional
    response.on('error', () => {
      this.fail('fetch-broken', 'the answer ended early')
    })
    if (status >= 300 && status < 400 && !isUnchanged) {
      this.fail('fetch-redirected', `status ${status}: redirects are not followed, name the final URL`)
      return
    }
    if (status !== 200 && !isUnchanged) {
      this.fail('fetch-status', `status ${status}`)
      return
    }
    if (!/^(?:identity)?$/i.test(headers['content-encoding'] ?? '')) {
      this.fail('fetch-encoded', 'the answer is compressed, which was not asked for')
      return
    }
    const pieces = new HeldPieces()
    response.on('data', (chunk: Buffer) => {
      if (pieces.length + chunk.length <= this.wish.maxBytes) pieces.add(chunk)
      else this.fail('fetch-too-large', `more than ${this.wish.maxBytes} bytes`)
    })
    response.on('end', () => {
      if (!response.complete) this.fail('fetch-broken', 'the answer ended early')
      this.settle({
        ok: true,
        value: {
          status: isUnchanged ? 304 : 200,
          contentType: headers['content-type'] ?? '',
          etag: headers.etag,
          lastModified: headers['last-modified'],
          bytes: pieces.whole(),
        },
      })
    })
    response.on('close', () => {
      // without an end: what was settled before stays
      this.fail('fetch-broken', 'the answer ended early')
    })
  }

  private fail(code: FetchProblem['code'], what: string): void {
    this.settle({ ok: false, problem: { code, message: `${this.target.host}: ${what}` } })
    this.abort.abort()
  }

  // the first outcome counts, as a promise takes the first alone
  private settle(result: Result<BoundedAnswer, FetchProblem>): void {
    clearTimeout(this.timer)
    this.resolve(result)
  }
}
