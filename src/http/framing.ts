import { deny, type Denial } from '../core/decision.js'
import { hostName } from '../core/route.js'
import { foldedName, isPlainValue, isToken, NameTable, nominatedNames } from './field-names.js'

/** What of a request is judged before anything else is: what Node's parser made of its head. */
export interface RequestHead {
  readonly httpVersion: string
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[]
}

// the methods this gateway can forward at all; which of them an API serves is the route's matter
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const methodsWithoutBody: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

// one reader takes the first, the next one the last: each stands at most once, under one spelling
const single: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
  'transfer-encoding',
  'authorization',
  'expect',
  'if-match',
  'if-none-exist',
])
const refused: ReadonlyMap<string, string> = new Map([
  ['upgrade', 'the connection cannot be upgraded'],
  ['http2-settings', 'the connection cannot be upgraded'],
  ['trailer', 'trailers are not judged, so they are not taken'],
  ['x-http-method-override', 'the method cannot be overridden'],
  ['x-http-method', 'the method cannot be overridden'],
  ['x-method-override', 'the method cannot be overridden'],
])

// what no configuration allows; its own bounds are judged behind this
const maxTargetLength = 65_536
const maxFields = 1_000
const length = /^(?:0|[1-9][0-9]{0,14})$/
const originForm = /^\/[\x21\x22\x24-\x7e]*$/

/**
 * What makes this request readable in two ways, or undefined where nothing does.
 *
 * Node's parser refuses much by itself (both lengths, bare LF, obs-fold); this refuses what it lets
 * through: HTTP/0.9 and 2.0 request lines, several `Host` fields, absolute-, authority- and
 * asterisk-form, fragments, transfer codings other than `chunked`, a body where the method has none,
 * `Upgrade`, `Trailer`, expectations other than `100-continue`, method overrides, names that a loose
 * reader takes for a guarded one (`Content_Length`), `Connection` naming what was judged, 8-bit values.
 * HTTP/1.0 is taken with a `Host` and without `Transfer-Encoding`: proxies of partners still speak it.
 *
 * INVARIANT: pure and total; looks at nothing but the four members of `RequestHead`.
 *
 * @see RFC 9112 sections 3, 6 and 11.2; RFC 9110 section 7.6.1
 */
export function judgeFraming(request: RequestHead): Denial | undefined {
  const { httpVersion, rawHeaders } = request
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return ambiguous(`HTTP/${httpVersion} where HTTP/1.1 is spoken`)
  }
  const method = request.method ?? ''
  if (!methods.has(method)) {
    return deny('method-not-supported', {
      detail: `the method ${method}`,
      sent: { allowed: [...methods].join(', ') },
    })
  }
  const target = request.url ?? ''
  if (target.length > maxTargetLength) {
    return deny('request-too-long', { detail: `a target of ${target.length} characters` })
  }
  if (!originForm.test(target))
    return ambiguous(
      target.startsWith('/')
        ? 'the target holds a fragment (`#`), a space, a control or an 8-bit character'
        : 'the target is not in origin-form: it must begin with `/`',
    )
  if (rawHeaders.length > maxFields * 2) {
    return deny('header-too-large', { detail: `${rawHeaders.length / 2} fields, at most ${maxFields}` })
  }
  return judgeFields(request, method) ?? judgeNominations(rawHeaders)
}

function judgeFields({ httpVersion, rawHeaders }: RequestHead, method: string): Denial | undefined {
  const seen = new Map<string, string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const value = rawHeaders[index + 1] ?? ''
    const { isName, folded, why, isGuardedName, isSpelled } = known.of(name)
    if (!isName) return ambiguous('a field name holds a character that must not stand there')
    if (!isPlainValue(value)) return ambiguous('a value holds a control or an 8-bit character', name)
    if (why !== undefined) return ambiguous(why, name)
    if (!isGuardedName) continue
    if (!isSpelled) return ambiguous(`the field can be taken for \`${folded}\``, name)
    if (seen.has(folded)) return ambiguous('the field stands more than once', name)
    seen.set(folded, value)
  }
  return judgeGuarded(seen, httpVersion, method)
}

// what a name comes to, whatever its value
const known = new NameTable((name) => {
  const folded = foldedName(name)
  return {
    isName: isToken(name),
    folded,
    why: refused.get(folded),
    isGuardedName: isGuarded(folded),
    isSpelled: folded === name.toLowerCase(),
  }
})

function judgeGuarded(
  seen: ReadonlyMap<string, string>,
  httpVersion: string,
  method: string,
): Denial | undefined {
  const host = seen.get('host')
  if (host === undefined) return ambiguous('there is no Host')
  if (hostName(host) === undefined) return ambiguous('the Host is not a host name', 'Host')
  const expect = seen.get('expect')
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    return ambiguous('an expectation other than `100-continue`', 'Expect')
  }
  const announced = seen.get('content-length')
  if (announced !== undefined && !length.test(announced)) {
    return ambiguous('the length is not a plain decimal number', 'Content-Length')
  }
  const coding = seen.get('transfer-encoding')
  if (coding !== undefined) {
    if (announced !== undefined)
      return ambiguous('both Content-Length and Transfer-Encoding', 'Content-Length')
    if (httpVersion === '1.0') return ambiguous('HTTP/1.0 knows no transfer codings', 'Transfer-Encoding')
    if (coding !== 'chunked') return ambiguous('a coding other than `chunked`', 'Transfer-Encoding')
  }
  const hasBody = coding !== undefined || (announced !== undefined && announced !== '0')
  if (hasBody && methodsWithoutBody.has(method)) return ambiguous(`a body on ${method}`)
  return undefined
}

function judgeNominations(rawHeaders: readonly string[]): Denial | undefined {
  for (const nominated of nominatedNames(rawHeaders)) {
    if (!isToken(nominated)) return ambiguous('Connection names what is no field', 'Connection')
    const folded = foldedName(nominated)
    if (isGuarded(folded) || folded.startsWith('client-cert')) {
      return ambiguous(`Connection would have \`${folded}\` removed`, 'Connection')
    }
  }
  return undefined
}

function isGuarded(folded: string): boolean {
  return single.has(folded) || folded.startsWith('ror-')
}

function ambiguous(problem: string, field?: string): Denial {
  const sent = field === undefined ? { problem } : { problem, field }
  return deny('request-ambiguous', { detail: problem, sent })
}
