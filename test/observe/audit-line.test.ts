import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import type { AuditEvent, AuditFormat } from '../../src/observe/audit-event.js'
import { auditText } from '../../src/observe/audit-text.js'
import { establishmentsOf, readAuditLine } from '../../src/observe/audit-line.js'

const text = fc.string({ unit: 'binary', maxLength: 30 })
const maybe = fc.option(text, { nil: undefined })
const event: fc.Arbitrary<AuditEvent> = fc.record({
  time: fc.integer({ min: 0, max: 4e12 }),
  event: fc.constant('request' as const),
  requestId: fc.uuid(),
  environment: fc.oneof(fc.constant('sandbox'), text),
  api: fc.oneof(fc.constant('fhir-write'), maybe),
  partner: maybe,
  client: fc.record({
    certificateSha256: maybe,
    subject: fc.oneof(maybe, fc.constant('CN=a\\,b,O="x",event":"stop"')),
    publicKeySha256: maybe,
  }),
  method: fc.constantFrom('GET', 'PATCH'),
  path: fc.oneof(
    fc.constant('/ws/Location'),
    text.map((each) => each.replaceAll(/[?#]/g, '')),
  ),
  establishments: fc.array(fc.record({ idNatStruct: text, at: text }), { maxLength: 4 }),
  decision: fc.constantFrom('permit' as const, 'deny' as const, 'fail' as const),
  enforced: fc.boolean(),
  reason: fc.option(fc.constantFrom('certificate-not-listed' as const, 'internal' as const), {
    nil: undefined,
  }),
  detail: fc.option(fc.oneof(text, fc.constant(',"enforced":false,"status":1,"decision":"x"')), {
    nil: undefined,
  }),
  status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
})

function lineOf(each: AuditEvent, format: AuditFormat = 'native'): string {
  return `${auditText(each, format)}}`
}

test('a line is read as JSON would read it, whatever its fields hold', () => {
  fc.assert(
    fc.property(event, fc.constantFrom('native' as const, 'ecs' as const), (each, format) => {
      const parsed = JSON.parse(lineOf(each)) as Record<string, unknown> // an object, as the audit writes
      const read = readAuditLine(lineOf(each, format))
      assert.ok(read !== undefined)
      for (const name of [
        'time',
        'requestId',
        'api',
        'partner',
        'subject',
        'publicKeySha256',
        'method',
        'path',
        'decision',
        'reason',
        'status',
      ] as const) {
        assert.equal(read[name], parsed[name], name)
      }
      assert.deepEqual(establishmentsOf(read), parsed['establishments'])
      assert.equal(read.establishmentCount, parsed['establishmentCount'])
      if (read.decision === 'deny') assert.equal(read.enforced, parsed['enforced'])
    }),
    { numRuns: 1000 },
  )
})

test('another program’s JSON of the same fields is read as well', () => {
  const line =
    '{ "time": "2026-11-01T00:00:00.000Z", "event": "request", "decision": "deny", "enforced": false, "status": 200 }'
  const read = readAuditLine(line)
  assert.equal(read?.decision, 'deny')
  assert.equal(read.enforced, false)
  assert.equal(read.status, 200)
})

test('what tells of no request is none: a start, a reload, rubbish', () => {
  for (const line of [
    lineOf({ time: 0, event: 'start', policyRevision: 'x' }),
    lineOf({ time: 0, event: 'reload', result: 'reloaded' }),
    '{"schema":1,"time":"cut in the mid',
    'rubbish',
    '[]',
    'null',
  ]) {
    assert.equal(readAuditLine(line), undefined, line)
  }
})
