import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createMetrics, type Metrics } from '../../src/observe/metrics.js'
import { prefersOpenMetrics } from '../../src/observe/open-metrics.js'
import { root } from '../support/shared.js'
import { busy, without } from './busy.js'

/** One value of a scrape, found by its exact name and labels. */
async function valueOf(metrics: Metrics, series: string): Promise<number | undefined> {
  const { text } = await metrics.expose()
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

async function seriesOf(metrics: Metrics, name: string): Promise<string[]> {
  const { text } = await metrics.expose()
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}

test('docs/metrics.md lists exactly the metrics, with their types and labels', async () => {
  const { text } = await busy().expose()
  const exposed = [...text.matchAll(/^# TYPE (ror_gateway_\w+) (\w+)$/gm)].map(([, name = '', type = '']) => {
    const suffix = type === 'histogram' ? '_sum' : ''
    const labels = new RegExp(`^${name}${suffix}(?:\\{(.*)\\})? `, 'm').exec(text)
    assert.ok(labels, `${name} has no series`)
    const names = [...(labels[1] ?? '').matchAll(/(\w+)="/g)].map((match) => match[1])
    return `${name} ${type} ${names.join(',')}`
  })
  const listed = readFileSync(join(root, 'docs', 'metrics.md'), 'utf8')
    .split('\n')
    .map((line) => /^\| `(ror_gateway_\w+)` *\| (\w+) *\|([^|]*)\|/.exec(line))
    .flatMap((match) => (match === null ? [] : [match]))
    .map(([, name = '', type = '', labels = '']) => {
      const names = [...labels.matchAll(/`(\w+)`/g)].map((match) => match[1])
      return `${name} ${type} ${names.join(',')}`
    })
  assert.ok(listed.length > 20)
  assert.deepEqual(exposed.sort(), listed.sort())
})

test('names follow the rules that promtool checks', async () => {
  const { text, contentType } = await busy().expose()
  assert.match(contentType, /^text\/plain; version=0\.0\.4/)
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
  assert.ok(types.length > 40)
  for (const [, name = '', type = ''] of types) {
    assert.match(text, new RegExp(`^# HELP ${name} \\S`, 'm'))
    assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
    assert.doesNotMatch(name, /_(?:ms|milliseconds|minutes|hours|days|kb|mb|percent|counter|gauge)(?:_|$)/)
    if (type !== 'histogram') assert.doesNotMatch(name, /_(?:count|sum|bucket)$/)
  }
})

test('a request is counted by decision and reason, its partner, times and bytes', async () => {
  const metrics = busy()
  metrics.request({ environment: 'sandbox', decision: 'deny', enforced: true, reason: 'api-unknown' })
  metrics.request({
    environment: 'sandbox',
    api: 'fhir-write',
    partner: 'eai',
    decision: 'deny',
    enforced: false,
    reason: 'establishment-not-permitted',
  })
  for (const [series, value] of [
    ['requests_total{environment="sandbox",api="fhir-read",decision="permit",reason="none"}', 1],
    ['requests_total{environment="sandbox",api="none",decision="deny",reason="api-unknown"}', 1],
    [
      'requests_total{environment="sandbox",api="fhir-write",decision="would-deny",reason="establishment-not-permitted"}',
      1,
    ],
    ['partner_requests_total{environment="sandbox",partner="eai",decision="permit",reason="none"}', 1],
    [
      'partner_requests_total{environment="sandbox",partner="eai",decision="would-deny",reason="establishment-not-permitted"}',
      1,
    ],
    ['upstream_failures_total{environment="sandbox",api="fhir-read",code="upstream-broken"}', 1],
    ['request_body_bytes_total{environment="sandbox",api="fhir-read"}', 100],
    ['response_body_bytes_total{environment="sandbox",api="fhir-read"}', 200],
    ['request_duration_seconds_sum{environment="sandbox",api="fhir-read"}', 0.012],
    ['request_duration_seconds_count{environment="sandbox",api="none"}', undefined],
    ['upstream_duration_seconds_sum{environment="sandbox",api="fhir-read"}', 0.01],
    ['upstream_duration_seconds_bucket{le="0.01",environment="sandbox",api="fhir-read"}', 1],
    ['audit_lines_lost_total', 3],
    ['audit_last_seal_timestamp_seconds', 11],
    ['partner_last_seen_timestamp_seconds{environment="sandbox",partner="eai"}', 10],
    ['server_certificate_not_after_timestamp_seconds{environment="sandbox",key="ec"}', 6],
    ['authority_not_after_timestamp_seconds{environment="sandbox",subject="AC"}', 8],
    ['connections_dropped_total{environment="sandbox"}', 1],
    ['identity_cache_requests_total{result="miss"}', 2],
    ['judged_body_bytes_held', 3],
    ['judged_body_bytes_limit', 4],
    ['last_reload_duration_seconds', 0.25],
    ['last_reload_successful', 1],
    ['audit_healthy', 1],
    ['last_reload_success_timestamp_seconds', 7],
    ['certificate_not_after_timestamp_seconds{environment="sandbox",partner="eai"}', 9],
    ['crl_next_update_timestamp_seconds{environment="sandbox",issuer="CN=CA"}', 5],
  ] as const) {
    assert.equal(await valueOf(metrics, `ror_gateway_${series}`), value, series)
  }
})

test('scraping changes nothing', async () => {
  const metrics = busy()
  const own = ({ text }: { text: string }) =>
    text.split('\n').filter((line) => line.startsWith('ror_gateway_'))
  const first = own(await metrics.expose())
  assert.deepEqual(own(await metrics.expose()), first)
})

test('partners beyond the limit are counted as other', async () => {
  const metrics = createMetrics({ version: '0.1.0', maxPartners: 3 })
  for (let round = 0; round < 2; round += 1) {
    for (let index = 0; index < 10; index += 1) {
      const partner = `partner-${index}`
      metrics.request({ environment: 'sandbox', partner, decision: 'permit' })
      metrics.certificateSeen('sandbox', partner, { notAfter: 1_000, at: 1_000 })
    }
  }
  const name = 'ror_gateway_partner_requests_total'
  assert.equal((await seriesOf(metrics, name)).length, 4)
  const other = `${name}{environment="sandbox",partner="other",decision="permit",reason="none"}`
  assert.equal(await valueOf(metrics, other), 14)
  assert.equal((await seriesOf(metrics, 'ror_gateway_certificate_not_after_timestamp_seconds')).length, 3)
})

test('a partner that leaves the whitelist leaves no series, and makes room', async () => {
  const metrics = createMetrics({ version: '0.1.0', maxPartners: 2 })
  const request = (partner: string) => {
    metrics.request({ environment: 'sandbox', partner, decision: 'permit' })
  }
  for (const partner of ['gone', 'stays', 'late']) request(partner)
  metrics.policy({ revision: 'r2', at: 1, environments: [], isPartner: (_, partner) => partner !== 'gone' })
  for (const partner of ['stays', 'late']) request(partner)
  const series = await seriesOf(metrics, 'ror_gateway_partner_requests_total')
  assert.deepEqual(series, [
    'ror_gateway_partner_requests_total{environment="sandbox",partner="stays",decision="permit",reason="none"} 2',
    'ror_gateway_partner_requests_total{environment="sandbox",partner="other",decision="permit",reason="none"} 1',
    'ror_gateway_partner_requests_total{environment="sandbox",partner="late",decision="permit",reason="none"} 1',
  ])
})

test('a new configuration replaces what is said of the old one', async () => {
  const metrics = busy()
  metrics.policy({
    revision: 'r2',
    at: 1,
    environments: [{ name: 'production', partners: 1, certificates: 1, establishments: 0, ...without }],
    isPartner: () => true,
  })
  assert.deepEqual(await seriesOf(metrics, 'ror_gateway_config_info'), [
    'ror_gateway_config_info{revision="r2"} 1',
  ])
  assert.deepEqual(await seriesOf(metrics, 'ror_gateway_whitelist_partners'), [
    'ror_gateway_whitelist_partners{environment="production"} 1',
  ])
  assert.deepEqual(await seriesOf(metrics, 'ror_gateway_crl_next_update_timestamp_seconds'), [])
})

test('a refused reload does not count as a good one', async () => {
  const metrics = busy()
  metrics.reload('refused', { at: 99_000, durationMs: 1 })
  assert.equal(await valueOf(metrics, 'ror_gateway_last_reload_success_timestamp_seconds'), 7)
  assert.equal(await valueOf(metrics, 'ror_gateway_last_reload_successful'), 0)
  metrics.reload('unchanged', { at: 99_000, durationMs: 1 })
  assert.equal(await valueOf(metrics, 'ror_gateway_last_reload_success_timestamp_seconds'), 99)
  assert.equal(await valueOf(metrics, 'ror_gateway_reloads_total{result="refused"}'), 1)
})

test('a measure that is none is left out, and breaks no scrape', async () => {
  const metrics = createMetrics({ version: '0.1.0' })
  for (const durationMs of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
    metrics.request({ environment: 'e', api: 'a', durationMs, upstreamMs: durationMs, bytesIn: durationMs })
  }
  metrics.certificateSeen('e', 'p', { notAfter: Number.NaN, at: Number.NaN })
  assert.equal(await valueOf(metrics, 'ror_gateway_request_body_bytes_total{environment="e",api="a"}'), 0)
  assert.equal(
    await valueOf(
      metrics,
      'ror_gateway_requests_total{environment="e",api="a",decision="fail",reason="none"}',
    ),
    3,
  )
})

test('a label value with quotes, backslashes and line ends leaves a text that can be read', async () => {
  const metrics = createMetrics({ version: '0.1.0' })
  metrics.policy({
    revision: 'r',
    at: 1,
    environments: [
      {
        name: 'e',
        partners: 0,
        certificates: 0,
        establishments: 0,
        ...without,
        crls: [{ issuer: 'CN="a\\b"\nc', nextUpdate: 1_000 }],
      },
    ],
    isPartner: () => true,
  })
  const [line] = await seriesOf(metrics, 'ror_gateway_crl_next_update_timestamp_seconds')
  assert.match(line ?? '', /issuer="CN=\\"a\\\\b\\"\\nc"\} 1$/)
})

test('two gateways in one process count apart', async () => {
  const [one, other] = [busy(), createMetrics({ version: '0.1.0' })]
  assert.equal((await seriesOf(one, 'ror_gateway_requests_total')).length, 1)
  assert.equal((await seriesOf(other, 'ror_gateway_requests_total')).length, 0)
})

test('OpenMetrics has what the older text has, and the last request of each bucket', async () => {
  const metrics = busy()
  const request = { environment: 'sandbox', api: 'fhir-read', decision: 'permit', time: 5_000 } as const
  metrics.request({ ...request, durationMs: 3, requestId: 'fast' })
  metrics.request({ ...request, durationMs: 4, requestId: 'later', traceId: '4bf9' })
  metrics.request({ ...request, durationMs: 40_000, requestId: 'slow' })
  const older = await metrics.expose()
  const { contentType, text } = await metrics.expose('application/openmetrics-text; version=1.0.0')
  assert.match(contentType, /^application\/openmetrics-text; version=1\.0\.0/)
  assert.ok(text.endsWith('\n# EOF\n') && !text.includes('\n\n'))
  const buckets = text.split('\n').filter((line) => line.includes(' # {'))
  const series = 'ror_gateway_request_duration_seconds_bucket{le="'
  const labels = '",environment="sandbox",api="fhir-read"}'
  assert.deepEqual(buckets, [
    `${series}0.005${labels} 2 # {request_id="later",trace_id="4bf9"} 0.004 5.004`,
    `${series}+Inf${labels} 4 # {request_id="slow"} 40 45.000`,
  ])
  const own = (exposed: string): string[] =>
    exposed.split('\n').flatMap((line) => (line.startsWith('ror_') ? [line.replace(/ # .*/, '')] : []))
  assert.deepEqual(own(text), own(older.text))
  assert.match(text, /^# TYPE ror_gateway_requests counter$/m)
  assert.match(text, /^ror_gateway_requests_total\{/m)
  // asking for the one changes nothing of the other
  assert.deepEqual(own((await metrics.expose()).text), own(older.text))
})

test('who scrapes gets the form that was asked for, and the older one in doubt', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  for (const [accept, isOpen] of [
    [prometheus, true],
    ['application/openmetrics-text', true],
    ['', false],
    ['*/*', false],
    ['text/plain', false],
    ['text/plain;q=0.9, application/openmetrics-text;q=0.3', false],
    ['application/openmetrics-text;q=0', false],
    ['application/openmetrics-text;q=x', false],
  ] as const) {
    assert.equal(prefersOpenMetrics(accept), isOpen, accept)
  }
})
