import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../support/fast-check.js'
import { judgeClientId } from '../../src/oauth/client-id.js'
import { readTokenForm } from '../../src/oauth/token-form.js'
import { jwtOf } from './jwt.js'

const clientId = 'ror-consumer'
const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`
const assertion = (claims: unknown): string =>
  `client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=${jwtOf(claims)}`

interface Request {
  readonly form?: string
  readonly authorization?: string
  readonly query?: string
}

function placeOf({ form: text = '', authorization, query }: Request): string | undefined {
  const form = readTokenForm(new TextEncoder().encode(text), 'application/x-www-form-urlencoded')
  if (!form.ok) return form.problem.reason
  const denial = judgeClientId({ clientId, form: form.value, authorization, query })
  if (denial === undefined) return undefined
  assert.equal(denial.reason, 'client-id-mismatch')
  return denial.sent?.['at']
}

describe('the client of a token request', () => {
  it('is missing where none is named, and another one where one is', () => {
    for (const [text, problem] of [
      ['grant_type=client_credentials', 'no client id was sent'],
      ['client_id=other', undefined],
    ] as const) {
      const form = readTokenForm(new TextEncoder().encode(text), 'application/x-www-form-urlencoded')
      assert.ok(form.ok)
      const denial = judgeClientId({ clientId, form: form.value, authorization: undefined, query: undefined })
      assert.equal(denial?.sent?.['problem'], problem)
    }
  })

  it('passes where every place that names one names the partner’s', () => {
    const requests: readonly Request[] = [
      { form: 'grant_type=client_credentials&client_id=ror-consumer' },
      { form: 'client_id=ror%2Dconsumer&client_secret=x' },
      { form: 'grant_type=client_credentials', authorization: basic('ror-consumer:secret:more') },
      { form: 'client_id=ror-consumer', authorization: basic('ror-consumer:') },
      { form: assertion({ iss: clientId, sub: clientId }) },
      { form: `client_id=ror-consumer&${assertion({ iss: clientId, sub: clientId })}` },
    ]
    for (const request of requests) assert.equal(placeOf(request), undefined, JSON.stringify(request))
  })

  it('is refused where one of them names another, or none of them any', () => {
    const good = 'client_id=ror-consumer'
    const requests: readonly (readonly [at: string, request: Request])[] = [
      ['client_id', {}],
      ['client_id', { form: 'client_id=' }],
      ['client_id', { form: 'client_id=other' }],
      ['client_id', { form: 'client_id=ROR-consumer' }],
      ['client_id', { form: 'client_id=ror-consumer+' }],
      ['client_id', { form: 'client_id=other', authorization: basic('ror-consumer:x') }],
      ['Authorization', { form: good, authorization: basic('other:x') }],
      ['Authorization', { form: good, authorization: basic('ror-consumer') }],
      ['Authorization', { form: good, authorization: basic('ror%2Dconsumer:x') }],
      ['Authorization', { form: good, authorization: basic(':x') }],
      ['Authorization', { form: good, authorization: 'Basic cm9yLWNvbnN1bWVyOng' }],
      ['Authorization', { form: good, authorization: 'Bearer x' }],
      ['Authorization', { form: good, authorization: '' }],
      ['client_assertion sub', { form: `${good}&${assertion({ iss: clientId, sub: 'other' })}` }],
      ['client_assertion iss', { form: `${good}&${assertion({ iss: 'other', sub: clientId })}` }],
      ['client_assertion sub', { form: `${good}&${assertion({})}` }],
      ['client_assertion sub', { form: `${good}&client_assertion=opaque` }],
      ['query', { form: good, query: 'client_id=other' }],
      ['query', { form: good, query: '' }],
      ['body-unreadable', { form: `${good}&client_id=ror-consumer` }],
      ['body-unreadable', { form: `${good}&Client_Id=other` }],
      ['body-unreadable', { form: `${good}&client_id%20=other` }],
      ['body-unreadable', { form: `${good}&client_id%5B%5D=other` }],
      ['body-unreadable', { form: `${good}&client_id%00=other` }],
    ]
    for (const [at, request] of requests) assert.equal(placeOf(request), at, JSON.stringify(request))
  })

  it('is never taken for the partner’s in any other text, and nothing sent is repeated', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (id, secret) => {
        fc.pre(id !== clientId)
        const form = new URLSearchParams({ client_id: id, client_secret: secret }).toString()
        assert.notEqual(placeOf({ form }), undefined)
        assert.notEqual(placeOf({ authorization: basic(`${id}:${secret}`) }), undefined)
      }),
    )
  })
})
