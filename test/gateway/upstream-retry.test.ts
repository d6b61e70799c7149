import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailureCode } from '../../src/core/failure.js'
import { mayGoElsewhere } from '../../src/gateway/upstream-retry.js'
import type { Reach } from '../../src/http/forwarder.js'

const read = { method: 'GET', body: 'none' } as const
const requests = {
  read,
  'a read with a body': { method: 'GET', body: new Uint8Array(1) },
  'a write without a body': { method: 'DELETE', body: 'none' },
  'a write that is held': { method: 'PATCH', body: new Uint8Array(1) },
  'a write that is handed on as it comes': { method: 'POST', body: 'stream' },
} as const

// everything that may go to another server; what is missing here may not
const rows: readonly (readonly [code: FailureCode, reach: Reach, who: 'all' | 'reads'])[] = [
  ['upstream-refused', 'unsent', 'all'],
  ['upstream-connect-timeout', 'unsent', 'all'],
  ['upstream-tls', 'unsent', 'all'],
  ['upstream-tls', 'sent', 'reads'],
  ['upstream-broken', 'unsent', 'all'],
  ['upstream-broken', 'sent', 'reads'],
  ['upstream-refused', 'sent', 'reads'],
  ['upstream-connect-timeout', 'sent', 'reads'],
  ['overloaded', 'unsent', 'all'],
  ['overloaded', 'sent', 'reads'],
]
const codes: Readonly<Record<FailureCode, true>> = {
  'upstream-refused': true,
  'upstream-connect-timeout': true,
  'upstream-tls': true,
  'upstream-timeout': true,
  'upstream-broken': true,
  'upstream-response-invalid': true,
  'upstream-unavailable': true,
  'client-left': true,
  overloaded: true,
  internal: true,
}

test('what may go to another server is what surely reached none, and reads that nobody answered a byte to', () => {
  let allowed = 0
  for (const code of Object.keys(codes) as FailureCode[]) {
    // its keys, as the type above says
    for (const reach of ['unsent', 'sent', 'answered'] as const) {
      const who = rows.find(([one, other]) => one === code && other === reach)?.[2]
      for (const [what, request] of Object.entries(requests)) {
        const may = mayGoElsewhere(request, { code, reach })
        assert.equal(
          may,
          who === 'all' || (who === 'reads' && request === read),
          `${code}, ${reach}, ${what}`,
        )
        if (may) allowed += 1
      }
    }
  }
  assert.equal(allowed, 5 * 5 + 5)
})

test('each safe method may, and no other one', () => {
  const failure = { code: 'upstream-broken', reach: 'sent' } as const
  for (const method of ['GET', 'HEAD', 'OPTIONS'])
    assert.ok(mayGoElsewhere({ method, body: 'none' }, failure), method)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    assert.equal(mayGoElsewhere({ method, body: 'none' }, failure), false, method)
})
