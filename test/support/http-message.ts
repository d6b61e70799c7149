/** One HTTP message as it stood on the wire; bytes are one character each (latin1). */
export interface HttpMessage {
  /** Everything, from the first byte of the start line to the last one of the body's framing. */
  readonly raw: string
  readonly startLine: string
  /** As sent: names and values, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Decoded where it was chunked. */
  readonly body: string
}

/** How the end of a message without a length is told: a request has no body then, a response goes on to the end. */
export interface ReadingRule {
  readonly kind: 'request' | 'response'
  /** Whether the connection has ended, so that a body without a length is whole. */
  readonly isEnded?: boolean
  /** Whether the response answers a HEAD. */
  readonly isHead?: boolean
}

/** Values of a field, in order; the name in any case. */
export function valuesOf(message: HttpMessage, name: string): string[] {
  return message.fields
    .filter(([each]) => each.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value)
}

/**
 * The first message of the bytes, read as strictly as may be, or undefined while it is not whole.
 *
 * @throws Error where the bytes are no HTTP message: a test that meets one has found something
 */
export function readMessage(bytes: string, rule: ReadingRule): HttpMessage | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [startLine = '', ...lines] = bytes.slice(0, headEnd).split('\r\n')
  const fields = lines.map((line): readonly [string, string] => {
    const found = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/s.exec(line)
    if (found === null) throw new Error(`no field line: ${JSON.stringify(line)}`)
    return [found[1] ?? '', found[2] ?? '']
  })
  const head = { raw: '', startLine, fields, body: '' }
  const start = headEnd + 4
  const done = (end: number, body: string): HttpMessage => ({ ...head, raw: bytes.slice(0, end), body })

  if (rule.kind === 'response') {
    const status = Number(startLine.split(' ')[1])
    if (rule.isHead === true || status < 200 || status === 204 || status === 304) return done(start, '')
  }
  const codings = valuesOf(head, 'transfer-encoding')
  const lengths = valuesOf(head, 'content-length')
  if (codings.length + lengths.length > 1)
    throw new Error(`framed twice: ${JSON.stringify(bytes.slice(0, start))}`)
  if (codings[0] !== undefined) {
    if (codings[0] !== 'chunked') throw new Error(`coding ${codings[0]}`)
    const chunks = readChunks(bytes, start)
    return chunks === undefined ? undefined : done(chunks.end, chunks.body)
  }
  if (lengths[0] !== undefined) {
    if (!/^\d+$/.test(lengths[0])) throw new Error(`length ${lengths[0]}`)
    const end = start + Number(lengths[0])
    return bytes.length < end ? undefined : done(end, bytes.slice(start, end))
  }
  if (rule.kind === 'request') return done(start, '')
  return rule.isEnded === true ? done(bytes.length, bytes.slice(start)) : undefined
}

function readChunks(bytes: string, start: number): { end: number; body: string } | undefined {
  let at = start
  let body = ''
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const line = bytes.slice(at, lineEnd)
    if (!/^[0-9A-Fa-f]+$/.test(line)) throw new Error(`chunk size ${JSON.stringify(line)}`)
    const size = Number.parseInt(line, 16)
    const dataEnd = lineEnd + 2 + size
    if (bytes.length < dataEnd + 2) return undefined
    if (bytes.slice(dataEnd, dataEnd + 2) !== '\r\n') throw new Error('a chunk does not end in CRLF')
    if (size === 0) return { end: dataEnd + 2, body }
    body += bytes.slice(lineEnd + 2, dataEnd)
    at = dataEnd + 2
  }
}
