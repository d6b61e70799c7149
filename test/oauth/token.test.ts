import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fc } from '../support/fast-check.js'
import { deny } from '../../src/core/decision.js'
import { denialReasons, renderingOf } from '../../src/core/reasons.js'
import { renderTokenError, renderTokenFailure } from '../../src/oauth/token-error.js'
import { readTokenForm } from '../../src/oauth/token-form.js'
import { readShared } from '../support/shared.js'

const formType = 'application/x-www-form-urlencoded'

function read(form: string, contentType: string | undefined = formType): ReturnType<typeof readTokenForm> {
  return readTokenForm(new TextEncoder().encode(form), contentType)
}

describe('a refusal on the token path', () => {
  it('is an RFC 6749 error with our reason, both sentences, what was sent and the request id', () => {
    for (const reason of denialReasons) {
      const denial = deny(reason, {
        detail: 'only for the operator',
        sent: { subject: 'O=HÔPITAL "X", CN=a\\b' },
      })
      const { contentType, body } = renderTokenError({ denial, requestId: 'request-1' })
      assert.equal(contentType, 'application/json')
      const { oauth, en, fr } = renderingOf(reason)
      assert.deepEqual(JSON.parse(body), {
        error: oauth,
        error_description: `${en.replace('Santé', 'Sante')}; subject: O=HOPITAL 'X', CN=a/b`,
        reason,
        reason_en: en,
        reason_fr: fr,
        sent: { subject: 'O=HÔPITAL "X", CN=a\\b' },
        request_id: 'request-1',
      })
    }
  })

  it('has a description in the characters of RFC 6749 section 5.2 alone, whatever was sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { body } = renderTokenError({
          denial: deny('request-ambiguous', { sent: { [text]: text } }),
          requestId: text,
        })
        assert.match(body, /"error_description":"[\x20-\x21\x23-\x5b\x5d-\x7e]+"/)
        JSON.parse(body)
      }),
    )
  })

  it('says only the request id of a failure', () => {
    const failure = renderTokenFailure({ requestId: 'request-1', status: 502 })
    assert.deepEqual(JSON.parse(failure.body), { error: 'server_error', request_id: 'request-1' })
    const overload = renderTokenFailure({ requestId: 'request-1', status: 503 })
    assert.deepEqual(JSON.parse(overload.body), { error: 'temporarily_unavailable', request_id: 'request-1' })
  })
})

describe('the form of a token request', () => {
  it('is read in the samples', () => {
    for (const name of ['http-token-mtls.http', 'http-token-profil0.http']) {
      const form = (readShared('samples', 'ror', name).trim().split('\n').at(-1) ?? '')
        .replace('{{client_id}}', 'a%20client%C3%A9')
        .replace('{{client_secret}}', 's%26cret')
      const found = read(form, `${formType}; charset=UTF-8`)
      assert.deepEqual(found, {
        ok: true,
        value: { clientId: 'a clienté', grantType: 'client_credentials', clientAssertion: undefined },
      })
    }
    assert.deepEqual(read(''), {
      ok: true,
      value: { clientId: undefined, grantType: undefined, clientAssertion: undefined },
    })
    assert.deepEqual(read('client_id='), {
      ok: true,
      value: { clientId: undefined, grantType: undefined, clientAssertion: undefined },
    })
  })

  it('that can be read in two ways is refused', () => {
    for (const form of [
      'client_id=a&client_id=a',
      'client_id=a&client%5Fid=b',
      'client_id&client_id=a',
      'scope=a&scope=b',
      'client_id=%',
      'client_id=%4',
      'client_id=%ff',
      'client_id=%C3',
      'client_id=a\r\n',
      'client_id=é',
      'client_id=a;client_id=b',
      'client_id=a=b',
      '{"client_id":"a"}',
      Array.from({ length: 65 }, (_, index) => `p${index}=1`).join('&'),
    ]) {
      const found = read(form)
      assert.equal(found.ok ? undefined : found.problem.reason, 'body-unreadable', form)
    }
    const large = read(`client_id=${'a'.repeat(65_536)}`)
    assert.equal(large.ok ? undefined : large.problem.reason, 'body-too-large')
    for (const type of [
      'application/json',
      `${formType}; charset=utf-16`,
      'multipart/form-data',
      `${formType}x`,
      '',
    ]) {
      const found = read('client_id=a', type)
      assert.equal(found.ok ? undefined : found.problem.reason, 'media-type-unsupported', type)
    }
    assert.equal(readTokenForm(new Uint8Array(0), undefined).ok, false)
  })

  it('gives back every client id that an encoder writes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.string({ unit: 'grapheme' }),
        (clientId, secret) => {
          const form = new URLSearchParams({
            grant_type: 'client_credentials',
            client_id: clientId,
            client_secret: secret,
          })
          assert.deepEqual(read(form.toString()), {
            ok: true,
            value: { clientId, grantType: 'client_credentials', clientAssertion: undefined },
          })
        },
      ),
    )
  })
})
