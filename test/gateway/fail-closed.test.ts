import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WhitelistLookup } from '../../src/core/whitelist-lookup.js'
import { IdentityCache } from '../../src/gateway/identity.js'
import { OcspStatus } from '../../src/gateway/ocsp-status.js'
import { PartnerLimiter } from '../../src/gateway/partner-limiter.js'
import { RequestEvent } from '../../src/gateway/request-event.js'
import { GatewayState } from '../../src/gateway/state.js'
import { TrustedPaths } from '../../src/gateway/trust.js'
import { BodyAccount } from '../../src/http/body.js'
import { openRaw } from '../support/raw-client.js'
import { makeStand, patchBody, permittedTarget, rawRequest, reasonOf } from './stand.js'

interface Step {
  readonly what: string
  /** What the step relies on, and its method. */
  readonly of: object
  readonly method: string
}

const steps: readonly Step[] = [
  { what: 'the identity', of: IdentityCache.prototype, method: 'identify' },
  { what: 'the chain', of: TrustedPaths.prototype, method: 'of' },
  { what: 'the responder', of: OcspStatus.prototype, method: 'judge' },
  { what: 'the whitelist', of: WhitelistLookup.prototype, method: 'findBySubject' },
  { what: 'the event', of: RequestEvent.prototype, method: 'decided' },
  { what: 'the limits', of: PartnerLimiter.prototype, method: 'enter' },
  { what: 'the body', of: BodyAccount.prototype, method: 'take' },
  { what: 'the permission', of: WhitelistLookup.prototype, method: 'permits' },
  { what: 'the forwarder', of: GatewayState.prototype, method: 'forwarderOf' },
]

/** Makes a method throw; the other steps go on as ever. @returns what mends it */
function breakStep({ of, method }: Step): () => void {
  const whole: unknown = Reflect.get(of, method)
  assert.equal(typeof whole, 'function', method)
  Reflect.set(of, method, () => {
    throw new TypeError('a secret of the step')
  })
  return () => {
    Reflect.set(of, method, whole)
  }
}

test('an exception in any step of the judgement answers 500, and nothing goes up', async (context) => {
  const stand = await makeStand(context)
  const write = rawRequest({ method: 'PATCH', target: permittedTarget, body: patchBody })
  let forwarded = 0
  for (const step of steps) {
    await context.test(step.what, async () => {
      const client = await openRaw(stand.port, stand.tls())
      // the connection is known whole before, so that only the request meets what is broken
      client.send(write)
      assert.equal((await client.answer()).status, 200)
      forwarded += 1
      const mend = breakStep(step)
      try {
        client.send(write)
        const answer = await client.answer()
        assert.equal(answer.status, 500)
        assert.equal(reasonOf(answer), undefined)
        assert.match(answer.body, /"resourceType":"OperationOutcome"/)
        assert.doesNotMatch(answer.raw, /secret/)
      } finally {
        mend()
      }
      assert.equal(stand.upstream.requests.length, forwarded)
      client.send(write)
      assert.equal((await client.answer()).status, 200)
      forwarded += 1
      client.destroy()
    })
  }
  assert.deepEqual(stand.upstream.oddities, [])
})

test('an exception at the end of a handshake closes that connection and ends nothing else', async (context) => {
  const stand = await makeStand(context)
  const mend = breakStep({ what: 'the identity', of: IdentityCache.prototype, method: 'identify' })
  try {
    const client = await openRaw(stand.port, stand.tls())
    client.send(rawRequest({}))
    await client.closed
  } finally {
    mend()
  }
  assert.equal(stand.upstream.connections.length, 0)
  assert.equal((await stand.send({})).status, 200)
})
