interface FailureOptions extends ErrorOptions {
  readonly retryAfterSeconds?: number
  readonly limit?: string
}

/**
 * Something broke: never a judgement. The client sees the request id alone; the operator sees code and cause.
 *
 * Codes are kebab-case and stable (`upstream-refused`, `upstream-timeout`, `internal`).
 */
export class Failure extends Error {
  readonly code: FailureCode
  /** The key of `limits` that was reached, where one was. */
  readonly limit: string | undefined
  override readonly name = 'Failure'
  /** When it is worth coming again, where that is known. */
  readonly retryAfterSeconds: number | undefined

  constructor(code: FailureCode, message: string, options?: FailureOptions) {
    super(message, options)
    this.code = code
    this.retryAfterSeconds = options?.retryAfterSeconds
    this.limit = options?.limit
  }
}

export type FailureCode =
  /** No connection: refused, unreachable, a name that leads nowhere. */
  | 'upstream-refused'
  /** No connection in time, TLS included. */
  | 'upstream-connect-timeout'
  /** Not the server it should be, or one that does not take us for the client we should be. */
  | 'upstream-tls'
  | 'upstream-timeout'
  | 'upstream-broken'
  | 'upstream-response-invalid'
  /** No server of the API takes requests now: nothing was tried. */
  | 'upstream-unavailable'
  | 'client-left'
  | 'overloaded'
  | 'internal'

/** The status a failure answers with while nothing of an answer has been sent. */
export function statusOf(code: FailureCode): 500 | 502 | 503 | 504 {
  switch (code) {
    case 'upstream-unavailable':
    case 'overloaded':
      return 503
    case 'upstream-connect-timeout':
    case 'upstream-timeout':
      return 504
    case 'upstream-refused':
    case 'upstream-tls':
    case 'upstream-broken':
    case 'upstream-response-invalid':
      return 502
    case 'client-left':
    case 'internal':
      return 500
  }
}
