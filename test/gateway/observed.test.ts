import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { root } from '../support/shared.js'
import { until } from '../support/until.js'
import { makeStand, patchBody, permittedTarget, rawRequest, type Stand } from './stand.js'

interface Asked {
  readonly status: number
  readonly text: string
}

async function ask(
  stand: Stand,
  path: string,
  wish: { method?: string; headers?: Record<string, string> } = {},
): Promise<Asked> {
  assert.ok(stand.gateway.admin)
  const request = httpRequest({ ...stand.gateway.admin, path, agent: false, ...wish })
  request.end()
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream & { statusCode: number }] // what it emits
  let text = ''
  for await (const chunk of response) text += chunk.toString()
  return { status: response.statusCode, text }
}

async function valueOf(stand: Stand, series: string): Promise<number | undefined> {
  const { text } = await ask(stand, '/metrics')
  const line = text.split('\n').find((each) => each.startsWith(`ror_gateway_${series} `))
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')))
}

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

test('traceparent and tracestate go upstream as they came; the trace stands in the audit trail', async (context) => {
  const stand = await makeStand(context)
  const fields = [`traceparent: ${traceparent}`, 'tracestate: vendor=opaque', 'Connection: close']
  const audited = await stand.auditOf(await stand.send({ fields }))
  assert.equal(audited['traceId'], traceId)
  const [received] = stand.upstream.requests
  const sent = received?.fields.filter(([name]) => name.startsWith('trace'))
  assert.deepEqual(sent, [
    ['traceparent', traceparent],
    ['tracestate', 'vendor=opaque'],
  ])
  const without = await stand.auditOf(await stand.send({ fields: ['Connection: close'] }))
  assert.equal('traceId' in without, false)
  assert.equal(
    stand.upstream.requests[1]?.fields.some(([name]) => name.startsWith('trace')),
    false,
  )
})

test('what a gateway does is seen in its metrics: identities, ends, last seen, the request behind a bucket', async (context) => {
  const stand = await makeStand(context)
  const before = Date.now() / 1_000
  for (let round = 0; round < 2; round += 1) {
    await stand.auditOf(
      await stand.send({
        method: 'PATCH',
        target: permittedTarget,
        body: patchBody,
        fields: ['Connection: close'],
      }),
    )
  }
  const environment = 'environment="sandbox"'
  assert.equal(await valueOf(stand, 'identity_cache_requests_total{result="miss"}'), 1)
  assert.equal(await valueOf(stand, 'identity_cache_requests_total{result="hit"}'), 1)
  assert.equal(await valueOf(stand, `requests_in_flight{${environment}}`), 0)
  assert.equal(await valueOf(stand, 'judged_body_bytes_held'), 0)
  const seen = await valueOf(
    stand,
    `partner_last_seen_timestamp_seconds{${environment},partner="eai-bretagne"}`,
  )
  assert.ok(seen !== undefined && seen >= before)
  const { text } = await ask(stand, '/metrics')
  assert.match(
    text,
    /^ror_gateway_server_certificate_not_after_timestamp_seconds\{environment="sandbox",key="\w+"\} \d+/m,
  )
  assert.match(
    text,
    /^ror_gateway_authority_not_after_timestamp_seconds\{environment="sandbox",subject="[^"]+"\} \d+/m,
  )
  assert.match(
    text,
    /^ror_gateway_crl_next_update_timestamp_seconds\{environment="sandbox",issuer="[^"]+"\} \d+/m,
  )
  const open = await ask(stand, '/metrics', { headers: { accept: 'application/openmetrics-text' } })
  assert.match(
    open.text,
    /^ror_gateway_request_duration_seconds_bucket\{le="[^"]+",environment="sandbox",api="fhir-write"\} \d+ # \{request_id="[0-9a-f-]{36}"\} [\d.e-]+ [\d.]+$/m,
  )
})

test('a request is in flight until its answer is out', async (context) => {
  const stand = await makeStand(context)
  const socket = connectTls({ ...stand.tls(), host: '127.0.0.1', port: stand.port })
  await once(socket, 'secureConnect')
  const inFlight = (): Promise<number | undefined> =>
    valueOf(stand, 'requests_in_flight{environment="sandbox"}')
  // a body that is announced and does not come
  const head = rawRequest({ method: 'PATCH', target: permittedTarget, body: patchBody }).slice(0, -10)
  socket.write(head)
  await until('a request in flight', async () => (await inFlight()) === 1)
  assert.equal(await valueOf(stand, 'connections{environment="sandbox"}'), 1)
  socket.destroy()
  await until('no request in flight', async () => (await inFlight()) === 0)
  await until('no connection', async () => (await valueOf(stand, 'connections{environment="sandbox"}')) === 0)
})

test('connections beyond the limit are counted', async (context) => {
  const stand = await makeStand(context, { config: (text) => `${text}limits: { maxConnections: 1 }\n` })
  const first = connectTls({ ...stand.tls(), host: '127.0.0.1', port: stand.port })
  await once(first, 'secureConnect')
  const second = connectTls({ ...stand.tls(), host: '127.0.0.1', port: stand.port })
  second.on('error', () => undefined)
  await new Promise((resolve) => second.once('close', resolve))
  assert.equal(await valueOf(stand, 'connections_dropped_total{environment="sandbox"}'), 1)
  first.destroy()
})

test('a reload says how it went, and a refused one says so until the next good one', async (context) => {
  const stand = await makeStand(context)
  assert.equal(await valueOf(stand, 'last_reload_successful'), 1)
  stand.write('whitelist/partner.yaml', 'partners: [')
  await stand.gateway.reload('signal')
  assert.equal(await valueOf(stand, 'last_reload_successful'), 0)
  assert.ok(((await valueOf(stand, 'last_reload_duration_seconds')) ?? 0) > 0)
  assert.equal(await valueOf(stand, 'reloads_total{result="refused"}'), 1)
})

test('the log level is changed by POST /log-level, and by the file', async (context) => {
  const stand = await makeStand(context)
  const set = (level: string): Promise<Asked> => ask(stand, `/log-level?level=${level}`, { method: 'POST' })
  assert.deepEqual(JSON.parse((await set('error')).text), { level: 'error', before: 'silent' })
  const wrong = await set('loud')
  assert.equal(wrong.status, 400)
  assert.match(wrong.text, /"unknown-level"/)
  assert.deepEqual(JSON.parse((await set('silent')).text), { level: 'silent', before: 'error' })
  await set('error')
  const { readFileSync } = await import('node:fs')
  const text = readFileSync(`${stand.folder}/gateway.yaml`, 'utf8')
  stand.write('gateway.yaml', text.replace('pollSeconds: 3600', 'pollSeconds: 3599'))
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
  assert.deepEqual(JSON.parse((await set('error')).text), { level: 'error', before: 'error' })
})

test('/status says what docs/admin.md says, what ends among it', async (context) => {
  const stand = await makeStand(context)
  await stand.send({ fields: ['Connection: close'] })
  const status = JSON.parse((await ask(stand, '/status')).text) as Record<string, unknown> // it answers an object
  const [environment] = status['environments'] as Record<string, unknown>[] // as the stand has
  const page = readFileSync(join(root, 'docs/admin.md'), 'utf8')
  const documented = [...(page.split('## Fields of /status')[1] ?? '').matchAll(/^\| (`.*?`) \|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)(?:\[\])?`/g)])
    .map(([, name]) => name)
  assert.deepEqual(documented.sort(), [...Object.keys(status), ...Object.keys(environment ?? {})].sort())
  const ends = environment?.['ends'] as { what: string; daysLeft: number }[] // the shape is ours
  assert.ok(ends.some(({ what }) => what === 'server-certificate'))
  assert.ok(ends.some(({ what }) => what === 'authority'))
  const days = ends.map(({ daysLeft }) => daysLeft)
  assert.deepEqual(
    days,
    [...days].sort((one, other) => one - other),
  )
})
