/** Where connections go, and as whom. */
export interface Destination {
  readonly port: number
  readonly host: string
  readonly rootPem: string
  /** PEM of what the client presents; nothing where absent. */
  readonly client?: { readonly chainPem: string; readonly keyPem: string }
}

/** What the generator is told to do; the bytes of a request go over as they are. */
export type Command =
  /** Opens connections beside those that are open, and asks once on each. */
  | { readonly do: 'open'; readonly to: Destination; readonly count: number; readonly request: Uint8Array }
  /** The same request on every open connection, one at a time on each, until the time is over. */
  | { readonly do: 'run'; readonly milliseconds: number; readonly request: Uint8Array }
  /** One request on a connection of its own, again and again. */
  | {
      readonly do: 'handshakes'
      readonly to: Destination
      readonly milliseconds: number
      readonly request: Uint8Array
      readonly atOnce: number
      /** All from one session, instead of whole handshakes. */
      readonly resumed: boolean
    }
  | { readonly do: 'close' }

/** What a run came to. */
export interface LoadResult {
  readonly seconds: number
  readonly answered: number
  /** Requests without a whole answer, or whose connection could not be opened. */
  readonly failed: number
  readonly failures: readonly string[]
  readonly statuses: Readonly<Record<string, number>>
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly longest: number
  /** Connections that were resumed. */
  readonly resumed: number
  /** Share of one core that the generator itself took; near 1 it is the bottleneck. */
  readonly generatorLoad: number
}
