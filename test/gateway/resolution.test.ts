import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../support/http-message.js'
import { readShared } from '../support/shared.js'
import { reasonOf, type RequestWish } from './stand.js'
import { jsonAnswer, makeWriteStand, searchset, type Stored, type WriteStandWish } from './write-stand.js'

const finess = (value: string): unknown => ({ system: 'https://finess.esante.gouv.fr', value })
const organization = (id: string, more: Record<string, unknown>): Stored => ({
  resourceType: 'Organization',
  id,
  ...more,
})
const partOf = (id: string): Record<string, unknown> => ({ partOf: { reference: `Organization/${id}` } })
const service = (id: string, provider: string, location?: string): Stored => ({
  resourceType: 'HealthcareService',
  id,
  providedBy: { reference: `Organization/${provider}` },
  ...(location !== undefined && { location: [{ reference: `Location/${location}` }] }),
})
const location = (id: string, functional: string, more: Record<string, unknown> = {}): Stored => ({
  resourceType: 'Location',
  id,
  identifier: [{ value: functional }],
  ...more,
})

const stored: readonly Stored[] = [
  organization('10', { identifier: [finess('350054680')] }),
  organization('11', partOf('10')),
  organization('12', partOf('11')),
  organization('20', {
    identifier: [finess('750000001'), { system: 'http://sirene.fr', value: '921317258' }],
  }),
  organization('21', partOf('20')),
  organization('30', {
    identifier: [{ system: 'http://sirene.fr', value: '92131725800020' }],
    ...partOf('10'),
  }),
  organization('31', {
    identifier: [finess('350054680'), { system: 'http://sirene.fr', value: '92131725800020' }],
  }),
  organization('32', { identifier: [finess('350054680'), finess('750000001')] }),
  organization('33', { identifier: [finess('35005468')] }),
  organization('40', partOf('41')),
  organization('41', partOf('40')),
  organization('42', partOf('42')),
  organization('50', {}),
  organization('51', { partOf: { reference: 'https://elsewhere.example/fhir/Organization/10' } }),
  organization('52', { partOf: { reference: '#here' } }),
  organization('53', { partOf: { identifier: { value: '1350054680' } } }),
  organization('54', partOf('404')),
  ...[60, 61, 62, 63, 64, 65, 66].map((id) => organization(String(id), partOf(String(id + 1)))),
  organization('67', { identifier: [finess('350054680')] }),
  service('100', '12', '200'),
  service('101', '20', '201'),
  service('102', '11', '201'),
  service('103', '10', '203'),
  location('200', '53/192600'),
  location('201', '53/192601'),
  location('202', '53/192602'),
  location('203', '53/192603', { managingOrganization: { reference: 'Organization/20' } }),
  location('204', '53/192604', { managingOrganization: { reference: 'Organization/10' } }),
  {
    resourceType: 'PractitionerRole',
    id: '300',
    healthcareService: [{ reference: 'HealthcareService/100' }],
  },
  {
    resourceType: 'PractitionerRole',
    id: '301',
    healthcareService: [{ reference: 'HealthcareService/100' }],
    organization: { reference: 'Organization/20' },
  },
  { resourceType: 'Practitioner', id: '400' },
]
const writes = [
  '{ method: PATCH, path: "/Organization/{id}", establishment: { reference: id, resolve: upstream } }',
  '{ method: PATCH, path: "/Location/{id}", establishment: { reference: id, resolve: upstream }, patch: { resource: Location, paths: [Location.name, Location.identifier] } }',
  '{ method: PATCH, path: "/PractitionerRole/{id}", establishment: { reference: id, resolve: upstream } }',
  '{ method: DELETE, path: "/Practitioner/{id}", establishment: { reference: id, resolve: upstream } }',
  '{ method: DELETE, path: "/Location/{id}", establishment: { query: identifier, form: idnatstruct/unit, resolve: upstream } }',
  '{ method: PATCH, path: /Location, establishment: { query: identifier, form: idnatstruct/unit, resolve: upstream } }',
  '{ method: PUT, path: "/Organization/{id}", establishment: { body: organization-identifier, resolve: upstream } }',
  '{ method: PUT, path: "/HealthcareService/{id}", establishment: { reference: providedBy, resolve: upstream } }',
  '{ method: POST, path: /HealthcareService, establishment: { reference: providedBy, resolve: upstream } }',
  '{ method: POST, path: /PractitionerRole, establishment: { reference: healthcareService, resolve: upstream } }',
  '{ method: POST, path: /Organization, establishment: { reference: partOf, resolve: upstream } }',
]
const wish: WriteStandWish = { writes, stored, establishments: ['350054680', '290004324'] }

const patchOf = (path: string): string =>
  JSON.stringify({
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'operation',
        part: [
          { name: 'type', valueString: 'replace' },
          { name: 'path', valueString: path },
          { name: 'value', valueString: 'x' },
        ],
      },
    ],
  })
const patch = (target: string): RequestWish => ({
  method: 'PATCH',
  target: `/fhir/${target}`,
  body: patchOf(`${/^[A-Za-z]+/.exec(target)?.[0] ?? ''}.name`),
})
const send = (method: string, target: string, body: unknown): RequestWish => ({
  method,
  target: `/fhir/${target}`,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const mine = { resourceType: 'Organization', identifier: [finess('350054680')] }
const theirs = { resourceType: 'Organization', identifier: [finess('750000001')] }
const sample = (name: string): Record<string, unknown> =>
  JSON.parse(readShared('samples', 'ror', `${name}.json`)) as Record<string, unknown> // a resource

const outcomes: readonly (readonly [what: string, wish: RequestWish, outcome: string])[] = [
  ['an establishment by its id', patch('Organization/10'), 'permitted'],
  ['an internal organization, two steps below', patch('Organization/12'), 'permitted'],
  ['one that carries a SIRET too, which does not count', patch('Organization/31'), 'permitted'],
  ['a functional id of a unit that a service names', patch('Location?identifier=53/192600'), 'permitted'],
  ['a functional id of a unit with an owner', patch('Location?identifier=53%2F192604'), 'permitted'],
  ['an IdNatStruct, which needs no lookup', patch('Location?identifier=1350054680/A'), 'permitted'],
  ['a role by its service', patch('PractitionerRole/300'), 'permitted'],
  ['a service for an own organization', send('POST', 'HealthcareService', service('x', '11')), 'permitted'],
  [
    'an organization below an own one',
    send('POST', 'Organization', { ...sample('post-organization-pole'), ...partOf('12') }),
    'permitted',
  ],
  [
    'a role in an own service',
    send('POST', 'PractitionerRole', {
      ...sample('post-practitionerrole'),
      healthcareService: [{ reference: 'HealthcareService/100' }],
    }),
    'permitted',
  ],
  ['what stands there and what comes are both its own', send('PUT', 'Organization/10', mine), 'permitted'],
  [
    'a service that stays where it is',
    send('PUT', 'HealthcareService/100', service('100', '10')),
    'permitted',
  ],

  ['a foreign establishment', patch('Organization/20'), 'establishment-not-permitted'],
  ['below a foreign establishment', patch('Organization/21'), 'establishment-not-permitted'],
  ['two establishments, one foreign', patch('Organization/32'), 'establishment-not-permitted'],
  ['a foreign id with an own body', send('PUT', 'Organization/20', mine), 'establishment-not-permitted'],
  ['an own id with a foreign body', send('PUT', 'Organization/10', theirs), 'establishment-not-permitted'],
  [
    'an own id with the id of another in the body',
    send('PUT', 'Organization/10', { ...mine, id: '20' }),
    'establishment-ambiguous',
  ],
  [
    'a service taken from another',
    send('PUT', 'HealthcareService/101', service('101', '10')),
    'establishment-not-permitted',
  ],
  [
    'a service given to another',
    send('PUT', 'HealthcareService/100', service('100', '20')),
    'establishment-not-permitted',
  ],
  [
    'a unit of two services, one foreign',
    patch('Location?identifier=53/192601'),
    'establishment-not-permitted',
  ],
  [
    'a unit whose owner is foreign, whatever service names it',
    patch('Location?identifier=53/192603'),
    'establishment-not-permitted',
  ],
  ['a role of two, one foreign', patch('PractitionerRole/301'), 'establishment-not-permitted'],
  [
    'a foreign id with an own establishment in the query',
    { method: 'DELETE', target: '/fhir/Location/203?identifier=1350054680/A' },
    'establishment-not-permitted',
  ],
  [
    'two references, one foreign',
    send('POST', 'PractitionerRole', {
      resourceType: 'PractitionerRole',
      healthcareService: [{ reference: 'HealthcareService/100' }, { reference: 'HealthcareService/101' }],
    }),
    'establishment-not-permitted',
  ],

  ['an id nobody has', patch('Organization/404'), 'establishment-unresolvable'],
  ['a functional id nobody has', patch('Location?identifier=53/999999'), 'establishment-unresolvable'],
  [
    'an establishment that only has a SIRET, whatever it belongs to',
    patch('Organization/30'),
    'establishment-unresolvable',
  ],
  ['a number that is none', patch('Organization/33'), 'establishment-unresolvable'],
  ['a cycle', patch('Organization/40'), 'establishment-unresolvable'],
  ['a cycle of one', patch('Organization/42'), 'establishment-unresolvable'],
  ['no owner at all', patch('Organization/50'), 'establishment-unresolvable'],
  ['an owner on another server', patch('Organization/51'), 'establishment-unresolvable'],
  ['a contained owner', patch('Organization/52'), 'establishment-unresolvable'],
  ['an owner by identifier alone', patch('Organization/53'), 'establishment-unresolvable'],
  ['an owner that is gone', patch('Organization/54'), 'establishment-unresolvable'],
  ['more than five steps', patch('Organization/61'), 'establishment-unresolvable'],
  ['five steps', patch('Organization/62'), 'permitted'],
  ['a unit that nothing names', patch('Location?identifier=53/192602'), 'establishment-unresolvable'],
  [
    'a type that says nothing',
    { method: 'DELETE', target: '/fhir/Practitioner/400' },
    'establishment-unresolvable',
  ],
  ['a value of no form', patch('Location?identifier=abc/def'), 'establishment-unresolvable'],
  [
    'a contained reference',
    send('POST', 'HealthcareService', { resourceType: 'HealthcareService', providedBy: { reference: '#a' } }),
    'establishment-unresolvable',
  ],
  [
    'an absolute reference',
    send('POST', 'HealthcareService', {
      resourceType: 'HealthcareService',
      providedBy: { reference: 'https://x/Organization/10' },
    }),
    'establishment-unresolvable',
  ],
  [
    'a versioned reference',
    send('POST', 'HealthcareService', service('x', '10/_history/1')),
    'establishment-unresolvable',
  ],
  [
    'a placeholder outside a Bundle',
    send('POST', 'HealthcareService', {
      resourceType: 'HealthcareService',
      providedBy: { reference: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520' },
    }),
    'establishment-unresolvable',
  ],
  [
    'a logical reference',
    send('POST', 'HealthcareService', {
      resourceType: 'HealthcareService',
      providedBy: { identifier: { value: '1350054680' } },
    }),
    'establishment-unresolvable',
  ],
  [
    'no reference',
    send('POST', 'HealthcareService', { resourceType: 'HealthcareService' }),
    'establishment-missing',
  ],
  ['another type of body', send('POST', 'HealthcareService', mine), 'establishment-ambiguous'],
  ['a list of functional ids', patch('Location?identifier=53/192600,53/192601'), 'establishment-ambiguous'],
  ['a query beside the id', patch('Organization/10?_id=20'), 'establishment-ambiguous'],

  [
    'a patch that moves the organization',
    { ...patch('Organization/10'), body: patchOf('Organization.partOf.reference') },
    'establishment-ambiguous',
  ],
  [
    'a patch that renumbers it',
    { ...patch('Organization/10'), body: patchOf("Organization.identifier.where(system='x').value") },
    'establishment-ambiguous',
  ],
  [
    'a patch of all of it',
    { ...patch('Organization/10'), body: patchOf('Organization') },
    'establishment-ambiguous',
  ],
  [
    'a patch that renumbers a unit',
    { ...patch('Location?identifier=1350054680/A'), body: patchOf('Location.identifier.value') },
    'establishment-ambiguous',
  ],
  [
    'what the rule opens by name',
    { ...patch('Location/204'), body: patchOf('Location.identifier.value') },
    'permitted',
  ],
]

test('a write that names ids passes where every one of them leads to a permitted establishment:', async (context) => {
  const stand = await makeWriteStand(context, wish)
  for (const [what, request, outcome] of outcomes) {
    await context.test(`${what}: ${outcome}`, async () => {
      const before = stand.writes().length
      const answer = await stand.send(request)
      if (outcome === 'permitted') {
        assert.equal(answer.status, 200, answer.raw)
        assert.equal(stand.writes().length, before + 1)
        assert.equal(
          stand.writes()[before]?.startLine,
          `${request.method ?? ''} ${request.target ?? ''} HTTP/1.1`,
        )
        return
      }
      assert.equal(reasonOf(answer), outcome, answer.raw)
      assert.equal(stand.writes().length, before)
    })
  }
})

test('the audit states what was resolved before the write; the refusal tells what was sent alone', async (context) => {
  const stand = await makeWriteStand(context, wish)
  const answer = await stand.send(patch('Organization/12'))
  assert.deepEqual((await stand.auditOf(answer))['establishments'], [
    {
      idNatStruct: '1350054680',
      at: 'resolved from Organization/12 > Organization/11 > Organization/10, path',
    },
  ])
  const refused = await stand.send(patch('Organization/21'))
  assert.equal(reasonOf(refused), 'establishment-not-permitted')
  assert.ok(refused.body.includes('Organization/21'))
  for (const secret of ['750000001', 'Organization/20']) assert.equal(refused.body.includes(secret), false)
  const event = await stand.auditOf(refused)
  assert.equal(event['detail'], '1750000001')
  const nowhere = await stand.send(patch('Organization/40'))
  assert.match(
    String((await stand.auditOf(nowhere))['detail']),
    /Organization\/40 > Organization\/41 > Organization\/40: leads back/,
  )
})

test('lookups are reads of the gateway’s own: its credential, none of the client’s', async (context) => {
  const stand = await makeWriteStand(context, {
    ...wish,
    resolution:
      '{ path: /lecture, authorizationFile: reader.secret, fields: { Ror-Role-Metier-Code: "10" } }',
    files: { 'reader.secret': 'Bearer of-the-gateway\n' },
  })
  const fields = ['Authorization: Bearer of-the-client', 'Cookie: a=b', 'Ror-Role-Metier-Code: 99']
  const answer = await stand.send({ ...patch('Organization/11'), fields })
  assert.equal(answer.status, 200, answer.raw)
  const [first, second] = stand.reads()
  assert.equal(first?.startLine, 'GET /lecture/Organization/11 HTTP/1.1')
  assert.equal(second?.startLine, 'GET /lecture/Organization/10 HTTP/1.1')
  assert.equal(first.connection, second.connection)
  assert.deepEqual(valuesOf(first, 'authorization'), ['Bearer of-the-gateway'])
  assert.deepEqual(valuesOf(first, 'accept'), ['application/fhir+json'])
  assert.deepEqual(valuesOf(first, 'ror-role-metier-code'), ['10'])
  assert.deepEqual(valuesOf(first, 'x-request-id'), valuesOf(answer, 'x-request-id'))
  for (const name of ['client-cert', 'cookie']) assert.deepEqual(valuesOf(first, name), [])
  assert.deepEqual(valuesOf(stand.writes()[0] ?? first, 'authorization'), ['Bearer of-the-client'])
  // not asked while the write could already be refused without it
  const reads = stand.reads().length
  await stand.send(send('PUT', 'Organization/10', theirs))
  await stand.send(send('PUT', 'Organization/10', '{'))
  assert.equal(stand.reads().length, reads)
})

test('an answer is kept for its time; a write that may change whose something is drops it', async (context) => {
  let now = Date.now()
  const stand = await makeWriteStand(context, { ...wish, now: () => now })
  const readsOf = async (request: RequestWish): Promise<number> => {
    const before = stand.reads().length
    assert.equal((await stand.send(request)).status, 200)
    return stand.reads().length - before
  }
  assert.equal(await readsOf(patch('Organization/11')), 2)
  assert.equal(await readsOf(patch('Organization/11')), 0)
  assert.equal(await readsOf(patch('Organization/12')), 1)
  now += 59_000
  assert.equal(await readsOf(patch('Organization/12')), 0)
  now += 1_000
  assert.equal(await readsOf(patch('Organization/11')), 2)
  assert.equal(await readsOf(send('PUT', 'Organization/10', mine)), 0)
  assert.equal(await readsOf(patch('Organization/11')), 2)
})

test('with cacheSeconds 0 nothing is kept', async (context) => {
  const stand = await makeWriteStand(context, { ...wish, resolution: '{ cacheSeconds: 0 }' })
  for (const count of [1, 2]) {
    await stand.send(patch('Organization/10'))
    assert.equal(stand.reads().length, count)
  }
})

test('an upstream that fails is a failure, never a judgement, and nothing of it is kept', async (context) => {
  const stand = await makeWriteStand(context, { ...wish, resolution: '{ timeoutMs: 500 }' })
  const target = '/fhir/Organization/10'
  const good = stand.stored.get('Organization/10')
  const large = JSON.stringify({ ...good, name: 'x'.repeat(4_300_000) })
  const cases: readonly (readonly [
    what: string,
    answer: string | undefined,
    status: number,
    code: string,
  ])[] = [
    ['500', jsonAnswer({}, 500), 502, 'upstream-response-invalid'],
    ['503', jsonAnswer({}, 503), 503, 'upstream-unavailable'],
    ['401', jsonAnswer({}, 401), 502, 'upstream-response-invalid'],
    ['403', jsonAnswer({}, 403), 502, 'upstream-response-invalid'],
    ['429', jsonAnswer({}, 429), 503, 'upstream-unavailable'],
    ['a redirection', jsonAnswer({}, 302), 502, 'upstream-response-invalid'],
    ['204', 'HTTP/1.1 204 X\r\n\r\n', 502, 'upstream-response-invalid'],
    ['silence', undefined, 504, 'upstream-timeout'],
    [
      'half an answer',
      'HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 9\r\n\r\n{',
      504,
      'upstream-timeout',
    ],
    ['no HTTP', 'hello\r\n\r\n', 502, 'upstream-response-invalid'],
    ['another resource', jsonAnswer({ ...good, id: '11' }), 502, 'upstream-response-invalid'],
    ['another type', jsonAnswer({ ...good, resourceType: 'Location' }), 502, 'upstream-response-invalid'],
    [
      'a page for people',
      'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>',
      502,
      'upstream-response-invalid',
    ],
    [
      'keys twice',
      `HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 13\r\n\r\n{"a":1,"a":2}`,
      502,
      'upstream-response-invalid',
    ],
    [
      'too much',
      `HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: ${large.length}\r\n\r\n${large}`,
      502,
      'upstream-response-invalid',
    ],
  ]
  for (const [what, answer, status, code] of cases) {
    await context.test(`${what}: ${status}`, async () => {
      stand.answers.set(target, answer)
      const answered = await stand.send(patch('Organization/10'))
      assert.equal(answered.status, status, answered.raw.slice(0, 500))
      assert.equal(reasonOf(answered), undefined)
      const event = await stand.auditOf(answered)
      assert.deepEqual([event['decision'], event['reason']], ['fail', code])
      assert.equal(stand.writes().length, 0)
    })
  }
  stand.answers.delete(target)
  assert.equal((await stand.send(patch('Organization/10'))).status, 200)

  await context.test('a connection refused: 502', async () => {
    await stand.upstream.close()
    const answered = await stand.send(patch('Organization/11'))
    assert.equal(answered.status, 502)
    assert.equal((await stand.auditOf(answered))['reason'], 'upstream-refused')
  })
})

test('not found is not kept either: what comes into being is found', async (context) => {
  const stand = await makeWriteStand(context, wish)
  assert.equal(reasonOf(await stand.send(patch('Organization/404'))), 'establishment-unresolvable')
  stand.stored.set('Organization/404', organization('404', { identifier: [finess('350054680')] }))
  assert.equal((await stand.send(patch('Organization/404'))).status, 200)
})

test('a search that finds more than one page, or something else, resolves nothing', async (context) => {
  const stand = await makeWriteStand(context, wish)
  const target = '/fhir/Location?identifier=53%2F192604&_count=50'
  const found = stand.stored.get('Location/204')
  stand.answers.set(target, jsonAnswer(searchset([found], [{ relation: 'next', url: 'x' }])))
  const paged = await stand.send(patch('Location?identifier=53/192604'))
  assert.equal(reasonOf(paged), 'establishment-unresolvable')
  // a server that does not know the parameter finds everything
  stand.answers.set(target, jsonAnswer(searchset([found, stand.stored.get('Location/203')])))
  assert.equal((await stand.send(patch('Location?identifier=53/192604'))).status, 502)
  stand.answers.set(target, jsonAnswer({ resourceType: 'Bundle', type: 'history', entry: [] }))
  assert.equal((await stand.send(patch('Location?identifier=53/192604'))).status, 502)
  assert.equal(stand.writes().length, 0)
})

test('the reads of one request are bounded', async (context) => {
  const stand = await makeWriteStand(context, { ...wish, resolution: '{ maxReads: 2, maxSteps: 20 }' })
  assert.equal((await stand.send(patch('Organization/11'))).status, 200)
  assert.equal(reasonOf(await stand.send(patch('Organization/61'))), 'establishment-unresolvable')
  assert.equal(stand.reads().length, 4)
})

test('report-only: what cannot be resolved passes, what cannot be asked does not', async (context) => {
  const stand = await makeWriteStand(context, { ...wish, mode: 'report-only' })
  const answer = await stand.send(patch('Organization/20'))
  assert.equal(answer.status, 200)
  assert.equal((await stand.auditOf(answer))['reason'], 'establishment-not-permitted')
  assert.equal((await stand.send(patch('Organization/404'))).status, 200)
  stand.answers.set('/fhir/Organization/21', jsonAnswer({}, 500))
  assert.equal((await stand.send(patch('Organization/21'))).status, 502)
  assert.equal(stand.writes().length, 2)
})

test('the credential of lookups is read again when its file changes, and refused when it is none', async (context) => {
  const stand = await makeWriteStand(context, {
    ...wish,
    resolution: '{ authorizationFile: reader.secret, cacheSeconds: 0 }',
    files: { 'reader.secret': 'Bearer first' },
  })
  const used = async (): Promise<readonly string[]> => {
    const before = stand.reads().length
    await stand.send(patch('Organization/10'))
    const read = stand.reads()[before]
    return read === undefined ? [] : valuesOf(read, 'authorization')
  }
  assert.deepEqual(await used(), ['Bearer first'])
  stand.write('reader.secret', 'Bearer second\n')
  await stand.gateway.reload('signal')
  assert.deepEqual(await used(), ['Bearer second'])
  for (const broken of ['', 'Bearer x\nCookie: y\n', 'Bearer é']) {
    stand.write('reader.secret', broken)
    const report = await stand.gateway.reload('signal')
    assert.equal(report.result, 'refused')
    assert.match(
      report.diagnostics.map(({ message }) => message).join(),
      /expected one line of printable ASCII/,
    )
    assert.equal(JSON.stringify(report).includes('Bearer x'), false)
  }
  assert.deepEqual(await used(), ['Bearer second'])
})
