import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import {
  deriveTicketKeys,
  readTicketSecret,
  sessionIdContextOf,
  type TicketScope,
} from '../../src/tls/ticket-keys.js'

const hour = 3_600_000
const secret = Buffer.alloc(48, 1)
const scope: TicketScope = { environment: 'sandbox', trust: 'aa', now: 1_000 * hour, rotationMs: 10 * hour }

test('the same secret makes the same 48 bytes in each process, within one period', () => {
  const keys = deriveTicketKeys(secret, scope)
  assert.equal(keys.length, 48)
  assert.deepEqual(
    deriveTicketKeys(new Uint8Array(secret), { ...scope, now: scope.now + 10 * hour - 1 }),
    keys,
  )
})

test('another secret, environment, trust, period or interval makes other ones', () => {
  const all = [
    deriveTicketKeys(secret, scope),
    deriveTicketKeys(Buffer.alloc(48, 2), scope),
    deriveTicketKeys(secret, { ...scope, environment: 'production' }),
    deriveTicketKeys(secret, { ...scope, trust: 'ab' }),
    deriveTicketKeys(secret, { ...scope, now: scope.now + 10 * hour }),
    deriveTicketKeys(secret, { ...scope, rotationMs: 5 * hour }),
  ]
  assert.equal(new Set(all.map((keys) => keys.toString('hex'))).size, all.length)
})

test('where a name ends and the trust begins cannot be shifted', () => {
  const one = deriveTicketKeys(secret, { ...scope, environment: 'ab', trust: 'c' })
  assert.notDeepEqual(deriveTicketKeys(secret, { ...scope, environment: 'a', trust: 'bc' }), one)
})

test('a secret is read from base64 however its lines are broken, and a short or other text is none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 4, max: 76 }), (bytes, width) => {
      const text = Buffer.from(bytes)
        .toString('base64')
        .replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n')
      const read = readTicketSecret(text)
      assert.deepEqual(
        read === undefined ? undefined : new Uint8Array(read),
        bytes.length < 48 ? undefined : bytes,
      )
    }),
  )
  assert.equal(readTicketSecret('-----BEGIN X-----'.repeat(9)), undefined)
  assert.equal(readTicketSecret(''), undefined)
})

test('session contexts fit OpenSSL and are apart for each environment', () => {
  assert.match(sessionIdContextOf('sandbox'), /^[0-9a-f]{32}$/)
  assert.notEqual(sessionIdContextOf('sandbox'), sessionIdContextOf('production'))
})
