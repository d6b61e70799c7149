import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { issuedName } from '../../src/x509/issue-name.js'
import type { Explanation } from '../../src/gateway/explain.js'
import {
  capacityPath,
  fhirHost,
  makeStand,
  patchBody,
  permitted,
  permittedTarget,
  reasonOf,
  standardWhitelist,
  subjectOf,
  type RequestWish,
  type Stand,
} from '../gateway/stand.js'
import { command } from './in-process.js'

async function explained(
  stand: Stand,
  { method = 'GET', target = '', client = stand.partner, ...wish }: RequestWish,
) {
  const args = ['explain', '--config', join(stand.folder, 'gateway.yaml'), '--json']
  args.push('--request', `${method} ${target}`, '--host', wish.host ?? fhirHost)
  if (client !== null) {
    writeFileSync(join(stand.folder, 'client.pem'), client.chainPem)
    args.push('--cert', join(stand.folder, 'client.pem'))
  }
  for (const field of wish.fields ?? []) args.push('--header', field)
  if (wish.body !== undefined) {
    writeFileSync(join(stand.folder, 'body'), wish.body)
    args.push('--body', join(stand.folder, 'body'))
  }
  const result = await command(args)
  assert.equal(result.stderr, '')
  return { code: result.code, explanation: JSON.parse(result.stdout) as Explanation } // as explain writes it
}

const json = 'Content-Type: application/fhir+json'
const read = '/ws-diffusion-fhir/Location'

// what: the request; the client by name
const requests: readonly (readonly [what: string, wish: RequestWish, client?: 'unlisted' | 'none'])[] = [
  ['a read', { target: read }],
  ['a read with a query', { target: `${read}?name=H%C3%B4pital&_count=5` }],
  ['a permitted write', { method: 'PATCH', target: permittedTarget, body: patchBody, fields: [json] }],
  [
    'a write for another establishment',
    { method: 'PATCH', target: `${capacityPath}1350054698/SSR1`, body: patchBody, fields: [json] },
  ],
  ['a write that names none', { method: 'PATCH', target: capacityPath.replace(/\?.*/, ''), body: patchBody }],
  ['a write named twice', { method: 'PATCH', target: `${permittedTarget}&identifier=x`, body: patchBody }],
  ['a write by a functional id', { method: 'PATCH', target: `${capacityPath}52/192675`, body: patchBody }],
  [
    'a write whose chunks are broken',
    {
      method: 'PATCH',
      target: permittedTarget,
      body: 'zz\r\n',
      fields: [json, 'Transfer-Encoding: chunked'],
    },
  ],
  [
    'a write whose body is broken',
    { method: 'PATCH', target: permittedTarget, body: '{"a":', fields: [json] },
  ],
  [
    'a write with Ror-* fields',
    { method: 'PATCH', target: permittedTarget, body: patchBody, fields: ['Ror-Role-Metier-Code: X', json] },
  ],
  ['a write that no rule describes', { method: 'DELETE', target: '/ws-synchro-dispo-lits-fhir/Location/1' }],
  ['a method that nobody may use', { method: 'TRACE', target: read }],
  ['a target with a fragment', { target: `${read}#x` }],
  ['a target with dot segments', { target: '/ws-diffusion-fhir/../csd' }],
  ['an API by a key that is not listed', { target: '/csd/x' }],
  ['no API', { target: '/elsewhere' }],
  ['another host', { target: read, host: 'example.org' }],
  ['a certificate that is not listed', { target: read }, 'unlisted'],
  ['no certificate', { target: read }, 'none'],
  ['the connection page', { target: '/.well-known/ror-gateway/connection' }],
]

test('explain decides as serve does, forwards nothing, and ends with 0 or 2', async (context) => {
  const stand = await makeStand(context)
  const unlisted = await stand.pki.client({ subject: issuedName([['CN', 'NOBODY']]) })
  for (const [what, wish, who] of requests) {
    await context.test(what, async () => {
      const client = who === 'none' ? null : who === 'unlisted' ? unlisted : stand.partner
      const answer = await stand.send({ ...wish, client })
      const before = stand.upstream.requests.length
      const { code, explanation } = await explained(stand, { ...wish, client })
      assert.equal(stand.upstream.requests.length, before)
      const reason = reasonOf(answer)
      assert.equal(explanation.effect === 'deny' ? explanation.reason : undefined, reason)
      assert.equal(code, reason === undefined ? 0 : 2)
      if (reason !== undefined) {
        assert.equal(explanation.status, answer.status)
        const denied = explanation.steps.filter(({ state }) => state === 'denied')
        assert.equal(denied.length, 1)
      } else {
        assert.ok(explanation.steps.every(({ state }) => state === 'passed'))
      }
    })
  }
})

test('explain says which line of the whitelist matched', async (context) => {
  const stand = await makeStand(context)
  const { explanation } = await explained(stand, { target: read })
  assert.equal(explanation.entry?.partner, 'eai-bretagne')
  assert.equal(explanation.entry.place.file, join(stand.folder, 'whitelist/partner.yaml'))
  assert.equal(explanation.entry.place.line, 6)
})

const nearly: readonly (readonly [what: string, change: (subject: string) => string, says: RegExp])[] = [
  [
    'a name in another case',
    (subject) => subject.replace(/CN=([^,]+)/, (whole) => whole.toLowerCase().replace('cn=', 'CN=')),
    /differs only by case: expected `CN=/,
  ],
  [
    'a name with one letter more',
    (subject) => subject.replace(/CN=([^,]+)/, 'CN=$1X'),
    /expected `CN=[^`]*X`, found `CN=/,
  ],
  [
    'a name with an RDN less',
    (subject) => subject.replace(/,ST=[^,]+/, ''),
    /`ST=[^`]*` in place \d is one too many/,
  ],
]

for (const [what, change, says] of nearly) {
  test(`explain names the nearest entry and what differs: ${what}`, async (context) => {
    const stand = await makeStand(context, { whitelist: (subject) => standardWhitelist(change(subject)) })
    const { code, explanation } = await explained(stand, { target: read })
    assert.equal(code, 2)
    assert.equal(explanation.reason, 'certificate-not-listed')
    const [near] = explanation.near
    assert.equal(near?.kind, 'name')
    assert.equal(near.partner, 'eai-bretagne')
    assert.match(near.differences.map(({ en }) => en).join('\n'), says)
    const text = await command(
      [
        'explain',
        ...['--config', join(stand.folder, 'gateway.yaml'), '--cert', join(stand.folder, 'client.pem')],
        ...['--request', `GET ${read}`],
      ],
      { LANG: 'fr_FR.UTF-8' },
    )
    assert.equal(text.code, 2)
    assert.match(text.stdout, /^refusée: certificate-not-listed \(403\)/)
    assert.match(text.stdout, /whitelist\/partner\.yaml:6:\d+ eai-bretagne: un nom proche est inscrit/)
  })
}

test('explain tells a certificate listed by name that the API asks for its key, and a renewed one by its key', async (context) => {
  const stand = await makeStand(context)
  const { explanation } = await explained(stand, { target: '/csd/x' })
  assert.deepEqual(
    explanation.near.map(({ kind }) => kind),
    ['match'],
  )
  const pinned = await makeStand(context, {
    whitelist: (subject) =>
      standardWhitelist(subject).replace(
        /(- subject: .*)\n/,
        `$1\n        publicKey: "sha256:${'A'.repeat(43)}="\n`,
      ),
  })
  const other = await explained(pinned, { target: read })
  assert.equal(other.explanation.near[0]?.kind, 'key')
})

test('explain finds a past request in the audit trail, and says what it would come to now', async (context) => {
  const stand = await makeStand(context)
  const target = `${capacityPath}1350054698/SSR1`
  const answer = await stand.send({ method: 'PATCH', target, body: patchBody, fields: [json] })
  const event = await stand.auditOf(answer)
  const args = [
    'explain',
    '--request-id',
    String(event['requestId']),
    '--audit',
    join(stand.folder, 'audit.ndjson'),
  ]
  const config = ['--config', join(stand.folder, 'gateway.yaml')]
  const refused = await command([...args, ...config])
  assert.equal(refused.code, 2)
  assert.match(refused.stdout, /was refused: establishment-not-permitted/)
  assert.match(refused.stdout, /1350054698 \(query parameter identifier\)/)
  assert.match(refused.stdout, /by the rules of now: it would be refused: establishment-not-permitted/)
  stand.write(
    'whitelist/partner.yaml',
    standardWhitelist(subjectOf(stand.partner)).replace(permitted, '350054698'),
  )
  const permittedNow = await command([...args, ...config])
  assert.match(permittedNow.stdout, /by the rules of now: it would be permitted/)
  const missing = await command([
    'explain',
    '--request-id',
    'nothing',
    '--audit',
    join(stand.folder, 'audit.ndjson'),
  ])
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /no request `nothing`/)
})

test('explain reads the audit trail that the configuration names, unless another is named', async (context) => {
  const stand = await makeStand(context)
  const answer = await stand.send({
    target: `${capacityPath}1350054698/SSR1`,
    method: 'PATCH',
    body: patchBody,
  })
  const event = await stand.auditOf(answer)
  const past = ['explain', '--request-id', String(event['requestId'])]
  const config = ['--config', join(stand.folder, 'gateway.yaml')]
  const found = await command([...past, ...config])
  assert.equal(found.code, 2, found.stderr)
  assert.match(found.stdout, /was refused: /)
  writeFileSync(join(stand.folder, 'other.ndjson'), '')
  const elsewhere = await command([...past, ...config, '--audit', join(stand.folder, 'other.ndjson')])
  assert.equal(elsewhere.code, 1)
  assert.match(elsewhere.stderr, /no request /)
  const nowhere = await command(past)
  assert.equal(nowhere.code, 64)
  assert.match(nowhere.stderr, /expected --audit, or --config that names the trail/)
  stand.write(
    'untold.yaml',
    readFileSync(join(stand.folder, 'gateway.yaml'), 'utf8').replace(/^audit: .*$/m, ''),
  )
  const untold = await command([...past, '--config', join(stand.folder, 'untold.yaml')])
  assert.equal(untold.code, 64)
  assert.match(untold.stderr, /expected --audit: `.*untold\.yaml` names no audit file/)
})

test('explain judges at the moment it is told', async (context) => {
  const stand = await makeStand(context)
  await explained(stand, { target: read })
  const { code, stdout } = await command([
    'explain',
    ...['--config', join(stand.folder, 'gateway.yaml'), '--cert', join(stand.folder, 'client.pem')],
    ...['--request', `GET ${read}`, '--at', '2060-01-01'],
  ])
  assert.equal(code, 2)
  assert.match(stdout, /certificate-expired/)
})

test('explain refuses what is no request, and a file with a private key', async (context) => {
  const stand = await makeStand(context)
  const config = ['--config', join(stand.folder, 'gateway.yaml')]
  const none = await command(['explain', ...config, '--request', 'GET'])
  assert.equal(none.code, 64)
  writeFileSync(join(stand.folder, 'key.pem'), stand.partner.certPem + stand.partner.keyPem)
  const key = await command([
    'explain',
    ...config,
    '--cert',
    join(stand.folder, 'key.pem'),
    '--request',
    `GET ${read}`,
  ])
  assert.equal(key.code, 1)
  assert.match(key.stderr, /private key/)
  assert.equal(key.stderr.includes('BEGIN'), false)
})
