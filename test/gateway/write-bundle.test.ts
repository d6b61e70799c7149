import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { readShared } from '../support/shared.js'
import { reasonOf, type RequestWish } from './stand.js'
import { makeWriteStand, type Stored } from './write-stand.js'

const finess = (value: string): unknown => ({ system: 'https://finess.esante.gouv.fr', value })
const organization = (number: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  resourceType: 'Organization',
  identifier: [finess(number)],
  ...more,
})
const own = '350054680'
const foreign = '750000001'
const stored: readonly Stored[] = [
  { resourceType: 'Organization', id: '10', identifier: [finess(own)] },
  { resourceType: 'Organization', id: '20', identifier: [finess(foreign)] },
]
const writes = [
  '{ method: POST, path: /, establishment: { body: bundle }, maxEntries: 5 }',
  '{ method: POST, path: /Organization, establishment: { body: organization-identifier }, conditionalCreate: true }',
  '{ method: PUT, path: "/Organization/{id}", establishment: { body: organization-identifier, resolve: upstream } }',
  '{ method: PUT, path: /Organization, establishment: { query: identifier, form: idnatstruct, body: organization-identifier } }',
  '{ method: DELETE, path: "/Organization/{id}", establishment: { reference: id, resolve: upstream } }',
  '{ method: PATCH, path: /Location, establishment: { query: identifier, form: idnatstruct/unit } }',
  '{ method: DELETE, path: /Location, establishment: { query: identifier, form: idnatstruct/unit } }',
  '{ method: POST, path: /HealthcareService, establishment: { reference: providedBy, resolve: upstream } }',
  '{ method: POST, path: /Task, establishment: { body: task-focus } }',
]
const target = '/fhir/'

type Entry = Record<string, unknown>
const entry = (method: string, url: string, resource?: unknown): Entry => ({
  request: { method, url },
  ...(resource !== undefined && { resource }),
})
const named = (fullUrl: string, unnamed: Entry): Entry => ({ ...unnamed, fullUrl })
const placeholder = (digit: number): string => `urn:uuid:c757873d-ec9a-4326-a141-55600000000${digit}`
const serviceOf = (reference: string): Entry => ({
  resourceType: 'HealthcareService',
  providedBy: { reference },
})
const patch: unknown = JSON.parse(readShared('samples', 'ror', 'patch-location-capacity-replace.json'))
const task: unknown = JSON.parse(readShared('samples', 'ror', 'post-task-anomalie.json'))
const post = entry('POST', 'Organization', organization(own))
const capacity = (number: string): Entry => entry('PATCH', `Location?identifier=1${number}/SSR38888`, patch)

const send = (entries: readonly unknown[], more: RequestWish & { type?: string } = {}): RequestWish => {
  const { type = 'transaction', ...wish } = more
  return {
    method: 'POST',
    target,
    body: JSON.stringify({ resourceType: 'Bundle', type, entry: entries }),
    ...wish,
  }
}

const permitted: readonly (readonly [
  what: string,
  entries: readonly unknown[],
  numbers: readonly string[],
])[] = [
  ['one write', [post], [own]],
  [
    'writes of every kind',
    [
      post,
      capacity('290004324'),
      entry('POST', 'Task', task),
      entry('DELETE', 'Location?identifier=1350054680/A'),
    ],
    [own, '290004324', '910800002', own],
  ],
  ['a read beside a write', [entry('GET', 'Location?_id=12'), post, entry('HEAD', 'Organization/20')], [own]],
  ['what stands behind an id', [entry('PUT', 'Organization/10', organization(own))], [own, own]],
  ['a conditional update', [entry('PUT', `Organization?identifier=1${own}`, organization(own))], [own, own]],
  [
    'a reference to another entry, before it',
    [entry('POST', 'HealthcareService', serviceOf(placeholder(1))), { ...post, fullUrl: placeholder(1) }],
    [own],
  ],
  [
    'a reference to what stands there',
    [entry('POST', 'HealthcareService', serviceOf('Organization/10'))],
    [own],
  ],
  [
    'an If-Match, which selects nothing else',
    [{ ...post, request: { method: 'POST', url: 'Organization', ifMatch: 'W/"1"' } }],
    [own],
  ],
]

const refused: readonly (readonly [what: string, wish: RequestWish, reason: string])[] = [
  ['one entry for another', send([post, capacity(foreign)]), 'establishment-not-permitted'],
  ['one entry for another, first', send([capacity(foreign), post]), 'establishment-not-permitted'],
  [
    'one entry for another, in a batch',
    send([post, capacity(foreign)], { type: 'batch' }),
    'establishment-not-permitted',
  ],
  [
    'a foreign id with an own body',
    send([entry('PUT', 'Organization/20', organization(own))]),
    'establishment-not-permitted',
  ],
  [
    'an own id with a foreign body',
    send([entry('PUT', 'Organization/10', organization(foreign))]),
    'establishment-not-permitted',
  ],
  [
    'a body with another id',
    send([entry('PUT', 'Organization/10', organization(own, { id: '20' }))]),
    'establishment-ambiguous',
  ],
  [
    'a conditional update of another',
    send([entry('PUT', `Organization?identifier=1${foreign}`, organization(own))]),
    'establishment-not-permitted',
  ],
  ['a DELETE of another', send([post, entry('DELETE', 'Organization/20')]), 'establishment-not-permitted'],
  [
    'a DELETE of what is not there',
    send([entry('DELETE', 'Organization/404')]),
    'establishment-unresolvable',
  ],
  [
    'a DELETE with a resource',
    send([entry('DELETE', 'Organization/10', organization(own))]),
    'establishment-ambiguous',
  ],
  [
    'a functional id',
    send([entry('PATCH', 'Location?identifier=52/192675', patch)]),
    'establishment-unresolvable',
  ],
  [
    'a list of identifiers',
    send([entry('PATCH', `Location?identifier=1${own}/A,1${foreign}/B`, patch)]),
    'establishment-ambiguous',
  ],
  [
    'an identifier twice',
    send([entry('PATCH', `Location?identifier=1${own}/A&identifier=1${foreign}/B`, patch)]),
    'establishment-ambiguous',
  ],
  ['no identifier', send([entry('PATCH', 'Location', patch)]), 'establishment-missing'],
  [
    'a query beside a body',
    send([entry('POST', `Organization?identifier=1${foreign}`, organization(own))]),
    'establishment-ambiguous',
  ],
  [
    'a write that no rule describes',
    send([post, entry('DELETE', `Organization?identifier=1${own}`)]),
    'write-not-described',
  ],
  ['an operation', send([entry('POST', 'Organization/$merge', organization(own))]), 'write-not-described'],
  ['another type', send([entry('POST', 'Patient', { resourceType: 'Patient' })]), 'write-not-described'],
  ['a URL of another API', send([entry('GET', 'Questionnaire/1'), post]), 'establishment-ambiguous'],
  [
    'an absolute URL',
    send([entry('POST', 'https://elsewhere.example/Organization', organization(own))]),
    'establishment-ambiguous',
  ],
  [
    'a URL from the root',
    send([entry('POST', '/Organization', organization(own))]),
    'establishment-ambiguous',
  ],
  [
    'dot segments',
    send([entry('PUT', 'Organization/../Location/12', organization(own))]),
    'establishment-ambiguous',
  ],
  [
    'an escaped letter',
    send([entry('POST', 'Organizatio%6e', organization(own))]),
    'establishment-ambiguous',
  ],
  ['a path parameter', send([entry('POST', 'Organization;x', organization(own))]), 'establishment-ambiguous'],
  [
    '_method',
    send([entry('POST', 'Organization?_method=DELETE', organization(own))]),
    'establishment-ambiguous',
  ],
  ['a history', send([entry('PUT', 'Organization/10/_history/1', organization(own))]), 'write-not-described'],
  [
    'a conditional create',
    send([
      { ...post, request: { method: 'POST', url: 'Organization', ifNoneExist: `identifier=1${foreign}` } },
    ]),
    'establishment-ambiguous',
  ],
  [
    'a conditional create of the whole',
    send([post], { fields: [`If-None-Exist: identifier=1${foreign}`] }),
    'establishment-ambiguous',
  ],
  [
    'a Bundle in it',
    send([entry('POST', 'Organization', { resourceType: 'Bundle', type: 'batch', entry: [post] })]),
    'establishment-ambiguous',
  ],
  [
    'a contained Bundle in it',
    send([entry('POST', 'Organization', organization(own, { contained: [{ resourceType: 'Bundle' }] }))]),
    'establishment-ambiguous',
  ],
  ['six entries', send([post, post, post, post, post, post]), 'body-too-large'],
  ['no entry', send([]), 'establishment-missing'],
  ['reads alone', send([entry('GET', 'Location')]), 'establishment-missing'],
  [
    'a read with a resource',
    send([entry('GET', 'Location', organization(foreign)), post]),
    'establishment-ambiguous',
  ],
  ['an entry without a resource', send([entry('POST', 'Organization')]), 'body-unreadable'],
  ['an entry without a request', send([{ resource: organization(own) }]), 'establishment-ambiguous'],
  [
    'two requests in one',
    send([
      {
        ...post,
        request: [
          { method: 'POST', url: 'Organization' },
          { method: 'DELETE', url: 'Organization/20' },
        ],
      },
    ]),
    'establishment-ambiguous',
  ],
  [
    'a method in lower case',
    send([entry('post', 'Organization', organization(own))]),
    'establishment-ambiguous',
  ],
  ['a history Bundle', send([post], { type: 'history' }), 'establishment-ambiguous'],
  ['another resource', send([], { body: JSON.stringify(organization(own)) }), 'establishment-ambiguous'],
  [
    'keys twice',
    send([], { body: '{"resourceType":"Bundle","type":"batch","entry":[],"entry":[]}' }),
    'body-unreadable',
  ],
  [
    'a patch that aims elsewhere',
    send([
      entry(
        'PATCH',
        `Location?identifier=1${own}/A`,
        JSON.parse(JSON.stringify(patch).replaceAll('Location.extension', 'Organization.extension')),
      ),
    ]),
    'establishment-ambiguous',
  ],
  [
    'a patch that is none',
    send([entry('PATCH', `Location?identifier=1${own}/A`, organization(own))]),
    'body-unreadable',
  ],
  [
    'a JSON Patch',
    send([
      entry('PATCH', `Location?identifier=1${own}/A`, {
        resourceType: 'Binary',
        contentType: 'application/json-patch+json',
        data: 'W10=',
      }),
    ]),
    'body-unreadable',
  ],
  [
    'a reference to a foreign one',
    send([entry('POST', 'HealthcareService', serviceOf('Organization/20'))]),
    'establishment-not-permitted',
  ],
  [
    'a reference to no entry',
    send([entry('POST', 'HealthcareService', serviceOf(placeholder(9))), post]),
    'establishment-unresolvable',
  ],
  [
    'a reference to two entries',
    send([
      entry('POST', 'HealthcareService', serviceOf(placeholder(1))),
      { ...post, fullUrl: placeholder(1) },
      { ...post, fullUrl: placeholder(1) },
    ]),
    'establishment-unresolvable',
  ],
  [
    'a reference to itself',
    send([named(placeholder(1), entry('POST', 'HealthcareService', serviceOf(placeholder(1))))]),
    'establishment-unresolvable',
  ],
  [
    'references in a circle',
    send([
      named(placeholder(1), entry('POST', 'HealthcareService', serviceOf(placeholder(2)))),
      named(placeholder(2), entry('POST', 'HealthcareService', serviceOf(placeholder(1)))),
      post,
    ]),
    'establishment-unresolvable',
  ],
  [
    'a reference to a PATCH',
    send([
      entry('POST', 'HealthcareService', serviceOf(placeholder(1))),
      { ...capacity(own), fullUrl: placeholder(1) },
    ]),
    'establishment-unresolvable',
  ],
  [
    'a reference to a read',
    send([
      entry('POST', 'HealthcareService', serviceOf(placeholder(1))),
      named(placeholder(1), entry('GET', 'Organization/20')),
    ]),
    'establishment-unresolvable',
  ],
  [
    'a conditional reference',
    send([entry('POST', 'HealthcareService', serviceOf(`Organization?identifier=1${own}`))]),
    'establishment-unresolvable',
  ],
  ['a query of its own', send([post], { target: `${target}?_id=20` }), 'establishment-ambiguous'],
  ['an encoding', send([post], { fields: ['Content-Encoding: gzip'] }), 'media-type-unsupported'],
  [
    'another type of body',
    send([post], { fields: ['Content-Type: multipart/mixed; boundary=x'] }),
    'media-type-unsupported',
  ],
]

test('a Bundle', async (context) => {
  const stand = await makeWriteStand(context, {
    writes,
    stored,
    establishments: [own, '290004324', '910800002'],
  })
  for (const [type, place] of [
    ['transaction', '/fhir/'],
    ['batch', '/fhir'],
  ] as const) {
    for (const [what, entries, numbers] of permitted) {
      await context.test(`goes as it was sent with ${what} (${type})`, async () => {
        const before = stand.writes().length
        const wish = send(entries, { type, target: place })
        const answer = await stand.send(wish)
        assert.equal(answer.status, 200, answer.raw)
        assert.equal(stand.writes()[before]?.body, Buffer.from(wish.body ?? '').toString('latin1'))
        const event = await stand.auditOf(answer)
        // as the audit writes them
        const written = event['establishments'] as { idNatStruct: string; at: string }[]
        assert.deepEqual(
          written.map(({ idNatStruct }) => idNatStruct).sort(),
          numbers.map((each) => `1${each}`).sort(),
        )
        for (const { at } of written) assert.match(at, /Bundle\.entry\[\d\] /)
      })
    }
  }

  let before = stand.writes().length
  for (const [what, wish, reason] of refused) {
    await context.test(`is refused as a whole with ${what}`, async () => {
      const answer = await stand.send(wish)
      assert.equal(reasonOf(answer), reason, answer.raw)
      assert.equal(stand.writes().length, before)
    })
  }

  await context.test('tells which entry it was refused for', async () => {
    const answer = await stand.send(send([post, capacity(foreign)]))
    assert.ok(answer.body.includes('Bundle.entry[1] query parameter identifier'), answer.body)
  })

  await context.test('passes only if each of its writes would pass alone', async () => {
    const numbers = [own, '290004324', foreign]
    const parts = fc.array(
      fc.oneof(
        fc.constantFrom(...numbers).map((number) => ({ isOwn: number !== foreign, entry: capacity(number) })),
        fc.constantFrom(...numbers).map((number) => ({
          isOwn: number !== foreign,
          entry: entry('POST', 'Organization', organization(number)),
        })),
        fc
          .constantFrom('10', '20')
          .map((id) => ({ isOwn: id === '10', entry: entry('DELETE', `Organization/${id}`) })),
      ),
      { minLength: 1, maxLength: 5 },
    )
    await fc.assert(
      fc.asyncProperty(parts, async (drawn) => {
        before = stand.writes().length
        const answer = await stand.send(send(drawn.map((each) => each.entry)))
        const isPermitted = drawn.every(({ isOwn }) => isOwn)
        assert.equal(answer.status, isPermitted ? 200 : 403)
        assert.equal(stand.writes().length, before + (isPermitted ? 1 : 0))
      }),
      { numRuns: 60 },
    )
  })
})

test('a Bundle in report-only passes for another establishment, and not with a write that no rule describes', async (context) => {
  const stand = await makeWriteStand(context, { writes, stored, mode: 'report-only' })
  const answer = await stand.send(send([capacity(foreign)]))
  assert.equal(answer.status, 200)
  assert.equal((await stand.auditOf(answer))['reason'], 'establishment-not-permitted')
  assert.equal(reasonOf(await stand.send(send([entry('DELETE', 'Patient/1')]))), 'write-not-described')
  assert.equal(reasonOf(await stand.send(send([post], { type: 'history' }))), 'establishment-ambiguous')
  assert.equal(stand.writes().length, 1)
})

test('a Bundle is refused where no rule takes one', async (context) => {
  const stand = await makeWriteStand(context, { writes: writes.slice(1), stored })
  assert.equal(reasonOf(await stand.send(send([post]))), 'write-not-described')
  assert.equal(stand.upstream.connections.length, 0)
})
