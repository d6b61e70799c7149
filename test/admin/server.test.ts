import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { test, type TestContext } from 'node:test'
import { startAdmin, type AdminOptions, type AdminServer } from '../../src/admin/server.js'
import { escapeHtml, statusPage } from '../../src/admin/status-page.js'
import type { Status } from '../../src/admin/status.js'
import { Failure } from '../../src/core/failure.js'
import { until } from '../support/until.js'

const status: Status = {
  version: '0.1.0',
  startedAt: '2026-12-01T08:00:00.000Z',
  uptimeSeconds: 93_784,
  revision: '9f2c',
  lastReload: { result: 'refused', at: '2026-12-01T09:00:00.000Z', diagnostics: 2 },
  environments: [
    {
      name: 'sandbox',
      listen: '127.0.0.1:8443',
      apis: ['token', 'fhir-read'],
      partners: 4,
      certificates: 6,
      establishments: 9,
      crls: [{ issuer: 'CN=TEST AC,C=FR', nextUpdate: '2026-12-03T00:00:00.000Z', entries: 12 }],
      ends: [
        { what: 'server-certificate', name: 'ec', notAfter: '2026-12-20T00:00:00.000Z', daysLeft: 18 },
        { what: 'authority', name: 'TEST AC', notAfter: '2033-01-01T00:00:00.000Z', daysLeft: 2222 },
      ],
      upstreams: [
        {
          api: 'fhir-read',
          server: 'http://127.0.0.1:9081',
          state: 'down',
          requestsInFlight: 2,
          failuresInARow: 3,
          lastFailure: { at: '2026-12-01T09:00:00.000Z', code: 'upstream-refused' },
          lastCheck: { at: '2026-12-01T09:00:10.000Z', passed: false, detail: 'status 503, expected 200' },
        },
      ],
      partnersSeen: [
        {
          id: 'eai-bretagne',
          mode: 'enforce',
          lastSeen: '2026-12-01T09:00:00.000Z',
          notAfter: '2027-12-01T00:00:00.000Z',
          daysLeft: 365,
        },
      ],
      renewals: [
        {
          kind: 'new-key',
          partner: 'eai-bretagne',
          outcome: 'listed',
          at: '2026-12-01T09:00:00.000Z',
          place: 'whitelist/eai-bretagne.yaml:6:9',
          line: '- publicKey: "sha256:5v0="',
          subject: 'CN=EMA',
          notAfter: '2029-12-01T00:00:00.000Z',
          certificateSha256: '9f',
        },
      ],
    },
  ],
  audit: { healthy: true, lost: 0 },
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

interface Started {
  readonly admin: AdminServer
  readonly errors: unknown[]
  readonly ask: (path: string, more?: { method?: string; headers?: OutgoingHttpHeaders }) => Promise<Answer>
}

async function started(context: TestContext, more: Partial<AdminOptions> = {}): Promise<Started> {
  const errors: unknown[] = []
  const admin = await startAdmin({
    listen: { host: '127.0.0.1', port: 0 },
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
    status: () => status,
    ready: () => ({ ready: true }),
    onError: (error) => errors.push(error),
    ...more,
  })
  context.after(() => admin.close())
  const ask: Started['ask'] = async (path, { method = 'GET', headers = {} } = {}) => {
    const request = httpRequest({ ...admin.address, path, method, headers, agent: false })
    request.end()
    const [response] = (await once(request, 'response')) as [
      NodeJS.ReadableStream & Answer & { statusCode: number },
    ] // what 'response' emits
    let text = ''
    for await (const chunk of response) text += chunk.toString()
    return { status: response.statusCode, headers: response.headers, text }
  }
  return { admin, errors, ask }
}

/** Bytes as written, and all that comes back until the connection ends. */
async function raw(admin: AdminServer, text: string): Promise<string> {
  const socket = connect(admin.address.port, admin.address.host)
  socket.on('error', () => undefined)
  let answer = ''
  socket.on('data', (bytes: Buffer) => (answer += bytes.toString()))
  socket.write(text)
  await once(socket, 'close')
  return answer
}

test('the metrics are shown with the type their maker gives', async (context) => {
  const { ask } = await started(context)
  const { status: code, headers, text } = await ask('/metrics')
  assert.deepEqual([code, headers['content-type'], text], [200, 'text/plain; version=0.0.4', 'up 1\n'])
  assert.equal(headers['cache-control'], 'no-store')
})

test('scrapes that come while one is being made share it', async (context) => {
  let made = 0
  const waiting: (() => void)[] = []
  const { ask } = await started(context, {
    metrics: async () => {
      made += 1
      await new Promise<void>((resolve) => waiting.push(resolve))
      return { contentType: 'text/plain', text: `${made}` }
    },
    ready: () => {
      // both scrapes were asked for before this: let the one go on
      for (const resume of waiting) resume()
      return { ready: true }
    },
  })
  const scrapes = [ask('/metrics'), ask('/metrics')]
  const scraped = (count: number): Promise<boolean> =>
    until(`scrape ${count}`, async () => {
      await ask('/livez')
      return waiting.length === count
    })
  await scraped(1)
  await ask('/livez')
  await ask('/readyz')
  assert.deepEqual(
    (await Promise.all(scrapes)).map(({ text }) => text),
    ['1', '1'],
  )
  const later = ask('/metrics')
  await scraped(2)
  await ask('/readyz')
  assert.equal((await later).text, '2')
})

test('alive while it answers, ready when the gateway says so, with the reason when it is not', async (context) => {
  let ready = true
  const { ask } = await started(context, {
    ready: () => (ready ? { ready } : { ready, reason: 'draining' }),
  })
  assert.equal((await ask('/livez')).status, 200)
  assert.equal((await ask('/readyz')).status, 200)
  ready = false
  const answer = await ask('/readyz')
  assert.equal(answer.status, 503)
  assert.deepEqual(JSON.parse(answer.text), { ready: false, reason: 'draining' })
  assert.equal((await ask('/livez')).status, 200)
})

test('the status is JSON for tools and a page for browsers', async (context) => {
  const { ask } = await started(context)
  for (const accept of [undefined, '*/*', 'application/json', 'application/json, text/html']) {
    const { headers, text } = await ask('/status', { headers: accept === undefined ? {} : { accept } })
    assert.equal(headers['content-type'], 'application/json; charset=utf-8')
    assert.deepEqual(JSON.parse(text), status)
  }
  const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
  const { headers, text } = await ask('/status', { headers: { accept } })
  assert.equal(headers['content-type'], 'text/html; charset=utf-8')
  assert.equal(headers.vary, 'Accept')
  assert.match(
    String(headers['content-security-policy']),
    /^default-src 'none'; style-src 'sha256-[\w+/]{43}='/,
  )
  for (const word of [
    'eai-bretagne',
    'CN=TEST AC,C=FR',
    '9f2c',
    '1 d 2 h',
    'server-certificate',
    'class="bad">refused',
  ]) {
    assert.ok(text.includes(word), word)
  }
})

test('the page shows any value as text, and loads nothing', () => {
  const evil = `</td><script src="//evil">'&`
  const page = statusPage({
    ...status,
    revision: evil,
    environments: status.environments.map((environment) => ({
      ...environment,
      name: evil,
      crls: [{ issuer: evil, nextUpdate: evil, entries: 1 }],
      ends: environment.ends.map((end) => ({ ...end, name: evil })),
      partnersSeen: environment.partnersSeen.map((partner) => ({ ...partner, id: evil })),
      renewals: environment.renewals.map((renewal) => ({ ...renewal, line: evil })),
    })),
  })
  assert.ok(!page.includes('<script'))
  assert.equal(page.split(escapeHtml(evil)).length, 9)
  assert.doesNotMatch(page, /\b(?:src|href|on\w+)=(?!&quot;)/)
})

test('a long list is cut on the page, and says so', () => {
  const seen = status.environments[0]?.partnersSeen[0]
  assert.ok(seen)
  const partnersSeen = Array.from({ length: 1_200 }, (_, index) => ({ ...seen, id: `p${index}` }))
  const page = statusPage({
    ...status,
    environments: status.environments.map((environment) => ({ ...environment, partnersSeen })),
  })
  assert.ok(page.includes('p499<') && !page.includes('p500<') && page.includes('and 700 more'))
})

test('HEAD answers the fields without the body', async (context) => {
  const { ask } = await started(context)
  const get = await ask('/status')
  const head = await ask('/status', { method: 'HEAD' })
  assert.deepEqual([head.status, head.text], [200, ''])
  assert.equal(head.headers['content-length'], get.headers['content-length'])
})

test('other methods are 405, other paths 404, both JSON', async (context) => {
  const { ask } = await started(context)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
    const { status: code, headers } = await ask('/status', { method })
    assert.deepEqual([method, code, headers.allow], [method, 405, 'GET, HEAD'])
  }
  for (const path of [
    '/',
    '/metrics/',
    '//metrics',
    '/Metrics',
    '/%6detrics',
    '/../status',
    '/constructor',
  ]) {
    const { status: code, text } = await ask(path)
    assert.equal(code, 404, path)
    assert.ok('error' in JSON.parse(text))
  }
  assert.equal((await ask('/livez?verbose')).status, 200)
})

test('on loopback a name of elsewhere is not answered (DNS rebinding)', async (context) => {
  const { admin, ask } = await started(context)
  for (const host of ['evil.example', 'evil.example:9464', '127.0.0.1.evil.example', '10.0.0.1']) {
    assert.equal((await ask('/status', { headers: { host } })).status, 421, host)
  }
  for (const host of ['localhost', 'LOCALHOST:9464', '127.0.0.1:9464', '[::1]:9464']) {
    assert.equal((await ask('/status', { headers: { host } })).status, 200, host)
  }
  assert.match(await raw(admin, 'GET /livez HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /)
})

test('a page that cannot be made is a 500 without its reason, which is reported', async (context) => {
  const { ask, errors } = await started(context, {
    metrics: () => Promise.reject(new Error('SECRET')),
    status: () => {
      throw new Error('SECRET')
    },
    ready: () => Promise.reject(new Error('SECRET')),
  })
  for (const path of ['/metrics', '/status', '/readyz', '/metrics']) {
    const { status: code, text } = await ask(path)
    assert.equal(code, 500)
    assert.deepEqual(JSON.parse(text), { error: 'internal' })
  }
  assert.equal(errors.length, 4)
  assert.equal((await ask('/livez')).status, 200)
})

test('a reporter that throws does not kill the process', async (context) => {
  const { ask } = await started(context, {
    metrics: () => Promise.reject(new Error('broken')),
    onError: () => {
      throw new Error('reporter')
    },
  })
  await assert.rejects(ask('/metrics'), { code: 'ECONNRESET' })
  assert.equal((await ask('/livez')).status, 200)
})

test('no bytes crash it', async (context) => {
  const { admin, ask } = await started(context)
  const host = 'Host: localhost\r\n'
  for (const text of [
    '\r\n\r\n\0\0\0',
    'GET\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    `GET /metrics HTTP/9.9\r\n${host}\r\n`,
    `CONNECT evil:443 HTTP/1.1\r\n${host}\r\n`,
    `GET http://[::1 HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    `OPTIONS * HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    `GET /livez HTTP/1.1\r\n${host}Connection: upgrade, close\r\nUpgrade: websocket\r\n\r\n`,
    `GET /livez HTTP/1.1\r\n${host}Expect: nonsense\r\nConnection: close\r\n\r\n`,
    `GET /livez HTTP/1.1\r\n${host}Trailer: x\r\nConnection: close\r\n\r\n`,
    `GET /livez HTTP/1.1\r\n${host}X: ${'x'.repeat(10_000)}\r\n\r\n`,
    `POST /livez HTTP/1.1\r\n${host}Content-Length: 1000000\r\n\r\nabc`,
    `GET /livez HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
  ]) {
    const answer = await raw(admin, text)
    assert.doesNotMatch(answer, /^HTTP\/1\.1 500/, text)
  }
  assert.equal((await ask('/livez')).status, 200)
})

test('a client that leaves in the middle does no harm', async (context) => {
  let resume: (() => void) | undefined
  const asked = new Promise<void>((resolve) => {
    resume = resolve
  })
  let answer: (() => void) | undefined
  const { admin, ask, errors } = await started(context, {
    metrics: async () => {
      resume?.()
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return { contentType: 'text/plain', text: 'x'.repeat(1_000_000) }
    },
  })
  const socket = connect(admin.address.port, admin.address.host)
  socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await asked
  socket.resetAndDestroy()
  await once(socket, 'close')
  answer?.()
  assert.equal((await ask('/livez')).status, 200)
  assert.deepEqual(errors, [])
})

test('a taken port is one failure that names the address', async (context) => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  context.after(() => other.close())
  const { port } = other.address() as AddressInfo // it listens on TCP
  await assert.rejects(started(context, { listen: { host: '127.0.0.1', port } }), (error) => {
    assert.ok(error instanceof Failure)
    assert.equal(
      error.message,
      `admin listener: \`127.0.0.1:${port}\` is taken by another program; change admin.listen or stop the other`,
    )
    return true
  })
  await assert.rejects(started(context, { listen: { host: '192.0.2.1', port: 0 } }), {
    message: 'admin listener: `192.0.2.1:0` is no address of this machine',
  })
})

test('close ends idle connections at once, and the port is free again', async (context) => {
  const { admin } = await started(context)
  const socket = connect(admin.address.port, admin.address.host)
  socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'data')
  const closed = once(socket, 'close')
  await Promise.all([admin.close(), closed])
  const again = await started(context, { listen: admin.address })
  assert.equal((await again.ask('/livez')).status, 200)
})

test('an action is a POST from a loopback name, never one of a page in a browser', async (context) => {
  const done: string[] = []
  const { admin, ask } = await started(context, {
    actions: {
      '/log-level': (parameters) => {
        done.push(parameters.get('level') ?? '')
        return Promise.resolve({ status: 200, value: { done: true } })
      },
    },
  })
  const answer = await ask('/log-level?level=debug&x=?', { method: 'POST' })
  assert.deepEqual([answer.status, JSON.parse(answer.text)], [200, { done: true }])
  const get = await ask('/log-level?level=debug')
  assert.deepEqual([get.status, get.headers.allow], [405, 'POST'])
  for (const headers of [
    { origin: 'http://127.0.0.1:1' },
    { origin: 'null' },
    { 'sec-fetch-site': 'same-origin' },
  ]) {
    assert.equal((await ask('/log-level', { method: 'POST', headers })).status, 403)
  }
  const rebound = await ask('/log-level', { method: 'POST', headers: { host: 'evil.example' } })
  assert.equal(rebound.status, 421)
  assert.deepEqual(done, ['debug'])
  assert.match(
    await raw(admin, 'POST /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1.1 405/,
  )
})

test('on an address that others can reach an action is for nobody', async (context) => {
  const { admin } = await started(context, {
    listen: { host: '0.0.0.0', port: 0 },
    actions: { '/log-level': () => Promise.reject(new Error('reached')) },
  })
  const answer = await raw(admin, 'POST /log-level HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  assert.match(answer, /^HTTP\/1.1 403/)
})
