import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FailureCode } from '../core/failure.js'

/** A field line: name and value, as they stand on the wire. */
export type Field = readonly [name: string, value: string]

/** How long the pieces of an exchange with an upstream may take; in milliseconds where it says `Ms`. */
export interface ForwardTimeouts {
  /** Until the connection stands, TLS included; also the longest wait for a free one. */
  readonly connectMs: number
  /** From the whole request being handed over to the first byte of the answer's head. */
  readonly responseMs: number
  /** Longest silence of either side while a body is under way. */
  readonly idleMs: number
  /** Slowest body of an answer, behind which an upstream may lag for `idleMs` in all. */
  readonly bytesPerSecond: number
}

/** How connections to upstreams are made and kept. */
export interface ConnectionOptions {
  /** Connections to one upstream, at most. */
  readonly maxConnections: number
  /** How long an unused connection is kept, in milliseconds; less where the upstream announces less. */
  readonly keepAliveMs: number
}

/** What a forwarder is made with, whichever engine it is. */
export interface ForwarderOptions extends ConnectionOptions {
  readonly timeouts: ForwardTimeouts
  /** Requests that may wait for a connection; the next one fails as `overloaded`. */
  readonly maxWaiting: number
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number
}

/**
 * How an `https:` upstream is verified, and what we show it; what is absent is as Node has it.
 *
 * INVARIANT: there is no way to leave an upstream unverified.
 */
export interface UpstreamTls {
  /** The same text, the same material: a connection is kept under it, and used for no other. */
  readonly id: string
  /** PEM. */
  readonly authorities?: readonly string[] | undefined
  /** Client certificate and its chain, and its key: PEM, both or none. */
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  /** The name that the server must prove, where it is not that of the origin. */
  readonly serverName?: string | undefined
}

/**
 * A judged request, ready to go.
 *
 * INVARIANT: what goes upstream is `method`, `target`, `fields`, `clientFields`, `body` and framing
 * generated from the body; nothing else of `request` is copied.
 */
export interface ForwardRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Origin such as `http://127.0.0.1:9081`. */
  readonly upstream: string
  /** Of an `https:` upstream. */
  readonly tls?: UpstreamTls | undefined
  readonly method: string
  /** The target exactly as it was judged (`RequestTarget.raw`). */
  readonly target: string
  /** Fields that go upstream, Host included, framing (`Content-Length` and its like) excluded. */
  readonly fields: readonly Field[]
  /** Those behind them: one object for many requests of a client, so that an engine may keep their text. */
  readonly clientFields?: readonly Field[]
  /** `stream` hands the request's body on as it comes; bytes are those that were judged. */
  readonly body: 'none' | 'stream' | Uint8Array
  /** Fields added to the answer, in place of the upstream's of the same name. */
  readonly responseFields?: readonly Field[]
  /** Origin under which clients know the gateway (`https://host`), for `Location` and `Content-Location`. */
  readonly publicOrigin: string
  /** Where they differ from the forwarder's own. */
  readonly timeouts?: Partial<ForwardTimeouts>
}

/** What a forward cost, whatever became of it. Bytes are those of bodies alone. */
export interface ForwardCost {
  readonly bytesUp: number
  readonly bytesDown: number
  /** From the hand-over to the head of the answer, or to the end where no answer came. */
  readonly upstreamMs: number
  /** Status of the upstream; undefined where no valid answer began. */
  readonly upstreamStatus: number | undefined
}

/**
 * How far a request got that failed: `unsent`: nothing of it left, and nothing of a streamed body was
 * read; `sent`: no byte of an answer came; `answered`: one came.
 */
export type Reach = 'unsent' | 'sent' | 'answered'

/** What a forward came to. */
export type ForwardOutcome =
  | (ForwardCost & { readonly kind: 'answered'; readonly status: number })
  /** The client was gone before the end; the upstream request is destroyed. */
  | (ForwardCost & { readonly kind: 'client-left'; readonly responseStarted: boolean })
  | (ForwardCost & {
      readonly kind: 'failed'
      readonly code: FailureCode
      readonly reach: Reach
      /** Where true the client's connection has been destroyed; where false nothing was sent and the caller answers. */
      readonly responseStarted: boolean
      /** For the log, never for the client. */
      readonly cause: Error
    })

/** Takes judged requests to an upstream and brings the answer down. */
export interface Forwarder {
  /** Resolves when the exchange is over, both ways; never rejects. */
  forward(request: ForwardRequest): Promise<ForwardOutcome>
  /** Destroys what is still under way and closes the pooled connections. */
  close(): Promise<void>
}
