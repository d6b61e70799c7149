import type { ForwardRequest } from './forwarder.js'

/** What of a request says whether it may be sent once more. */
export type RepeatableRequest = Pick<ForwardRequest, 'method' | 'body'>

// a request whose repetition asks for nothing new (RFC 9110 section 9.2.1)
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether a request could be sent once more after it was sent, since it changes nothing and has no body. */
export function isRepeatable({ method, body }: RepeatableRequest): boolean {
  return body === 'none' && safeMethods.has(method)
}
