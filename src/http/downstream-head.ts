import { STATUS_CODES, type ServerResponse } from 'node:http'

/**
 * Writes the head of an answer, as generated: names and values in turn.
 *
 * Beside fields set earlier, `writeHead` of Node 20 keeps the last of repeated fields alone: two
 * `Set-Cookie` would be one. They are appended one by one then.
 */
export function writeHead(response: ServerResponse, status: number, fields: string[]): void {
  const text = STATUS_CODES[status] ?? ''
  if (response.getHeaderNames().length === 0) {
    response.writeHead(status, text, fields)
    return
  }
  for (let index = 0; index < fields.length; index += 2) response.removeHeader(fields[index] ?? '')
  for (let index = 0; index < fields.length; index += 2)
    response.appendHeader(fields[index] ?? '', fields[index + 1] ?? '')
  response.writeHead(status, text)
}
