import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { judgeFraming, type RequestHead } from '../../src/http/framing.js'

const head = (over: Partial<RequestHead> = {}, ...fields: string[]): RequestHead => ({
  httpVersion: '1.1',
  method: 'GET',
  url: '/a',
  rawHeaders: ['Host', 'h', ...fields],
  ...over,
})

test('what partners send passes', () => {
  for (const request of [
    head(),
    head({ httpVersion: '1.0' }),
    head({ url: '/Location?identifier=1350054680%2FSSR38888&x=%7C|()$:' }),
    head({ rawHeaders: ['host', 'bas-api-fhir.qualif.ror.esante.gouv.fr:8443'] }),
    head({ rawHeaders: ['Host', '[::1]:8443'] }),
    head({ method: 'PATCH' }, 'Content-Type', 'application/fhir+json', 'Content-Length', '2048'),
    head({ method: 'POST' }, 'Transfer-Encoding', 'chunked', 'Expect', '100-Continue'),
    head({}, 'Content-Length', '0', 'Connection', 'keep-alive, TE', 'TE', 'trailers'),
    head({}, 'Ror-Role-Metier-Code', 'AUTOMATE', 'Accept', 'a', 'Accept', 'b', 'Cookie', 'c', 'Cookie', 'd'),
    head({}, 'SSL_CLIENT_CERT', 'dropped later', 'X_Forwarded_For', 'dropped later'),
    head({}, 'X-A', 'a\tb', 'X-B', ''),
  ]) {
    assert.equal(judgeFraming(request), undefined, JSON.stringify(request))
  }
})

const refusals: readonly (readonly [name: string, request: RequestHead, reason?: string])[] = [
  ['HTTP/0.9', head({ httpVersion: '0.9' })],
  ['HTTP/2.0', head({ httpVersion: '2.0' })],
  ['no Host', head({ rawHeaders: [] })],
  ['two Hosts', head({}, 'HOST', 'h')],
  ['a Host that is none', head({ rawHeaders: ['Host', 'h, i'] })],
  ['two lengths', head({ method: 'POST' }, 'Content-Length', '1', 'content-length', '1')],
  ['length and coding', head({ method: 'POST' }, 'Content-Length', '1', 'Transfer-Encoding', 'chunked')],
  ['coding over 1.0', head({ method: 'POST', httpVersion: '1.0' }, 'Transfer-Encoding', 'chunked')],
  ['another coding', head({ method: 'POST' }, 'Transfer-Encoding', 'gzip, chunked')],
  ['a length in words', head({ method: 'POST' }, 'Content-Length', '1e3')],
  ['a body on GET', head({}, 'Content-Length', '1')],
  ['chunks on DELETE', head({ method: 'DELETE' }, 'Transfer-Encoding', 'chunked')],
  ['a body on HEAD', head({ method: 'HEAD' }, 'Content-Length', '1')],
  ['a body on OPTIONS', head({ method: 'OPTIONS' }, 'Transfer-Encoding', 'chunked')],
  ['two types', head({ method: 'POST' }, 'Content-Type', 'a', 'Content-type', 'b')],
  ['two authorizations', head({}, 'Authorization', 'a', 'authorization', 'b')],
  ['two Ror headers', head({}, 'Ror-Role-Metier-Code', 'a', 'ROR-ROLE-METIER-CODE', 'b')],
  ['an imitated Ror header', head({}, 'Ror_Role_Metier_Code', 'a')],
  ['an imitated type', head({}, 'Content_Type', 'a')],
  ['two expectations', head({ method: 'POST' }, 'Expect', '100-continue', 'Expect', '100-continue')],
  ['another expectation', head({ method: 'POST' }, 'Expect', '200-ok')],
  ['If-None-Exist twice', head({ method: 'POST' }, 'If-None-Exist', 'a', 'If-None-Exist', 'b')],
  ['Upgrade', head({}, 'upgrade', 'h2c')],
  ['Trailer', head({}, 'trailer', 'X-A')],
  ['a method override', head({ method: 'POST' }, 'X-HTTP-Method', 'PUT')],
  ['a method override with underscores', head({ method: 'POST' }, 'X_Method_Override', 'PUT')],
  ...[
    'Host',
    'content-length',
    'Transfer-Encoding',
    'Content-Type',
    'Authorization',
    'Client-Cert',
    'ror-x',
  ].map((name) => [`Connection: ${name}`, head({}, 'Connection', `close, ${name}`)] as const),
  ['Connection: client_cert', head({}, 'Connection', 'client_cert')],
  ['Connection naming no field', head({}, 'Connection', 'a b')],
  ['8 bits', head({}, 'X-A', '\xe9')],
  ['DEL', head({}, 'X-A', '\x7f')],
  ['a name with a space', head({}, 'X-A ', 'a')],
  ['absolute-form', head({ url: 'http://h/a' })],
  ['asterisk-form', head({ url: '*' })],
  ['a fragment', head({ url: '/a#b' })],
  ['no target', head({ url: '' })],
  ['a long target', head({ url: `/${'a'.repeat(65_536)}` }), 'request-too-long'],
  ['many fields', head({ rawHeaders: Array<string>(2_002).fill('a') }), 'header-too-large'],
  ['CONNECT', head({ method: 'CONNECT' }), 'method-not-supported'],
  ['TRACE', head({ method: 'TRACE' }), 'method-not-supported'],
  ['QUERY', head({ method: 'QUERY' }), 'method-not-supported'],
  ['no method', head({ method: undefined }), 'method-not-supported'],
]

for (const [name, request, reason = 'request-ambiguous'] of refusals) {
  test(`${name} is refused as ${reason}`, () => {
    assert.equal(judgeFraming(request)?.reason, reason)
  })
}

test('a refusal repeats no value that was sent', () => {
  const secret = 's3cret'
  for (const name of [
    'Authorization',
    'Content-Type',
    'Expect',
    'Transfer-Encoding',
    'Content-Length',
    'Host',
  ]) {
    const denial = judgeFraming(head({}, name, secret, name, secret))
    assert.ok(denial !== undefined)
    assert.ok(!JSON.stringify(denial).includes(secret), JSON.stringify(denial))
  }
})

test('no head makes the judgement throw', () => {
  fc.assert(
    fc.property(
      fc.record({
        httpVersion: fc.constantFrom('1.1', '1.0', '0.9', ''),
        method: fc.option(fc.constantFrom('GET', 'POST', 'PATCH', '', 'get'), { nil: undefined }),
        url: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
        rawHeaders: fc.array(
          fc.oneof(
            fc.string({ unit: 'binary' }),
            fc.constantFrom('Host', 'Connection', 'h', 'Content-Length', 'Transfer-Encoding', 'chunked', '5'),
          ),
        ),
      }),
      (request) => {
        judgeFraming(request)
      },
    ),
  )
})
