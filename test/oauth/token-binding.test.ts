import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { fc } from '../support/fast-check.js'
import type { TokenBinding } from '../../src/core/api.js'
import { readJwtClaims } from '../../src/oauth/jwt.js'
import { readJsonObject } from '../../src/oauth/strict-json.js'
import { judgeTokenBinding } from '../../src/oauth/token-binding.js'
import { jwtOf, part } from './jwt.js'

const certificateSha256 = createHash('sha256').update('certificate').digest('hex')
const thumbprint = createHash('sha256').update('certificate').digest('base64url')
const other = createHash('sha256').update('other').digest('base64url')
const bound = jwtOf({ cnf: { 'x5t#S256': thumbprint } })

type Question = Partial<Parameters<typeof judgeTokenBinding>[0]>

function problemOf(question: Question): string | undefined {
  const denial = judgeTokenBinding({
    binding: 'if-present',
    authorization: undefined,
    query: undefined,
    certificateSha256,
    ...question,
  })
  if (denial === undefined) return undefined
  assert.equal(denial.reason, 'token-binding-mismatch')
  return denial.sent?.['problem']
}

describe('the binding of a token', () => {
  it('holds where the token names the certificate of the connection, and no other (RFC 8705 section 3.1)', () => {
    // the example of RFC 8705 section 3.1
    const example = 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2'
    const sha256 = Buffer.from(`${example.slice(0, -1)}0`, 'base64url').toString('hex')
    const claims = { iss: 'https://server.example.com', cnf: { 'x5t#S256': `${example.slice(0, -1)}0` } }
    assert.equal(
      problemOf({ authorization: `Bearer ${jwtOf(claims)}`, certificateSha256: sha256 }),
      undefined,
    )
    for (const binding of ['if-present', 'required'] as const) {
      assert.equal(problemOf({ binding, authorization: `Bearer ${bound}` }), undefined)
      assert.equal(problemOf({ binding, authorization: `bEARER   ${bound}` }), undefined)
      const wrong = jwtOf({ cnf: { 'x5t#S256': other } })
      assert.equal(
        problemOf({ binding, authorization: `Bearer ${wrong}` }),
        'the access token names another certificate',
      )
    }
  })

  it('is asked of every request only where it is required', () => {
    const unbound: readonly (string | undefined)[] = [
      undefined,
      'Bearer 2YotnFZFEjr1zCsicMWpAA',
      'Bearer a.b',
      `Bearer ${['a', 'b', 'c', 'd', 'e'].join('.')}`,
      `Bearer ${jwtOf({ sub: 'x' })}`,
      `Bearer ${jwtOf({ cnf: { jkt: 'x' } })}`,
      'Basic dXNlcjpwYXNz',
    ]
    for (const authorization of unbound) {
      assert.equal(problemOf({ binding: 'off', authorization }), undefined)
      assert.equal(problemOf({ binding: 'if-present', authorization }), undefined, authorization)
      assert.equal(
        problemOf({ binding: 'required', authorization }),
        'no access token that names the certificate',
      )
    }
    assert.equal(
      problemOf({ binding: 'off', authorization: 'Bearer a.b.c', query: 'access_token=x' }),
      undefined,
    )
  })

  it('is refused where readers could differ about what the token says', () => {
    const twice = `{"cnf":{"x5t#S256":"${other}"},"cnf":{"x5t#S256":"${thumbprint}"}}`
    const claims: readonly string[] = [
      twice,
      twice.replace('"cnf"', '"\\u0063nf"'),
      `{"cnf":{"x5t#S256":"${other}","x5t\\u0023S256":"${thumbprint}"}}`,
      `\ufeff{"cnf":{"x5t#S256":"${thumbprint}"}}`,
      `{"cnf":{"x5t#S256":"${thumbprint}"}} {}`,
      `[{"cnf":{"x5t#S256":"${thumbprint}"}}]`,
      `{"cnf":{"x5t#S256":"${thumbprint}"},"x":"\\ud800"}`,
      '"text"',
      '',
      '{',
    ]
    const tokens: readonly string[] = [
      ...claims.map((text) => jwtOf(text)),
      jwtOf({ cnf: null }),
      jwtOf({ cnf: thumbprint }),
      jwtOf({ cnf: [{ 'x5t#S256': thumbprint }] }),
      jwtOf({ cnf: { 'x5t#S256': null } }),
      jwtOf({ cnf: { 'x5t#S256': [thumbprint] } }),
      jwtOf({ cnf: { 'x5t#S256': `${thumbprint}=` } }),
      jwtOf({ cnf: { 'x5t#S256': thumbprint.toLowerCase() } }),
      jwtOf({ cnf: { 'x5t#S256': certificateSha256 } }),
      `${bound}=`,
      `${part('{"alg":"none"')}.${part({})}.`,
      `.${part({})}.`,
      `${part({})}..`,
      bound.replace('.', '.+'),
      `${part({})}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.`,
      // the last character of base64url holds bits that nobody reads
      `${part({})}.${part({}).slice(0, -1)}1.`,
    ]
    for (const token of tokens) {
      for (const binding of ['if-present', 'required'] as const)
        assert.notEqual(problemOf({ binding, authorization: `Bearer ${token}` }), undefined, token)
    }
  })

  it('is not got round by the form of the field, or by another place for the token', () => {
    const fields = [
      '',
      'Bearer',
      'Bearer ',
      `Bearer\t${bound}`,
      `Bearer,${bound}`,
      `Bearer ${bound},Bearer ${bound}`,
      `Bearer ${bound} x`,
      `Bearer: ${bound}`,
      `XBearer ${bound}`,
      `Bearer2 ${jwtOf({})}`,
      `DPoP ${jwtOf({ cnf: { 'x5t#S256': other } })}`,
    ]
    for (const authorization of fields)
      assert.notEqual(problemOf({ authorization }), undefined, authorization)
    for (const query of [
      `access_token=${bound}`,
      `x=1&access_token=${bound}`,
      'access_token',
      'access%5Ftoken=x',
      'Access_Token=x',
      'access%255ftoken=x',
      '+access_token=x',
    ]) {
      assert.equal(
        problemOf({ query, authorization: `Bearer ${bound}` }),
        'an access token in the query',
        query,
      )
    }
    assert.equal(problemOf({ query: 'identifier=access_token&x_access_token=1' }), undefined)
  })

  it('is judged of any text without throwing, and no text but the right one is bound', () => {
    const bindings = fc.constantFrom<TokenBinding>('if-present', 'required')
    const text = fc.oneof(
      fc.string({ unit: 'binary-ascii' }),
      fc.string().map((token) => `Bearer ${token}`),
      fc.tuple(fc.string(), fc.json(), fc.string()).map((parts) => `Bearer ${parts.map(part).join('.')}`),
      fc.json().map((claims) => `Bearer ${jwtOf(claims)}`),
    )
    fc.assert(
      fc.property(bindings, text, (binding, authorization) => {
        const problem = problemOf({ binding, authorization })
        if (binding === 'required') assert.notEqual(problem, undefined)
      }),
    )
  })

  it('never repeats the token', () => {
    for (const token of [jwtOf({ cnf: null, secret: 'hidden' }), jwtOf({ cnf: { 'x5t#S256': 'hidden' } })]) {
      const denial = judgeTokenBinding({
        binding: 'required',
        authorization: `Bearer ${token}`,
        query: undefined,
        certificateSha256,
      })
      const told = JSON.stringify(denial)
      for (const secret of ['hidden', ...token.split('.')]) assert.equal(told.includes(secret), false)
    }
  })
})

describe('the strict reader of small JSON objects', () => {
  const read = (text: string) => readJsonObject(new TextEncoder().encode(text))

  it('reads what JSON.parse reads, or refuses', () => {
    let taken = 0
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.dictionary(fc.string(), fc.jsonValue()).map((o) => JSON.stringify(o)),
        ),
        (text) => {
          const value = read(text)
          if (value === undefined) return
          taken += 1
          assert.deepEqual(value, JSON.parse(text))
        },
      ),
      { numRuns: 500 },
    )
    assert.ok(taken > 100)
  })

  it('refuses a name that stands twice, at any depth and however it is written', () => {
    for (const text of [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":1}',
      '{"x":[{"b":{"a":1,"c":2,"a":3}}]}',
      '{"__proto__":1,"__proto__":2}',
      '{"":1,"":2}',
    ])
      assert.equal(read(text), undefined, text)
    for (const text of [
      '{"a":{"a":["a","a"]},"b":{"a":"b"}}',
      '{"a":"a","b":"a"}',
      ' { "a" : 1 , "b" : [ ] } ',
    ])
      assert.notEqual(read(text), undefined, text)
  })

  it('takes any depth that a field can hold', () => {
    const deep = `{"a":${'['.repeat(16_000)}${']'.repeat(16_000)}}`
    assert.notEqual(read(deep), undefined)
    assert.equal(readJwtClaims(jwtOf('['.repeat(16_000))), 'malformed')
  })
})
