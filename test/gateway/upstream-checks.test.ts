import assert from 'node:assert/strict'
import { test } from 'node:test'
import { upstreamStand, type TestClock, type UpstreamStand } from './upstream-stand.js'
import { until } from '../support/until.js'

const checked = (origins: readonly string[]): string =>
  `{ servers: [${origins.join(', ')}], balance: round-robin, check: { path: "/health?deep", intervalSeconds: 1, unhealthyAfter: 2, healthyAfter: 2 } }`

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const tired = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'

/** Lets time pass until a server is in a state; each check is seen by its own effect. */
async function passUntil(
  stand: UpstreamStand,
  clock: TestClock,
  [index, state]: [number, string],
): Promise<void> {
  await until(`a server that is ${state}`, async () => {
    const server = (await stand.statusOf('fhir-read'))[index]
    if (server?.['state'] === state) return true
    clock.now += 1000
    return false
  })
}

function isCheck({ startLine }: { readonly startLine: string }): boolean {
  return startLine === 'GET /health?deep HTTP/1.1'
}

test('a check takes a server out and brings it back, and says who asks and nothing of any partner', async (context) => {
  const clock: TestClock = { now: 0 }
  const stand = await upstreamStand(context, { upstream: checked, clock })
  const [first, second] = stand.servers
  assert.ok(first !== undefined && second !== undefined)
  first.answer = (request) => (isCheck(request) ? tired : ok)
  await passUntil(stand, clock, [0, 'down'])
  const [shown] = await stand.statusOf('fhir-read')
  const check = shown?.['lastCheck']
  assert.ok(check instanceof Object && 'detail' in check && 'passed' in check)
  assert.deepEqual([check.passed, check.detail], [false, 'status 503, expected 200'])

  for (let count = 0; count < 4; count += 1) assert.equal((await stand.send({})).status, 200)
  assert.equal(first.requests.filter((request) => !isCheck(request)).length, 0)
  assert.equal(second.requests.filter((request) => !isCheck(request)).length, 4)
  const asked = first.requests.find(isCheck)
  assert.deepEqual(asked?.fields.map(([name]) => name.toLowerCase()).sort(), [
    'accept',
    'connection',
    'host',
    'user-agent',
  ])
  const labels = `environment="sandbox",api="fhir-read",server="${first.origin}"`
  assert.ok(((await stand.metric(`ror_gateway_upstream_checks_total{${labels},result="failed"}`)) ?? 0) >= 2)
  assert.equal(await stand.metric(`ror_gateway_upstream_server_state{${labels},state="down"}`), 1)

  first.answer = () => ok
  await passUntil(stand, clock, [0, 'returning'])
  clock.now += 10_000
  for (let count = 0; count < 2; count += 1) assert.equal((await stand.send({})).status, 200)
  assert.equal(first.requests.filter((request) => !isCheck(request)).length, 1)
})

test('where the checks call every server down requests are 503 and reach none; a reload without checks ends it', async (context) => {
  const clock: TestClock = { now: 0 }
  const stand = await upstreamStand(context, { upstream: checked, clock })
  for (const server of stand.servers) server.answer = (request) => (isCheck(request) ? tired : ok)
  await passUntil(stand, clock, [0, 'down'])
  await passUntil(stand, clock, [1, 'down'])
  const answer = await stand.send({})
  assert.equal(answer.status, 503)
  assert.equal((await stand.auditOf(answer))['reason'], 'upstream-unavailable')
  for (const { requests } of stand.servers) assert.ok(requests.every(isCheck))

  stand.write('gateway.yaml', stand.config.replaceAll(/, check: \{[^}]*\}/g, ''))
  assert.notEqual((await stand.gateway.reload('signal')).result, 'refused')
  assert.equal((await stand.send({})).status, 200)
})
