import { isFieldValue, isToken, NameTable } from './field-names.js'
import type { Field, ForwardRequest } from './forwarder.js'

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

/** The head of a request as it stands on the wire, one character a byte: its lines, then those of its client. */
export interface RequestHead {
  readonly own: string
  /** To its very end; the same for many requests. */
  readonly client: HeadEnd
}

/** How a head ends, ready to be written either way. */
interface HeadEnd {
  readonly text: string
  readonly bytes: Buffer
}

/**
 * The head of a request.
 *
 * @throws Error where a piece of it could be read as more than one
 */
export function requestHead(forward: ForwardRequest): RequestHead {
  const { method, target, fields, clientFields } = forward
  if (!isToken(method) || !originForm.test(target)) throw new Error('the request line cannot be written')
  let own = `${method} ${target} HTTP/1.1\r\n${linesOf(fields)}Connection: keep-alive\r\n`
  const [name, value] = framingOf(forward)
  if (name !== undefined) own += `${name}: ${value}\r\n`
  return { own, client: clientFields === undefined ? noClient : endOf(clientFields) }
}

function linesOf(fields: readonly Field[]): string {
  let lines = ''
  for (const [name, value] of fields) {
    if (!sendable.of(name)) throw new Error(`the field \`${name}\` is not the caller's to set`)
    if (!isFieldValue(value)) throw new Error(`the value of \`${name}\` cannot be written`)
    lines += `${name}: ${value}\r\n`
  }
  return lines
}

// the certificate alone is 2 kB, and the same for every request of a connection
const ends = new WeakMap<readonly Field[], HeadEnd>()

function endOf(fields: readonly Field[]): HeadEnd {
  let end = ends.get(fields)
  if (end === undefined) {
    end = headEnd(linesOf(fields))
    ends.set(fields, end)
  }
  return end
}

function headEnd(lines: string): HeadEnd {
  const text = `${lines}\r\n`
  return { text, bytes: Buffer.from(text, 'latin1') }
}

const noClient = headEnd('')

const sendable = new NameTable((name) => isToken(name) && !framing.test(name))
