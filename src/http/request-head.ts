import { isFieldValue, isToken } from './field-names.js'
import type { ForwardRequest } from './forwarder.js'

const framing = /^(?:content-length|transfer-encoding|connection|keep-alive|trailer|te|upgrade|expect)$/i
const methodsWithBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])
const originForm = /^\/[\x21\x22\x24-\x7e]*$/

/** How a request's body is framed, as generated from what is sent: a name and a value, or nothing. @see RFC 9112 section 6 */
export function framingOf({
  request,
  method,
  body,
}: ForwardRequest): readonly [] | readonly [string, string] {
  if (body === 'stream') {
    const length = request.headers['content-length']
    return length === undefined ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', length]
  }
  if (body !== 'none' && body.length > 0) return ['Content-Length', String(body.length)]
  return methodsWithBody.has(method) ? ['Content-Length', '0'] : []
}

/** Whether a field belongs to the message's framing, which is generated. */
export function isFramingName(name: string): boolean {
  return framing.test(name)
}

/** Whether the body to be handed on is none: a request without one may be asked again. */
export function isEmptyStream({ request, body }: ForwardRequest): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  return body === 'stream' && length === '0' && coding === undefined
}

/**
 * The head of a request as it stands on the wire, one character a byte.
 *
 * @throws Error where a piece of it could be read as more than one
 */
export function requestHead(forward: ForwardRequest): string {
  const { method, target, fields } = forward
  if (!isToken(method) || !originForm.test(target)) throw new Error('the request line cannot be written')
  let head = `${method} ${target} HTTP/1.1\r\n`
  for (const [name, value] of fields) {
    if (!isSendable(name)) throw new Error(`the field \`${name}\` is not the caller's to set`)
    if (!isFieldValue(value)) throw new Error(`the value of \`${name}\` cannot be written`)
    head += `${name}: ${value}\r\n`
  }
  const [name, value] = framingOf(forward)
  if (name !== undefined) head += `${name}: ${value}\r\n`
  return `${head}Connection: keep-alive\r\n\r\n`
}

// names are few and come again and again; what strangers send does not make them many
const sendable = new Set<string>()
const mostKept = 2_000

function isSendable(name: string): boolean {
  if (sendable.has(name)) return true
  if (!isToken(name) || framing.test(name)) return false
  if (sendable.size >= mostKept) sendable.clear()
  if (name.length <= 64) sendable.add(name)
  return true
}
