import type { FailureCode } from '../core/failure.js'
import type { Reach } from '../http/forwarder.js'
import { isRepeatable, type RepeatableRequest } from '../http/repeatable.js'

/**
 * Whether a request that failed may be sent to another server.
 *
 * INVARIANT: what may have reached a server goes to no other one, unless it changes nothing and no byte
 * of an answer came. What surely reached none (no connection stood) may, a write as well.
 */
export function mayGoElsewhere(
  request: RepeatableRequest,
  { code, reach }: { readonly code: FailureCode; readonly reach: Reach },
): boolean {
  switch (code) {
    case 'upstream-refused':
    case 'upstream-connect-timeout':
    case 'upstream-tls':
    case 'upstream-broken':
    case 'overloaded':
      return reach === 'unsent' || (reach === 'sent' && isRepeatable(request))
    // as long a wait once more helps nobody, and a server that speaks no HTTP has said something
    case 'upstream-timeout':
    case 'upstream-response-invalid':
    case 'upstream-unavailable':
    case 'client-left':
    case 'internal':
      return false
  }
}

/** Whether a failure is one of the server's: what is ours, or the client's, tells nothing of it. */
export function isFault(code: FailureCode): boolean {
  switch (code) {
    case 'upstream-refused':
    case 'upstream-connect-timeout':
    case 'upstream-tls':
    case 'upstream-broken':
    case 'upstream-timeout':
    case 'upstream-response-invalid':
      return true
    case 'upstream-unavailable':
    case 'overloaded':
    case 'client-left':
    case 'internal':
      return false
  }
}
