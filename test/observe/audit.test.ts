import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import type { AuditClient, AuditEvent } from '../../src/observe/audit-event.js'
import { auditFields } from '../../src/observe/audit-text.js'
import { ecsNames } from '../../src/observe/audit-ecs.js'
import { createAudit } from '../../src/observe/audit.js'
import { inBoundedTime } from '../support/bounded.js'
import { root } from '../support/shared.js'
import { linesInMemory, parsed } from './lines.js'

const client: Required<AuditClient> = {
  certificateSha256: 'ab'.repeat(32),
  serialNumber: '5a0c11',
  issuer:
    'CN=TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS,OU=IGC-SANTE TEST,OU=0002 187512751,O=ASIP-SANTE,C=FR',
  subject: "CN=sas,OU=318751275100020,O=AGENCE DES SYSTEMES D'INFORMATION PARTAG,ST=Paris (75),C=FR",
  publicKeySha256: 'cd'.repeat(32),
  notAfter: Date.UTC(2029, 0, 31),
  tlsVersion: 'TLSv1.3',
  resumed: false,
  clientAddress: '127.0.0.1',
}

const whole: Required<AuditEvent> = {
  time: Date.UTC(2026, 11, 1, 8, 30, 0, 7),
  event: 'request',
  requestId: '0c5f3e9a',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  environment: 'sandbox',
  api: 'fhir-write',
  partner: 'eai-bretagne',
  client,
  method: 'PATCH',
  path: '/ws-synchro-dispo-lits-fhir/Location',
  establishments: [{ idNatStruct: '1350054680', at: 'query identifier' }],
  decision: 'deny',
  enforced: true,
  reason: 'establishment-not-permitted',
  detail: '1350054680',
  status: 403,
  upstream: 'http://127.0.0.1:9081',
  upstreamStatus: 200,
  durationMs: 12.345678,
  upstreamMs: 3,
  bytesIn: 4096,
  bytesOut: 512,
  outcome: 'answered',
  policyRevision: '9f2c',
  result: 'reloaded',
  previousRevision: '8e1b',
  trigger: 'file',
  diagnostics: 0,
  renewal: 'new-key',
  renewalOf: 'eai-bretagne',
  version: '0.1.0',
  lost: 2,
  key: 'ef'.repeat(32),
}

function lineOf(event: AuditEvent): string {
  const sink = linesInMemory()
  assert.ok(createAudit(sink).write(event))
  assert.equal(sink.lines.length, 1)
  return sink.lines[0] ?? ''
}

test('an event is one line with every field, in one order', () => {
  const line = lineOf(whole)
  const { client: ofClient, ...rest } = whole
  const expected = {
    ...rest,
    ...ofClient,
    time: '2026-12-01T08:30:00.007Z',
    durationMs: 12.346,
    notAfter: '2029-01-31T00:00:00.000Z',
  }
  const tied = { sequence: 1, prev: '0'.repeat(64) }
  assert.deepEqual(parsed(line), { schema: 1, establishmentCount: 1, ...expected, ...tied })
  assert.deepEqual([...Object.keys(parsed(line)), 'signature'], auditFields)
})

test('docs/audit.md lists exactly the fields, in the order of the line, with their names in ECS', () => {
  const text = readFileSync(join(root, 'docs', 'audit.md'), 'utf8')
  const listed = [...text.matchAll(/^\| `(\w+)` +\| `([\w.@]+)` +\|/gm)]
  assert.deepEqual(
    listed.map((match) => match[1]),
    auditFields,
  )
  assert.deepEqual(Object.fromEntries(listed.map(([, name, ecs]) => [name, ecs])), ecsNames)
})

test('by the names of ECS an event says the same, with its duration in nanoseconds', () => {
  const sink = linesInMemory()
  assert.ok(createAudit(sink, { format: 'ecs' }).write(whole))
  const { 'ecs.version': version, ...written } = parsed(sink.lines[0])
  assert.match(String(version), /^8\.\d+\.\d+$/)
  const native = parsed(lineOf(whole))
  const renamed = Object.fromEntries(
    Object.entries(ecsNames).flatMap(([name, ecs]) => (name in native ? [[ecs, native[name]]] : [])),
  )
  assert.deepEqual(written, { ...renamed, [ecsNames.durationMs]: 12_345_678 })
})

test('lines of one connection differ in what differs between them, in either form', () => {
  for (const format of ['native', 'ecs', 'native'] as const) {
    const sink = linesInMemory()
    const audit = createAudit(sink, { format })
    const times = [whole.time, whole.time + 999, whole.time + 1_000, -1, whole.time]
    for (const time of times) audit.write({ ...whole, time })
    audit.write({ ...whole, client: { ...client, subject: 'CN=another' } })
    const name = (field: keyof typeof ecsNames): string => (format === 'ecs' ? ecsNames[field] : field)
    const lines = sink.lines.map(parsed)
    assert.deepEqual(
      lines.map((line) => line[name('time')]),
      [...times, whole.time].map((time) => new Date(time).toISOString()),
    )
    assert.deepEqual(
      lines.map((line) => line[name('subject')]),
      [...times.map(() => client.subject), 'CN=another'],
    )
  }
})

test('what was lost is told by a line before the next one', () => {
  const sink = linesInMemory()
  const audit = createAudit(sink)
  sink.takes = false
  for (let time = 0; time < 3; time += 1) assert.equal(audit.write({ time, event: 'request' }), false)
  sink.takes = true
  assert.ok(audit.write({ time: 7, event: 'request' }))
  assert.deepEqual(
    sink.lines.map(parsed).map(({ event, lost, sequence }) => [event, lost, sequence]),
    [
      ['loss', 3, 1],
      ['request', undefined, 2],
    ],
  )
})

test('a field that does not apply is absent', () => {
  const line = lineOf({ time: 0, event: 'stop', trigger: 'signal', api: undefined })
  assert.equal(
    line,
    `{"schema":1,"time":"1970-01-01T00:00:00.000Z","event":"stop","trigger":"signal","sequence":1,"prev":"${'0'.repeat(64)}"}\n`,
  )
})

test('a body, a query or a token has no field to go to', () => {
  // @ts-expect-error the type has no such field
  const event: AuditEvent = { ...whole, body: 'SECRET', query: 'SECRET', authorization: 'SECRET' }
  assert.ok(!lineOf(event).includes('SECRET'))
  assert.equal(parsed(lineOf({ ...whole, path: '/Location?identifier=1/2#x' }))['path'], '/Location')
  const detail =
    'sent Authorization: Bearer abcdefghijkl to /token?client_secret=x eyJhbGciOiJI.eyJzdWIi.c2ln'
  assert.equal(
    parsed(lineOf({ ...whole, detail }))['detail'],
    'sent Authorization: Bearer [credentials] to /token?[query] [token]',
  )
})

test('a token in a detail is found with what stands round it, and is never searched for twice', () => {
  const detailOf = (detail: string): unknown => parsed(lineOf({ ...whole, detail }))['detail']
  assert.equal(detailOf('x-eyJhbGciOiJI.eyJzdWIi.c2ln, a.eyJhbGciOiJI.b'), 'x-[token], a.[token]')
  assert.equal(detailOf('eyJhbGciOiJI and eyJ.x'), 'eyJhbGciOiJI and eyJ.x')
  const long = inBoundedTime(() => detailOf('-eyJ'.repeat(1_000_000)))
  assert.match(String(long), /^(?:-eyJ)+…\[\+\d+\]$/)
})

test('a subject is written as it is, whatever it looks like', () => {
  const subject = 'CN=why?because=so,O=Bearer of good news'
  assert.equal(parsed(lineOf({ ...whole, client: { ...client, subject } }))['subject'], subject)
})

test('a value that ends, hides or turns a line is escaped and read back', () => {
  const subject = 'CN=a\r\n{"event":"stop"}\u2028\u2029\u0085\u007f\u202e\u200b\u0000\u001b[31m'
  const line = lineOf({ ...whole, client: { ...client, subject } })
  assert.match(line, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+\n$/u)
  assert.equal(parsed(line)['subject'], subject)
})

test('any text in any field leaves one printable line that holds it', () => {
  const text = fc.string({ unit: 'binary', maxLength: 200 })
  fc.assert(
    fc.property(text, text, text, (subject, method, at) => {
      const line = lineOf({
        ...whole,
        client: { ...client, subject },
        method,
        establishments: [{ idNatStruct: '1', at }],
      })
      assert.equal(line.search(/[\p{Cc}\p{Zl}\p{Zp}]/u), line.length - 1)
      const { subject: read, method: readMethod } = parsed(line)
      assert.deepEqual([read, readMethod], [subject, method])
    }),
  )
})

test('a huge value is cut with a mark, and never through a character', () => {
  const { subject } = parsed(lineOf({ ...whole, client: { subject: 'é'.repeat(5_000) } }))
  assert.equal(subject, `${'é'.repeat(1_024)}…[+3976]`)
  const { path } = parsed(lineOf({ ...whole, path: `/${'😀'.repeat(1_000)}` }))
  assert.equal(path, `/${'😀'.repeat(511)}…[+978]`)
})

test('beyond a hundred, establishments are counted and not named', () => {
  const establishments = Array.from({ length: 250 }, (_, index) => ({ idNatStruct: `1${index}`, at: 'x' }))
  const read = parsed(lineOf({ ...whole, establishments }))
  assert.deepEqual(read['establishments'], establishments.slice(0, 100))
  assert.equal(read['establishmentCount'], 250)
})

test('values of a wrong kind leave a line that can be read', () => {
  const odd = {
    time: Number.NaN,
    event: 'request',
    client: { subject: { toJSON: () => 'SECRET' } },
    status: '200',
    durationMs: Number.POSITIVE_INFINITY,
    establishments: 'none',
    enforced: 'yes',
  } as unknown as AuditEvent // what a caller without types could pass
  const line = lineOf(odd)
  assert.ok(!line.includes('SECRET'))
  assert.equal(parsed(line)['time'], null)
})

test('an event that cannot be read is counted as lost, and kills nothing', () => {
  const sink = linesInMemory()
  const audit = createAudit(sink)
  const broken = {
    time: 0,
    event: 'request' as const,
    client: {
      get subject(): string {
        throw new Error('unreadable')
      },
    },
  }
  assert.equal(audit.write(broken), false)
  assert.equal(audit.lost, 1)
})

test('the trail says when a line was not taken, and is as healthy as its sink', () => {
  const sink = linesInMemory()
  const audit = createAudit(sink)
  assert.equal(audit.healthy, true)
  sink.takes = false
  assert.equal(audit.write(whole), false)
  assert.equal(audit.healthy, false)
})
