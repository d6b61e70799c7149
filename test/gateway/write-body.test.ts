import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRaw } from '../support/raw-client.js'
import { readShared } from '../support/shared.js'
import { until } from '../support/until.js'
import { rawRequest, reasonOf, fhirHost, type RequestWish } from './stand.js'
import { makeWriteStand } from './write-stand.js'

const sample = (name: string): string => readShared('samples', 'ror', `${name}.json`)
const rules = [
  '{ method: POST, path: /Organization, establishment: { body: organization-identifier }, prefixes: [1, 2, 3], maxBodyBytes: 8192 }',
  '{ method: POST, path: /Task, establishment: { body: task-focus }, parameters: [_pretty] }',
  '{ method: PUT, path: /Organization, establishment: { query: identifier, form: idnatstruct, body: organization-identifier } }',
  '{ method: DELETE, path: /Location, establishment: { query: identifier, form: idnatstruct/unit } }',
]
const mine = {
  resourceType: 'Organization',
  identifier: [{ system: 'https://finess.esante.gouv.fr', value: '350054680' }],
}
const task = { resourceType: 'Task', focus: { type: 'Organization', identifier: { value: '1350054680' } } }
const foreign = { system: 'https://finess.esante.gouv.fr', value: '750000001' }
const organizations = '/fhir/Organization'
const tasks = '/fhir/Task'

test('the writes of the guide that name their establishment in the body', async (context) => {
  const stand = await makeWriteStand(context, {
    writes: rules,
    establishments: ['350054680', '910800002', '2921317258', '392131725800020'],
  })
  const cases: readonly (readonly [name: string, target: string, numbers: readonly string[]])[] = [
    ['post-organization-ej', organizations, ['2921317258', '2921317258']],
    ['post-organization-eg', organizations, ['392131725800020', '392131725800020']],
    ['post-task-anomalie', tasks, ['1910800002']],
  ]
  for (const [name, target, numbers] of cases) {
    await context.test(`${name} goes as it was sent, and the audit says for whom`, async () => {
      const body = sample(name)
      const before = stand.writes().length
      const answer = await stand.send({ method: 'POST', target, body })
      assert.equal(answer.status, 200, answer.raw)
      const request = stand.writes()[before]
      assert.equal(request?.startLine, `POST ${target} HTTP/1.1`)
      assert.equal(request.body, Buffer.from(body).toString('latin1'))
      const event = await stand.auditOf(answer)
      // as the audit writes them
      const written = event['establishments'] as { idNatStruct: string; at: string }[]
      assert.deepEqual(
        written.map(({ idNatStruct }) => idNatStruct),
        numbers,
      )
      assert.match(written[0]?.at ?? '', /^(?:Organization\.identifier\[0\]|Task\.focus\.identifier)$/)
    })
  }

  await context.test('in XML too', async () => {
    const body =
      '<Task xmlns="http://hl7.org/fhir"><focus><type value="Organization"/><identifier><value value="1910800002"/></identifier></focus></Task>'
    const fields = ['Content-Type: application/fhir+xml; charset=UTF-8']
    assert.equal((await stand.send({ method: 'POST', target: tasks, body, fields })).status, 200)
  })

  await context.test('a conditional update names the same establishment twice, and both count', async () => {
    const body = JSON.stringify(mine)
    const put = (number: string, sent = body) =>
      stand.send({ method: 'PUT', target: `${organizations}?identifier=${number}`, body: sent })
    assert.equal((await put('1350054680')).status, 200)
    assert.equal(reasonOf(await put('1750000001')), 'establishment-not-permitted')
    const elsewhere = JSON.stringify({ ...mine, identifier: [foreign] })
    assert.equal(reasonOf(await put('1350054680', elsewhere)), 'establishment-not-permitted')
    assert.equal(
      reasonOf(await put('1350054680', '{"resourceType":"Organization"}')),
      'establishment-missing',
    )
    assert.equal(
      reasonOf(await stand.send({ method: 'PUT', target: organizations, body })),
      'establishment-missing',
    )
  })
})

const post = (body: unknown, more: RequestWish = {}): RequestWish => ({
  method: 'POST',
  target: organizations,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  ...more,
})
const postTask = (focus: unknown): RequestWish =>
  post({ ...task, ...(focus === undefined ? { focus: undefined } : { focus }) }, { target: tasks })
const typed = (...fields: string[]): RequestWish => post(mine, { fields })

const slips: readonly (readonly [what: string, wish: RequestWish, reason: string])[] = [
  ['another establishment', post({ ...mine, identifier: [foreign] }), 'establishment-not-permitted'],
  [
    'a permitted one first',
    post({ ...mine, identifier: [...mine.identifier, foreign] }),
    'establishment-not-permitted',
  ],
  [
    'a permitted one last',
    post({ ...mine, identifier: [foreign, ...mine.identifier] }),
    'establishment-not-permitted',
  ],
  ['no identifier', post({ resourceType: 'Organization' }), 'establishment-missing'],
  [
    'identifiers of other systems alone',
    post({ ...mine, identifier: [{ system: 'x', value: '350054680' }] }),
    'establishment-missing',
  ],
  [
    'an identifier beside its system',
    post({ ...mine, identifier: [{ value: '350054680' }] }),
    'establishment-missing',
  ],
  [
    'a system almost national',
    post({
      ...mine,
      identifier: [...mine.identifier, { ...foreign, system: 'https://FINESS.esante.gouv.fr/' }],
    }),
    'establishment-ambiguous',
  ],
  [
    'a number that is none',
    post({ ...mine, identifier: [{ ...foreign, value: '35005468' }] }),
    'establishment-unresolvable',
  ],
  ['another type', post({ ...mine, resourceType: 'Location' }), 'establishment-ambiguous'],
  [
    'a contained Organization',
    post({ ...mine, contained: [{ resourceType: 'Organization' }] }),
    'establishment-ambiguous',
  ],
  ['keys twice', post('{"resourceType":"Organization","identifier":[],"identifier":[]}'), 'body-unreadable'],
  [
    'an escaped key twice',
    post(JSON.stringify(mine).replace('{', '{"\\u0069dentifier":[],')),
    'body-unreadable',
  ],
  ['text behind the body', post(`${JSON.stringify(mine)}{}`), 'body-unreadable'],
  ['a byte order mark', post(`\ufeff${JSON.stringify(mine)}`), 'body-unreadable'],
  ['an array', post([mine]), 'body-unreadable'],
  ['a Bundle', post({ resourceType: 'Bundle', type: 'batch', entry: [] }), 'establishment-ambiguous'],
  ['no body', { method: 'POST', target: organizations }, 'body-unreadable'],
  ['an empty body', post(''), 'body-unreadable'],
  ['XML called JSON', post('<Organization xmlns="http://hl7.org/fhir"/>'), 'body-unreadable'],
  ['JSON called XML', typed('Content-Type: application/fhir+xml'), 'body-unreadable'],
  ['a type that is not FHIR', typed('Content-Type: text/plain'), 'media-type-unsupported'],
  ['turtle', typed('Content-Type: text/turtle'), 'media-type-unsupported'],
  ['a form', typed('Content-Type: application/x-www-form-urlencoded'), 'media-type-unsupported'],
  ['an empty type', typed('Content-Type: '), 'media-type-unsupported'],
  ['two types in one', typed('Content-Type: application/fhir+json, text/plain'), 'media-type-unsupported'],
  ['UTF-16', typed('Content-Type: application/fhir+json; charset=utf-16'), 'media-type-unsupported'],
  ['UTF-7', typed('Content-Type: application/fhir+json; charset="utf-7"'), 'media-type-unsupported'],
  [
    'two charsets',
    typed('Content-Type: application/fhir+json; charset=utf-8; charset=utf-16'),
    'media-type-unsupported',
  ],
  [
    'a parameter unknown here',
    typed('Content-Type: application/fhir+json; profile=x'),
    'media-type-unsupported',
  ],
  ['gzip', typed('Content-Type: application/fhir+json', 'Content-Encoding: gzip'), 'media-type-unsupported'],
  [
    'an unknown encoding',
    typed('Content-Type: application/fhir+json', 'Content-Encoding: x'),
    'media-type-unsupported',
  ],
  [
    'a system that slashes pad',
    post({ ...mine, identifier: [{ system: `${'/'.repeat(7_000)}x`, value: '350054680' }] }),
    'establishment-missing',
  ],
  ['a query', post(mine, { target: `${organizations}?identifier=1750000001` }), 'establishment-ambiguous'],
  [
    'another parameter than the rule takes',
    post(task, { target: `${tasks}?_prett%79=true` }),
    'establishment-ambiguous',
  ],
  ['If-None-Exist', typed('If-None-Exist: identifier=1750000001'), 'establishment-ambiguous'],
  ['if_none_exist', typed('if_none_exist: identifier=1750000001'), 'request-ambiguous'],
  ['X-Cascade', typed('X-Cascade: delete'), 'establishment-ambiguous'],
  ['an id in the path', post(mine, { method: 'PUT', target: `${organizations}/12` }), 'write-not-described'],
  [
    'a body on DELETE',
    { method: 'DELETE', target: '/fhir/Location?identifier=1350054680/A', body: '{}' },
    'request-ambiguous',
  ],
  ['a Task without focus', postTask(undefined), 'establishment-missing'],
  [
    'a Task for another',
    postTask({ ...task.focus, identifier: { value: '1750000001' } }),
    'establishment-not-permitted',
  ],
  ['a Task with two foci', postTask([task.focus, task.focus]), 'establishment-ambiguous'],
  [
    'a Task with a reference too',
    postTask({ ...task.focus, reference: 'Organization/1' }),
    'establishment-ambiguous',
  ],
  ['a Task on a Location', postTask({ ...task.focus, type: 'Location' }), 'establishment-unresolvable'],
  [
    'a Task with a bare FINESS',
    postTask({ ...task.focus, identifier: { value: '350054680' } }),
    'establishment-unresolvable',
  ],
  [
    'a Task of another system',
    postTask({ ...task.focus, identifier: { system: 'x', value: '1350054680' } }),
    'establishment-ambiguous',
  ],
]

test('a write judged by its body is refused, and nothing is written, with', async (context) => {
  const stand = await makeWriteStand(context, { writes: rules })
  for (const [what, wish, reason] of slips) {
    await context.test(what, async () => {
      const answer = await stand.send(wish)
      assert.equal(reasonOf(answer), reason, answer.raw)
      const event = await stand.auditOf(answer)
      assert.equal(event['reason'], reason)
      assert.equal(stand.upstream.connections.length, 0)
    })
  }
})

test('what a rule opens beside its body passes: its parameters, and If-None-Exist where it says so', async (context) => {
  const rule =
    '{ method: POST, path: /Organization, establishment: { body: organization-identifier }, conditionalCreate: true, parameters: [_pretty] }'
  const stand = await makeWriteStand(context, { writes: [rule] })
  const fields = ['If-None-Exist: identifier=1350054680']
  const answer = await stand.send(post(mine, { fields, target: `${organizations}?_pretty=true` }))
  assert.equal(answer.status, 200)
  assert.ok(stand.writes()[0]?.raw.includes('If-None-Exist: identifier=1350054680'))
})

test('a body is refused at the first byte too many, announced or not', async (context) => {
  const stand = await makeWriteStand(context, { writes: rules })
  const head = JSON.stringify(mine).slice(0, -1)
  const full = (bytes: number): string => `${head}${' '.repeat(bytes - head.length - 1)}}`
  assert.equal((await stand.send(post(full(8192)))).status, 200)
  assert.equal(reasonOf(await stand.send(post(full(8193)))), 'body-too-large')
  const chunked = async (bytes: number): Promise<string | undefined> => {
    const client = await openRaw(stand.port, stand.tls())
    client.send(
      `POST ${organizations} HTTP/1.1\r\nHost: ${fhirHost}\r\nContent-Type: application/fhir+json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    client.send(`${bytes.toString(16)}\r\n${full(bytes)}\r\n0\r\n\r\n`)
    const answer = await client.answer()
    client.destroy()
    return answer.status === 200 ? 'taken' : reasonOf(answer)
  }
  assert.equal(await chunked(8192), 'taken')
  assert.equal(await chunked(8193), 'body-too-large')
  assert.equal(stand.writes().length, 2)
  assert.deepEqual(stand.upstream.oddities, [])
})

test('a body that does not come whole in time is refused, and nothing is written', async (context) => {
  const stand = await makeWriteStand(context, {
    writes: rules,
    more: 'limits: { headersTimeoutMs: 200, requestTimeoutMs: 300 }\n',
  })
  const client = await openRaw(stand.port, stand.tls())
  client.send(rawRequest(post(mine)).slice(0, -1))
  const answer = await client.answer()
  assert.equal(reasonOf(answer), 'request-timeout')
  client.destroy()
  assert.equal(stand.upstream.connections.length, 0)
})

test('bodies under way are bounded over the whole process: 503 past it, and room again afterwards', async (context) => {
  const rule =
    '{ method: POST, path: /Organization, establishment: { body: organization-identifier }, maxBodyBytes: 1048576 }'
  const stand = await makeWriteStand(context, {
    writes: [rule],
    more: 'limits: { bodyBytesInFlight: 1048576 }\n',
  })
  const slow = await openRaw(stand.port, stand.tls())
  const half = 700_000
  slow.send(
    `POST ${organizations} HTTP/1.1\r\nHost: ${fhirHost}\r\nContent-Type: application/fhir+json\r\nExpect: 100-continue\r\nContent-Length: ${half}\r\n\r\n`,
  )
  await slow.until('100 Continue')
  const padding = ' '.repeat(half - 1)
  slow.send(padding)
  const big = post(`${JSON.stringify(mine)}${' '.repeat(half)}`)
  // the bytes of the slow one are counted as they come: until they are all there the other one may pass
  const refused = await until('a refusal', async () => {
    const sent = await stand.send(big)
    return sent.status !== 200 && sent
  })
  assert.equal(refused.status, 503)
  assert.equal((await stand.auditOf(refused))['outcome'], 'overloaded')
  slow.destroy()
  await slow.closed
  await until('a free place', async () => (await stand.send(big)).status === 200)
})

test('report-only lets a body pass that names another establishment, and the audit says so', async (context) => {
  const stand = await makeWriteStand(context, { writes: rules, mode: 'report-only' })
  const answer = await stand.send(post({ ...mine, identifier: [foreign] }))
  assert.equal(answer.status, 200)
  const event = await stand.auditOf(answer)
  assert.deepEqual([event['enforced'], event['reason']], [false, 'establishment-not-permitted'])
  assert.equal(reasonOf(await stand.send(post('{'))), 'body-unreadable')
})
