import assert from 'node:assert/strict'
import { test } from 'node:test'
import { traceIdOf } from '../../src/http/trace-context.js'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const parentId = '00f067aa0ba902b7'

test('the trace of a traceparent is read by the rules of W3C Trace Context', () => {
  for (const [field, expected] of [
    [`00-${traceId}-${parentId}-01`, traceId],
    [`00-${traceId}-${parentId}-ff`, traceId],
    [`01-${traceId}-${parentId}-01-more`, traceId],
    [`00-${traceId}-${parentId}-01-more`, undefined],
    [`ff-${traceId}-${parentId}-01`, undefined],
    [`00-${traceId.toUpperCase()}-${parentId}-01`, undefined],
    [`00-${'0'.repeat(32)}-${parentId}-01`, undefined],
    [`00-${traceId}-${'0'.repeat(16)}-01`, undefined],
    [`00-${traceId}-${parentId}-01, 00-${traceId}-${parentId}-01`, undefined],
    ['', undefined],
    [undefined, undefined],
    [['00'], undefined],
  ] as const) {
    assert.equal(traceIdOf(field), expected, String(field))
  }
})
