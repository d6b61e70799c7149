import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { readShared } from '../support/shared.js'
import {
  capacityPath,
  makeStand,
  patchBody,
  permitted,
  permittedTarget,
  rawRequest,
  reasonOf,
} from './stand.js'
import { valuesOf } from '../support/http-message.js'
import { openRaw } from '../support/raw-client.js'

const id = `1${permitted}`

// everything ROR.md section 3 lists as a way past the check of `identifier`
const slips: readonly (readonly [what: string, target: string, reason: string])[] = [
  ['another establishment', `${capacityPath}1350000000/SSR38888`, 'establishment-not-permitted'],
  ['no identifier at all', capacityPath.slice(0, capacityPath.indexOf('?')), 'establishment-missing'],
  ['an empty query', `${capacityPath.slice(0, capacityPath.indexOf('?'))}?`, 'establishment-missing'],
  ['an empty identifier', capacityPath, 'establishment-missing'],
  ['the parameter repeated', `${permittedTarget}&identifier=1290004332/A`, 'establishment-ambiguous'],
  [
    'the parameter repeated, permitted last',
    `${capacityPath}1290004332/A&identifier=${id}/A`,
    'establishment-ambiguous',
  ],
  [
    'the parameter repeated with the same value',
    `${permittedTarget}&identifier=${id}/SSR38888`,
    'establishment-ambiguous',
  ],
  ['a comma list', `${permittedTarget},1290004332/A`, 'establishment-ambiguous'],
  ['an escaped comma list', `${permittedTarget}%2C1290004332/A`, 'establishment-ambiguous'],
  ['system|value', `${capacityPath}urn:oid:1.2|${id}/SSR38888`, 'establishment-ambiguous'],
  ['an escaped system|value', `${capacityPath}%7C${id}/SSR38888`, 'establishment-ambiguous'],
  ['a modifier', permittedTarget.replace('identifier=', 'identifier:of-type='), 'establishment-ambiguous'],
  [
    'an escaped modifier',
    permittedTarget.replace('identifier=', 'identifier%3Anot='),
    'establishment-ambiguous',
  ],
  ['a modifier beside it', `${permittedTarget}&identifier:not=x`, 'establishment-ambiguous'],
  ['an escaped name', permittedTarget.replace('identifier', '%69dentifier'), 'establishment-ambiguous'],
  ['an escaped name beside it', `${permittedTarget}&%69dentifier=1290004332/A`, 'establishment-ambiguous'],
  [
    'another case of the name',
    permittedTarget.replace('identifier', 'Identifier'),
    'establishment-ambiguous',
  ],
  ['a doubly escaped slash', `${capacityPath}${id}%252FSSR38888`, 'establishment-ambiguous'],
  ['a plus', `${permittedTarget}+1290004332/A`, 'establishment-ambiguous'],
  ['a semicolon', `${permittedTarget};identifier=1290004332/A`, 'establishment-ambiguous'],
  ['_id beside it', `${permittedTarget}&_id=12`, 'establishment-ambiguous'],
  ['_filter beside it', `${permittedTarget}&_filter=identifier%20eq%20x`, 'establishment-ambiguous'],
  ['_has beside it', `${permittedTarget}&_has:X:y:z=1`, 'establishment-ambiguous'],
  ['_query beside it', `${permittedTarget}&_query=x`, 'establishment-ambiguous'],
  ['_format beside it', `${permittedTarget}&_format=xml`, 'establishment-ambiguous'],
  ['_method beside it', `${permittedTarget}&_method=DELETE`, 'request-ambiguous'],
  ['a NUL in the value', `${permittedTarget}%00`, 'establishment-ambiguous'],
  ['a broken escape', `${permittedTarget}%2`, 'establishment-ambiguous'],
  ['no value', permittedTarget.replace(/=.*/, ''), 'establishment-ambiguous'],
  ['an empty parameter', `${permittedTarget}&`, 'establishment-ambiguous'],
  ['the functional id', `${capacityPath}52/192675`, 'establishment-unresolvable'],
  [
    'a bare FINESS that begins like an IdNatStruct',
    `${capacityPath}150054680/SSR38888`,
    'establishment-unresolvable',
  ],
  ['the bare FINESS', `${capacityPath}${permitted}/SSR38888`, 'establishment-unresolvable'],
  ['another prefix', `${capacityPath}3${permitted}00000/SSR38888`, 'establishment-unresolvable'],
  ['no unit', `${capacityPath}${id}`, 'establishment-unresolvable'],
  ['two slashes', `${capacityPath}${id}/A/B`, 'establishment-unresolvable'],
  ['a space before', `${capacityPath}%20${id}/SSR38888`, 'establishment-unresolvable'],
  ['full-width digits', `${capacityPath}1%EF%BC%93${permitted.slice(1)}/A`, 'establishment-unresolvable'],
  ['a doubled slash in the path', permittedTarget.replace('/Location', '//Location'), 'request-ambiguous'],
  ['a path parameter', permittedTarget.replace('/Location', '/Location;x'), 'request-ambiguous'],
  ['an escaped letter in the path', permittedTarget.replace('/Location', '/%4cocation'), 'request-ambiguous'],
  ['a dot segment', permittedTarget.replace('/Location', '/./Location'), 'request-ambiguous'],
  ['a double dot segment', permittedTarget.replace('/Location', '/x/../Location'), 'request-ambiguous'],
  ['absolute-form', `http://x${permittedTarget}`, 'request-ambiguous'],
  ['a trailing slash', permittedTarget.replace('/Location', '/Location/'), 'write-not-described'],
  ['an id in the path', permittedTarget.replace('/Location', '/Location/12'), 'write-not-described'],
  ['another type', permittedTarget.replace('/Location', '/Organization'), 'write-not-described'],
]

test('the capacity PATCH', async (context) => {
  const stand = await makeStand(context)
  let forwarded = 0

  await context.test('of the guide reaches the upstream byte for byte', async () => {
    const [, body = ''] = readShared('samples', 'ror', 'http-patch-capacitaire-add.http').split(/\r?\n\r?\n/)
    const answer = await stand.send({
      method: 'PATCH',
      target: permittedTarget,
      body,
      fields: ['Authorization: Bearer x'],
    })
    assert.equal(answer.status, 200)
    const request = await stand.upstream.request(forwarded++)
    assert.equal(request.startLine, `PATCH ${permittedTarget} HTTP/1.1`)
    assert.equal(request.body, Buffer.from(body).toString('latin1'))
    const event = await stand.auditOf(answer)
    assert.equal(event['decision'], 'permit')
    assert.deepEqual(event['establishments'], [{ idNatStruct: id, at: 'query parameter identifier' }])
  })

  for (const value of [`${id}%2FSSR38888`, `${id}/SSR%2038888`, `${id}%2fSSR%2D38888`]) {
    await context.test(
      `takes ${value}, escaped as client libraries do, and forwards it as received`,
      async () => {
        const target = `${capacityPath}${value}`
        const answer = await stand.send({ method: 'PATCH', target, body: patchBody })
        assert.equal(answer.status, 200)
        assert.equal((await stand.upstream.request(forwarded++)).startLine, `PATCH ${target} HTTP/1.1`)
      },
    )
  }

  for (const [what, target, reason] of slips) {
    await context.test(`is refused with ${what}`, async () => {
      const answer = await stand.send({ method: 'PATCH', target, body: patchBody })
      assert.equal(reasonOf(answer), reason, answer.raw)
      assert.notEqual(answer.status, 404)
      assert.equal(stand.upstream.requests.length, forwarded)
    })
  }

  const bodies: readonly (readonly [what: string, body: string, reason: string])[] = [
    ['of another type', '{"resourceType":"Location"}', 'body-unreadable'],
    [
      'that aims at an Organization',
      patchBody.replace('Location.ext', 'Organization.ext'),
      'establishment-ambiguous',
    ],
    [
      'that aims beyond by resolve()',
      patchBody.replace("where(url='x')", 'resolve()'),
      'establishment-ambiguous',
    ],
    ['that is no JSON', '{', 'body-unreadable'],
    ['with a key twice', '{"resourceType":"Parameters","resourceType":"Parameters"}', 'body-unreadable'],
    ['that is a JSON Patch', '[{"op":"remove","path":"/extension"}]', 'body-unreadable'],
  ]
  for (const [what, body, reason] of bodies) {
    await context.test(`is refused with a body ${what}`, async () => {
      const answer = await stand.send({ method: 'PATCH', target: permittedTarget, body })
      assert.equal(reasonOf(answer), reason, answer.raw)
      assert.equal(stand.upstream.requests.length, forwarded)
    })
  }

  const fields: readonly (readonly [field: string, reason: string])[] = [
    ['X-HTTP-Method-Override: DELETE', 'request-ambiguous'],
    ['Content-Type: application/json-patch+json', 'media-type-unsupported'],
    ['Content-Encoding: gzip', 'media-type-unsupported'],
    ['Ror-Role-Metier-Code: AUTOMATE', 'ror-header-mismatch'],
  ]
  for (const [field, reason] of fields) {
    await context.test(`is refused with the field ${field}`, async () => {
      const answer = await stand.send({
        method: 'PATCH',
        target: permittedTarget,
        body: patchBody,
        fields: [field],
      })
      assert.equal(reasonOf(answer), reason, answer.raw)
      assert.equal(stand.upstream.requests.length, forwarded)
    })
  }

  for (const method of ['POST', 'PUT', 'DELETE']) {
    await context.test(`sent as ${method} is a write that nothing describes`, async () => {
      const answer = await stand.send({
        method,
        target: permittedTarget,
        ...(method !== 'DELETE' && { body: patchBody }),
      })
      assert.equal(reasonOf(answer), 'write-not-described')
      assert.equal(stand.upstream.requests.length, forwarded)
    })
  }

  await context.test('mutated anywhere is the same judgement and the same bytes, or a refusal', async () => {
    let client = await openRaw(stand.port, stand.tls())
    let isLast = false
    const bytes = fc.constantFrom(
      ...'%2F/&?=;,|+.:#\\ 01aLé\u0000'.split(''),
      '%2F',
      '%25',
      '&identifier=',
      '//',
      '../',
      '%00',
    )
    const mutation = fc.record({
      at: fc.nat(permittedTarget.length),
      cut: fc.nat(3),
      put: fc.oneof(bytes, fc.string({ maxLength: 4 })),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 2 }), async (mutations) => {
        let target = permittedTarget
        for (const { at, cut, put } of mutations) target = target.slice(0, at) + put + target.slice(at + cut)
        // what is no request line any more is the parser's to refuse, and ends the connection
        if (!/^[\x21-\x7e]+$/.test(target)) return
        const before = stand.upstream.requests.length
        // a refusal whose reading is in doubt ends its connection
        if (isLast) client = await openRaw(stand.port, stand.tls())
        client.send(rawRequest({ method: 'PATCH', target, body: patchBody }))
        const answer = await client.answer()
        isLast = valuesOf(answer, 'connection').includes('close')
        if (answer.status === 200) {
          const request = stand.upstream.requests[before]
          assert.equal(request?.startLine, `PATCH ${target} HTTP/1.1`)
          const [, value = ''] = target.split('identifier=')
          assert.ok(decodeURIComponent(value).startsWith(`${id}/`), target)
          assert.equal(stand.upstream.requests.length, before + 1)
        } else {
          assert.ok(
            answer.status >= 400 && answer.status < 500 && answer.status !== 404,
            `${target} ${answer.startLine}`,
          )
          assert.equal(stand.upstream.requests.length, before)
        }
      }),
      { numRuns: 400 },
    )
    client.destroy()
    assert.deepEqual(stand.upstream.oddities, [])
  })
})
