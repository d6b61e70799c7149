import type { Place } from './diagnostic.js'

/** `least-loaded`: the server with the fewest requests under way; `round-robin`: one after the other. */
export type Balance = 'round-robin' | 'least-loaded'

/** When a server that fails is left alone, and for how long. */
export interface Ejection {
  /** Failures in a row that take a server out. */
  readonly failures: number
  /** First pause; each failed trial doubles it. */
  readonly seconds: number
  readonly maxSeconds: number
  /** Over which a server that is back gets its whole share again. */
  readonly returnSeconds: number
}

/** Asking each server by itself how it is, with a GET. */
export interface UpstreamCheck {
  /** Path, and query where there is one. */
  readonly path: string
  readonly host: string | undefined
  readonly intervalSeconds: number
  readonly timeoutMs: number
  /** Failed checks in a row. */
  readonly unhealthyAfter: number
  /** Passed checks in a row. */
  readonly healthyAfter: number
  readonly expectStatus: number
}

/** A file that the configuration names. */
export interface PlacedFile {
  readonly path: string
  readonly place: Place
}

/** The files that `https:` servers are verified by, and what they are shown. */
export interface UpstreamTlsFiles {
  readonly place: Place
  /** Absent: the authorities that Node knows. */
  readonly ca: readonly PlacedFile[] | undefined
  readonly credential: { readonly certificate: PlacedFile; readonly key: PlacedFile } | undefined
  /** Absent: the host of each origin. */
  readonly serverName: string | undefined
}

/** Where the requests of an API go: its servers, and how one is chosen. */
export interface Upstream {
  /** Origins such as `http://127.0.0.1:9081`: at least one, no two the same. */
  readonly servers: readonly string[]
  readonly balance: Balance
  /** Absent: that of the limits. */
  readonly connectTimeoutMs: number | undefined
  readonly responseTimeoutMs: number | undefined
  /** Absent: whatever fails is asked again. */
  readonly ejection: Ejection | undefined
  readonly check: UpstreamCheck | undefined
  readonly tls: UpstreamTlsFiles | undefined
}
