import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { afterEach, beforeEach, test } from 'node:test'
import { isObject, objectsOf, textAt, type Json, type JsonObject } from '../../src/dev/exchange.js'
import { startStandInRor, type StandInRor } from '../../src/dev/stand-in-ror.js'
import { readShared } from '../support/shared.js'

const capacityPath = '/ws-synchro-dispo-lits-fhir/Location?identifier='
const tokenPath = '/auth/realms/ror/protocol/openid-connect/token'
const now = Date.UTC(2026, 10, 23, 9)
let ror: StandInRor

beforeEach(async () => {
  ror = await startStandInRor({ host: '127.0.0.1', port: 0, now: () => now })
})
afterEach(() => ror.close())

interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: JsonObject
}

async function ask(path: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(path.startsWith('http') ? path : `${ror.origin}${path}`, init)
  const text = await response.text()
  let json: Json = {}
  if (text.startsWith('{') && !text.includes('}\n{')) json = JSON.parse(text) as Json // what JSON.parse returns is JSON
  return { status: response.status, headers: response.headers, text, json: isObject(json) ? json : {} }
}

function patch(identifier: string, sample: string): Promise<Reply> {
  return ask(`${capacityPath}${identifier}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/fhir+json' },
    body: readShared('samples', 'ror', sample),
  })
}

function sampleOf(name: string): unknown {
  return JSON.parse(readShared('samples', 'ror', name))
}

function token(form: string, headers: Record<string, string> = {}): Promise<Reply> {
  return ask(tokenPath, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: form,
  })
}

test('a capacity that is patched is readable afterwards', async () => {
  const patched = await patch('1350054680/SSR38888', 'patch-location-capacity-replace.json')
  assert.equal(patched.status, 200)
  assert.equal(patched.headers.get('etag'), 'W/"2"')
  const read = await ask('/ws-diffusion-fhir/Location?identifier=1350054680/SSR38888')
  const [entry] = objectsOf(read.json['entry'])
  assert.deepEqual(entry?.['resource'], patched.json)
  assert.ok(read.text.includes('"valueInteger":12'))
  assert.ok(!read.text.includes('"valueInteger":8'))
  assert.ok(read.text.includes('"valueInteger":30'), 'the installed beds stay as they were')
  assert.deepEqual([ror.requests.capacity, ror.requests.read, ror.requests.total], [1, 1, 2])
})

test('an unknown unit answers as the sample of the ROR does', async () => {
  const known = sampleOf('operationoutcome-404-location.json')
  const answer = await patch('1350054680/NULLEPART', 'patch-location-capacity-replace.json')
  assert.equal(answer.status, 404)
  const expected = JSON.stringify(known).replace('1350054680/SSR38888', '1350054680/NULLEPART')
  assert.deepEqual(answer.json, JSON.parse(expected))
})

test('an unknown indicator answers as the sample does, and is known after `add`', async () => {
  const unit = '1350054680/SSR38889'
  const answer = await patch(unit, 'patch-location-capacity-replace.json')
  assert.equal(answer.status, 404)
  assert.deepEqual(answer.json, sampleOf('operationoutcome-404-indicateur.json'))
  assert.equal((await patch(unit, 'patch-location-capacity-add.json')).status, 200)
  assert.equal((await patch(unit, 'patch-location-capacity-replace.json')).status, 200)
  const removed = await patch(unit, 'patch-location-capacity-delete.json')
  assert.equal(removed.status, 200)
  assert.deepEqual(removed.json['extension'], [])
})

test('two units of one code answer 412 as the sample does', async () => {
  const answer = await patch('1350054680%2FDOUBLON1', 'patch-location-capacity-add.json')
  assert.equal(answer.status, 412)
  const expected = readShared('samples', 'ror', 'operationoutcome-412-multiple.json').replace('[n]', '2')
  assert.deepEqual(answer.json, JSON.parse(expected))
})

test('a capacity that the unit does not count answers 400 as the sample does', async () => {
  const answer = await patch('1350054680/HDJ00001', 'patch-location-capacity-replace.json')
  assert.equal(answer.status, 400)
  assert.deepEqual(answer.json, sampleOf('operationoutcome-400-business-rule.json'))
})

test('a functional id is executed, as the real ROR does', async () => {
  const answer = await patch('52/192675', 'patch-location-capacity-replace.json')
  assert.equal(answer.status, 200)
  assert.ok(answer.text.includes('1440000271/MED00042'))
})

test('a patch that is none changes nothing', async () => {
  const before = await ask('/ws-diffusion-fhir/Location/140')
  for (const body of [
    '',
    '[]',
    '{"resourceType":"Location"}',
    '{"resourceType":"Parameters","parameter":[]}',
  ]) {
    const answer = await ask(`${capacityPath}1350054680/SSR38888`, { method: 'PATCH', body })
    assert.equal(answer.status, 400, body)
    assert.equal(answer.json['resourceType'], 'OperationOutcome')
  }
  assert.deepEqual((await ask('/ws-diffusion-fhir/Location/140')).json, before.json)
})

test('a search comes in pages whose links name the host that was asked', async () => {
  const headers = {
    'x-forwarded-host': 'bas-api-fhir.qualif.ror.esante.gouv.fr',
    'x-forwarded-proto': 'https',
  }
  let page = await ask('/ws-diffusion-fhir/Organization?_count=5', { headers })
  const ids: (string | undefined)[] = []
  const publicBase = 'https://bas-api-fhir.qualif.ror.esante.gouv.fr/ws-diffusion-fhir'
  for (let pages = 1; ; pages += 1) {
    assert.equal(page.json['total'], 13)
    for (const entry of objectsOf(page.json['entry'])) {
      assert.ok(textAt(entry, 'fullUrl')?.startsWith(`${publicBase}/Organization/`))
      ids.push(textAt(entry, 'fullUrl'))
    }
    const next = objectsOf(page.json['link']).find(({ relation }) => relation === 'next')
    if (next === undefined) {
      assert.equal(pages, 3)
      break
    }
    const url = textAt(next, 'url') ?? ''
    assert.ok(url.startsWith(`${publicBase}?_getpages=`), url)
    page = await ask(url.replace('https://bas-api-fhir.qualif.ror.esante.gouv.fr', ''), { headers })
  }
  assert.equal(new Set(ids).size, 13)
})

test('searches select by identifier, id, name, tag and establishment, and include what they lead to', async () => {
  const total = async (query: string): Promise<Json | undefined> =>
    (await ask(`/ws-diffusion-fhir/${query}`)).json['total']
  assert.equal(await total('Organization?identifier=1290004324'), 1)
  assert.equal(await total('Organization?identifier=750000001'), 1)
  assert.equal(await total('Organization?identifier=urn:oid:1.2.250.1.71.4.2.2|1290004324'), 1)
  assert.equal(await total('Organization?identifier=urn:other|1290004324'), 0)
  assert.equal(await total('Location?identifier=11/339772,11/347254'), 2)
  assert.equal(await total('Location?_id=140,141'), 2)
  assert.equal(await total('Organization?name:contains=iroise'), 2)
  assert.equal(await total('Location?_tag=52'), 1)
  assert.equal(await total('HealthcareService?organization.identifier%3Aabove=1290000082'), 2)
  const included = await ask(
    '/ws-diffusion-fhir/HealthcareService?_id=9140&_include=HealthcareService%3Alocation' +
      '&_include=HealthcareService%3Aorganization&_include%3Aiterate=Organization%3Apartof&_revinclude=PractitionerRole%3Aservice',
  )
  const types = objectsOf(included.json['entry']).map((entry) => textAt(entry, 'fullUrl')?.split('/').at(-2))
  assert.deepEqual(types, [
    'HealthcareService',
    'Location',
    'Organization',
    'Organization',
    'PractitionerRole',
  ])
})

test('a read of what is not there answers an OperationOutcome, in XML where XML is asked for', async () => {
  const missing = await ask('/ws-diffusion-fhir/Organization/4711')
  assert.equal(missing.status, 404)
  assert.equal(missing.json['resourceType'], 'OperationOutcome')
  const unknown = await ask('/ws-diffusion-fhir/PractitiXXXner', {
    headers: { accept: 'application/fhir+xml' },
  })
  assert.equal(unknown.status, 404)
  assert.equal(unknown.headers.get('content-type'), 'application/fhir+xml;charset=UTF-8')
  assert.match(
    unknown.text,
    /<OperationOutcome xmlns="http:\/\/hl7.org\/fhir"><issue><severity value="error"\/>/,
  )
  const bundle = await ask('/ws-diffusion-fhir/Location?_id=140&_format=xml')
  assert.match(bundle.text, /<entry><fullUrl value="[^"]+"\/><resource><Location><id value="140"\/>/)
  assert.match(bundle.text, /<extension url="nbCapacity"><valueInteger value="8"\/><\/extension>/)
})

test('an export is accepted, polled, and its files are read', async () => {
  const sync = await ask('/ws-diffusion-fhir/$export')
  assert.equal(sync.status, 400)
  const started = await ask(
    '/ws-diffusion-fhir/$export?_outputFormat=application/json&_type=Organization,Location',
    {
      headers: { prefer: 'respond-async' },
    },
  )
  assert.equal(started.status, 202)
  const poll = started.headers.get('content-location') ?? ''
  assert.ok(poll.startsWith(`${ror.origin}/ws-diffusion-fhir/$export-poll-status?_jobId=`))
  assert.equal((await ask(poll)).status, 202)
  const done = await ask(poll)
  assert.equal(done.status, 200)
  const output = objectsOf(done.json['output'])
  assert.deepEqual(
    output.map(({ type }) => type),
    ['Location', 'Organization'],
  )
  const file = await ask(textAt(output[1], 'url') ?? '')
  assert.equal(file.headers.get('content-type'), 'application/fhir+ndjson')
  assert.equal(file.text.trimEnd().split('\n').length, 13)
  assert.equal((await ask('/ws-diffusion-fhir/$export-poll-status?_jobId=none')).status, 404)
})

test('an anomaly is taken and found as a Task', async () => {
  const body = readShared('samples', 'ror', 'post-task-anomalie.json')
  const answer = await ask('/anomalies/Task', { method: 'POST', body })
  assert.equal(answer.status, 201)
  const id = textAt(answer.json, 'id') ?? ''
  assert.equal(answer.headers.get('location'), `${ror.origin}/anomalies/Task/${id}/_history/1`)
  assert.equal((await ask(`/ws-diffusion-fhir/Task/${id}`)).status, 200)
})

test('a write of "the server only" is executed and counted: a gateway must have refused it', async () => {
  const body = readShared('samples', 'ror', 'post-organization-eg.json')
  const answer = await ask('/ws-diffusion-fhir/Organization', { method: 'POST', body })
  assert.equal(answer.status, 201)
  assert.equal(ror.requests.serverWrite, 1)
})

test('a token is bound to the certificate that the gateway passes on', async () => {
  const der = randomBytes(32)
  const bound = await token('client_id=eai&grant_type=client_credentials', {
    'client-cert': `:${der.toString('base64')}:`,
  })
  assert.equal(bound.status, 200)
  assert.equal(bound.headers.get('cache-control'), 'no-store')
  assert.equal(bound.json['token_type'], 'Bearer')
  const claims = claimsOf(bound)
  const thumbprint = createHash('sha256').update(der).digest('base64url')
  assert.deepEqual(claims['cnf'], { 'x5t#S256': thumbprint })
  assert.equal(claims['iat'], now / 1000)
  assert.equal(claims['azp'], 'eai')
  const free = await token('client_id=eai&grant_type=client_credentials')
  assert.equal(claimsOf(free)['cnf'], undefined)
})

test('a token request that is none is refused as RFC 6749 says', async () => {
  const cases: readonly (readonly [form: string, status: number, error: string])[] = [
    ['client_id=eai', 400, 'invalid_request'],
    ['client_id=eai&grant_type=password', 400, 'unsupported_grant_type'],
    ['grant_type=client_credentials', 401, 'invalid_client'],
    ['client_id=a&client_id=b&grant_type=client_credentials', 400, 'invalid_request'],
  ]
  for (const [form, status, error] of cases) {
    const answer = await token(form)
    assert.deepEqual([answer.status, answer.json['error']], [status, error], form)
  }
  const json = await ask(tokenPath, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  })
  assert.deepEqual([json.status, json.json['error']], [400, 'invalid_request'])
})

test('CSD answers SOAP 1.1, SOAP 1.2, a bare request and the extraction', async () => {
  const bare = readShared('samples', 'csd', 'openinfoman-get-all-facilities.xml')
  const request = bare.replace(/<\?xml[^>]*\?>/, '')
  for (const [namespace, type] of [
    ['http://schemas.xmlsoap.org/soap/envelope/', 'text/xml'],
    ['http://www.w3.org/2003/05/soap-envelope', 'application/soap+xml'],
  ] as const) {
    const envelope = (body: string): string =>
      `<s:Envelope xmlns:s="${namespace}"><s:Body>${body}</s:Body></s:Envelope>`
    const headers = { 'content-type': type }
    const answer = await ask('/csd', { method: 'POST', headers, body: envelope(request) })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), `${type};charset=UTF-8`)
    assert.match(answer.text, /<careServicesResponse .*<CSD xmlns="urn:ihe:iti:csd:2013">/)
    assert.ok(answer.text.includes('<otherID code="1350054680" assigningAuthorityName="urn:oid'))
    const fault = await ask('/csd', { method: 'POST', headers, body: envelope('<unknown/>') })
    assert.ok(fault.status >= 400)
    assert.match(fault.text, /<s:Fault>/)
  }
  assert.match((await ask('/csd', { method: 'POST', body: bare })).text, /^<\?xml[^>]*>\n<CSD/)
  assert.match((await ask('/csd/extraction')).text, /<facilityDirectory><facility entityID="/)
  assert.equal(ror.requests.csd, 6)
})

test('a path written in a roundabout way is executed, as lenient servers do', async () => {
  const answer = await ask('/ws-synchro-dispo-lits-fhir/%4cocation;x=1/?identifier=1350054680/SSR38888', {
    method: 'PATCH',
    body: readShared('samples', 'ror', 'patch-location-capacity-replace.json'),
  })
  assert.equal(answer.status, 200)
})

test('a taken port is one clear line', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await assert.rejects(startStandInRor({ host: '127.0.0.1', port }), {
    name: 'Failure',
    message: `the stand-in ROR cannot listen on 127.0.0.1:${port}: the port is taken`,
  })
  await new Promise((resolve) => taken.close(resolve))
})

function claimsOf(reply: Reply): JsonObject {
  const [, claims = ''] = (textAt(reply.json, 'access_token') ?? '').split('.')
  const value = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Json // what JSON.parse returns is JSON
  assert.ok(isObject(value))
  return value
}
