import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, type Metrics } from '../../src/observe/metrics.js'
import { CountsOfTheGone, exposeTogether } from '../../src/observe/metrics-snapshot.js'

const request = { environment: 'sandbox', api: 'fhir-read', decision: 'permit', durationMs: 3 } as const

function served(count: number, partner = 'eai'): Metrics {
  const metrics = createMetrics({ version: '1' })
  for (let index = 0; index < count; index += 1)
    metrics.request({ ...request, partner, requestId: `r${count}.${index}`, time: count * 1_000 + index })
  return metrics
}

const line = (text: string, begin: string): string | undefined =>
  text.split('\n').find((each) => each.startsWith(begin))

test('counters and histograms of several processes are sums; gauges are what fits them', async () => {
  const [one, other] = [served(2), served(3)]
  one.certificateSeen('sandbox', 'eai', { notAfter: 9_000, at: 5_000 })
  other.certificateSeen('sandbox', 'eai', { notAfter: 9_000, at: 7_000 })
  one.requestsInFlight('sandbox', 1)
  other.requestsInFlight('sandbox', 1)
  one.reload('refused', { at: 1_000, durationMs: 20 })
  const { text } = await exposeTogether([await one.snapshot(), await other.snapshot()])
  const labels = '{environment="sandbox",api="fhir-read"'
  for (const [begin, value] of [
    [`ror_gateway_requests_total${labels}`, '5'],
    ['ror_gateway_request_duration_seconds_count{', '5'],
    ['ror_gateway_partner_last_seen_timestamp_seconds{', '7'],
    ['ror_gateway_requests_in_flight{', '2'],
    ['ror_gateway_last_reload_successful ', '0'],
    ['ror_gateway_audit_healthy ', '1'],
    ['ror_gateway_build_info{', '1'],
  ] as const)
    assert.equal(line(text, begin)?.split(' ').at(-1), value, begin)
  // each family once, with its meaning
  assert.equal(text.match(/^# TYPE ror_gateway_requests_total /gm)?.length, 1)
})

test('of a process that is gone the counts stay, and nothing else; those of partners that left go', async () => {
  const gone = new CountsOfTheGone()
  const dead = served(4)
  dead.requestsInFlight('sandbox', 1)
  gone.take(await dead.snapshot())
  gone.take(await served(2, 'left').snapshot())
  const expose = async (): Promise<string> =>
    (await exposeTogether([await served(1).snapshot(), gone.snapshot()])).text
  let text = await expose()
  assert.match(text, /^ror_gateway_requests_total\{.*\} 7$/m)
  assert.match(text, /^ror_gateway_partner_requests_total\{.*partner="left".*\} 2$/m)
  assert.doesNotMatch(text, /^ror_gateway_requests_in_flight\{/m)
  gone.keep((environment, partner) => environment === 'sandbox' && partner === 'eai')
  text = await expose()
  assert.match(text, /^ror_gateway_partner_requests_total\{.*partner="eai".*\} 5$/m)
  assert.doesNotMatch(text, /partner="left"/)
})

test('the exemplars of several processes stand in one OpenMetrics text, the latest of each bucket', async () => {
  const snapshots = [await served(1).snapshot(), await served(2).snapshot()]
  const { text, contentType } = await exposeTogether(snapshots, 'application/openmetrics-text')
  assert.match(contentType, /^application\/openmetrics-text/)
  assert.match(text, /_bucket\{le="0\.005",.*\} 3 # \{request_id="r2\.1"\}/)
  assert.match(text, /# EOF\n$/)
})
