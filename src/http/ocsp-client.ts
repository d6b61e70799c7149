import type { Result } from '../core/result.js'
import { fetchBounded, type FetchProblem } from './fetch-bounded.js'

// some hundred bytes with a P-256 signature, some thousand with a delegated RSA certificate
const largestResponse = 64 * 1024

/**
 * Sends an OCSP request and hands back the response's bytes, unread.
 *
 * @see RFC 6960 appendix A.1
 */
export async function askResponder({
  url,
  request,
  timeoutMs,
}: {
  readonly url: string
  readonly request: Uint8Array
  readonly timeoutMs: number
}): Promise<Result<Uint8Array, FetchProblem>> {
  // plain HTTP alone: the answer is signed, and a TLS connection would itself need an answer
  if (!/^http:\/\//i.test(url)) {
    return { ok: false, problem: { code: 'fetch-url', message: 'expected an http URL of a responder' } }
  }
  const fields = { 'Content-Type': 'application/ocsp-request', Accept: 'application/ocsp-response' }
  const answer = await fetchBounded({ url, fields, body: request, timeoutMs, maxBytes: largestResponse })
  if (!answer.ok) return answer
  const { contentType, bytes } = answer.value
  if (!/^application\/ocsp-response\s*(?:;|$)/i.test(contentType)) {
    const message = 'expected the media type application/ocsp-response'
    return { ok: false, problem: { code: 'fetch-broken', message } }
  }
  return { ok: true, value: bytes }
}
