/**
 * Something broke: never a judgement. The client sees the request id alone; the operator sees code and cause.
 *
 * Codes are kebab-case and stable (`upstream-refused`, `upstream-timeout`, `internal`).
 */
export class Failure extends Error {
  readonly code: FailureCode
  override readonly name = 'Failure'

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type FailureCode =
  | 'upstream-refused'
  | 'upstream-timeout'
  | 'upstream-broken'
  | 'upstream-response-invalid'
  | 'client-left'
  | 'overloaded'
  | 'internal'

/** The status a failure answers with while nothing of an answer has been sent. */
export function statusOf(code: FailureCode): 500 | 502 | 503 | 504 {
  switch (code) {
    case 'upstream-refused':
    case 'overloaded':
      return 503
    case 'upstream-timeout':
      return 504
    case 'upstream-broken':
    case 'upstream-response-invalid':
      return 502
    case 'client-left':
    case 'internal':
      return 500
  }
}
