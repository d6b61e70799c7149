import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fc } from '../support/fast-check.js'
import { fetchCrl, type CrlFetchOrder, type CrlFetchOutcome } from '../../src/gateway/crl-fetch.js'
import { CrlRefresh } from '../../src/gateway/crl-refresh.js'
import { nextDaily, retryPause } from '../../src/gateway/crl-schedule.js'
import { loadPolicy } from '../../src/gateway/load.js'
import { openPolicy } from '../../src/gateway/policy.js'
import { readCrls, verifyCrl } from '../../src/x509/crl.js'
import { issueCrl } from '../../src/x509/issue.js'
import { encode, integer } from '../../src/x509/der-writer.js'
import { day, makeTestPki, type TestPki } from '../support/pki.js'
import { until } from '../support/until.js'
import { read } from '../x509/issuing.js'
import { startScripted, type ScriptedServer } from './revocation-responder.js'
import { makeStand, reasonOf, type Stand } from './stand.js'

const minute = 60_000
const hour = 60 * minute
const now = Date.now()

interface Kept {
  readonly pki: TestPki
  readonly publisher: ScriptedServer
  readonly file: string
  readonly text: string
  readonly fetch: (more?: Partial<CrlFetchOrder>) => Promise<CrlFetchOutcome>
}

/** A file with the CRLs of both authorities, in force, and a publisher. */
async function kept(context: TestContext): Promise<Kept> {
  const folder = mkdtempSync(join(tmpdir(), 'ror-crl-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const pki = await makeTestPki({ now })
  const publisher = await startScripted(context)
  const file = join(folder, 'ca.crl')
  const text = pki.crl()
  writeFileSync(file, text)
  const authorities = [pki.intermediate, pki.root].map(({ certificate }) => read(certificate))
  const lists = readCrls(Buffer.from(text))
  assert.ok(lists.ok)
  const inForce = lists.value.flatMap((list) => {
    const verified = verifyCrl(list, authorities)
    return verified.ok ? [verified.value] : []
  })
  const order = { file, timeoutMs: 500, maxBytes: 100_000, now, authorities, inForce, validators: undefined }
  return {
    pki,
    publisher,
    file,
    text,
    fetch: (more) => fetchCrl({ url: publisher.url, ...order, ...more }),
  }
}

const publishing =
  (body: string | Uint8Array, headers: Record<string, string> = {}): ScriptedServer['answer'] =>
  (response) => {
    response.writeHead(200, headers).end(body)
  }

test('a newer CRL replaces the file whole, and what its publisher says of it is remembered', async (context) => {
  const { pki, publisher, file, fetch } = await kept(context)
  const newer = pki.crl([{ serialNumber: '0a' }], { thisUpdate: now - hour })
  publisher.answer = publishing(newer, { ETag: '"1"', 'Last-Modified': 'Mon, 23 Nov 2026 06:00:00 GMT' })
  const outcome = await fetch()
  const validators = { etag: '"1"', lastModified: 'Mon, 23 Nov 2026 06:00:00 GMT' }
  assert.deepEqual(outcome, { result: 'fetched', validators })
  assert.equal(readFileSync(file, 'utf8'), newer)
  assert.deepEqual(readdirSync(join(file, '..')), ['ca.crl'])
})

test('a CRL that has not changed is not written, by the publisher’s word or by its bytes', async (context) => {
  const { publisher, file, text, fetch } = await kept(context)
  const validators = { etag: '"1"', lastModified: undefined }
  publisher.answer = (response) => {
    response.writeHead(response.req.headers['if-none-match'] === '"1"' ? 304 : 500).end()
  }
  assert.deepEqual(await fetch({ validators }), { result: 'unchanged', validators })
  publisher.answer = publishing(text)
  assert.equal((await fetch()).result, 'unchanged')
  assert.equal(readFileSync(file, 'utf8'), text)
  publisher.answer = (response) => response.writeHead(304).end()
  assert.equal((await fetch()).result, 'failed', '304 without a condition is no answer')
})

test('a DER CRL is taken where it is the only one in force', async (context) => {
  const { pki, publisher, file, fetch } = await kept(context)
  const der = issueCrl({
    issuer: pki.intermediate,
    thisUpdate: now,
    nextUpdate: now + day,
    crlNumber: 2,
    revoked: [],
  })
  publisher.answer = publishing(der)
  assert.equal((await fetch({ inForce: [] })).result, 'fetched')
  assert.deepEqual(readFileSync(file), Buffer.from(der))
})

const unfit: Readonly<
  Record<
    string,
    readonly [code: string, (kept: Kept) => Promise<ScriptedServer['answer']> | ScriptedServer['answer']]
  >
> = {
  'older than the one in force': [
    'crl-older',
    ({ pki }) => publishing(pki.crl([], { thisUpdate: now - 2 * day })),
  ],
  'of a lower number than the one in force': [
    'crl-older',
    ({ pki }) => publishing(pki.crl([], { thisUpdate: now, crlNumber: 0 })),
  ],
  stale: [
    'crl-stale',
    ({ pki }) => publishing(pki.crl([], { thisUpdate: now - hour, nextUpdate: now - 1000 })),
  ],
  'still to come': ['crl-still-to-come', ({ pki }) => publishing(pki.crl([], { thisUpdate: now + hour }))],
  'of one authority alone': [
    'crl-lost',
    ({ pki }) => {
      // each call signs anew, and signatures differ in length
      const crl = pki.crl()
      return publishing(crl.slice(0, crl.indexOf('-----END X509 CRL-----\n') + 23))
    },
  ],
  'of an authority of the same name': [
    'crl-signature',
    async () => publishing((await makeTestPki({ now })).crl()),
  ],
  'of an authority that is not configured': [
    'crl-issuer-unknown',
    async () => publishing((await makeTestPki({ now, prefix: '' })).crl()),
  ],
  'a delta CRL': [
    'crl-delta',
    ({ pki }) =>
      publishing(
        issueCrl({
          issuer: pki.intermediate,
          thisUpdate: now,
          nextUpdate: now + day,
          revoked: [],
          extensions: [{ oid: '2.5.29.27', critical: true, value: encode(integer(1)) }],
        }),
      ),
  ],
  'no CRL': ['crl-malformed', () => publishing('<html>')],
  'too large': ['fetch-too-large', () => publishing(Buffer.alloc(100_001))],
  'somewhere else': [
    'fetch-redirected',
    ({ publisher }) =>
      (response) =>
        response.writeHead(301, { Location: publisher.url }).end(),
  ],
  compressed: ['fetch-encoded', ({ text }) => publishing(text, { 'Content-Encoding': 'gzip' })],
  'not there': ['fetch-status', () => (response) => response.writeHead(404).end()],
  'never whole': [
    'fetch-timeout',
    () => (response) => {
      response.writeHead(200).write('-----BEGIN')
    },
  ],
  'cut short': [
    'fetch-broken',
    ({ text }) =>
      (response) => {
        response.writeHead(200, { 'Content-Length': String(text.length) })
        response.write(text.slice(0, 100), () => response.destroy())
      },
  ],
}

test('the last good copy stays', async (context) => {
  const all = await kept(context)
  for (const [what, [code, answer]] of Object.entries(unfit)) {
    await context.test(`where the publisher’s one is ${what}`, async () => {
      all.publisher.answer = await answer(all)
      const outcome = await all.fetch()
      assert.deepEqual([outcome.result, 'code' in outcome && outcome.code], ['failed', code])
      assert.equal(readFileSync(all.file, 'utf8'), all.text)
      assert.deepEqual(readdirSync(join(all.file, '..')), ['ca.crl'])
    })
  }
  await all.publisher.close()
  const outcome = await all.fetch()
  assert.ok(outcome.result === 'failed' && outcome.code === 'fetch-unreachable')
  const elsewhere = await all.fetch({ url: 'ftp://127.0.0.1/x.crl' })
  assert.ok(elsewhere.result === 'failed' && elsewhere.code === 'fetch-url')
})

test('a CRL newer than the one in force, put into the file by hand, is not replaced by one in between', async (context) => {
  const { pki, publisher, file, fetch } = await kept(context)
  const byHand = pki.crl([{ serialNumber: '0a' }], { thisUpdate: now, crlNumber: 3 })
  writeFileSync(file, byHand)
  publisher.answer = publishing(pki.crl([], { thisUpdate: now - hour, crlNumber: 2 }))
  const outcome = await fetch()
  assert.deepEqual([outcome.result, 'code' in outcome && outcome.code], ['failed', 'crl-older'])
  assert.equal(readFileSync(file, 'utf8'), byHand)
})

test('where an older CRL was put over the one in force, the publisher is asked for the whole one', async (context) => {
  const { pki, publisher, file, text, fetch } = await kept(context)
  writeFileSync(file, pki.crl([], { thisUpdate: now - 2 * day, crlNumber: 0 }))
  publisher.answer = (response) => {
    if (response.req.headers['if-none-match'] === undefined) response.writeHead(200).end(text)
    else response.writeHead(304).end()
  }
  const outcome = await fetch({ validators: { etag: '"1"', lastModified: undefined } })
  assert.equal(outcome.result, 'fetched')
  assert.equal(readFileSync(file, 'utf8'), text)
})

test('a CRL that was never fetched is fetched at the start: nobody enters before, and it is kept', async (context) => {
  const publisher = await startScripted(context)
  let publish: () => void = () => undefined
  const isPublished = new Promise<void>((resolve) => (publish = resolve))
  const stand = await makeStand(context, {
    config: (text) =>
      text.replace('[pki/client-ca.crl]', `[{ file: pki/fetched.crl, url: "${publisher.url}" }]`),
  })
  publisher.answer = (response) => {
    void isPublished.then(() => response.writeHead(200).end(stand.pki.crl()))
  }
  const early = await stand.send({})
  assert.deepEqual([early.status, reasonOf(early)], [503, 'revocation-unknown'])
  assert.equal(stand.upstream.requests.length, 0)
  publish()
  await reloaded(stand)
  assert.equal((await stand.send({})).status, 200)
  assert.ok(existsSync(join(stand.folder, 'pki/fetched.crl')))
})

async function reloaded(stand: Stand): Promise<void> {
  await until('a reload', async () => {
    await stand.gateway.flushAudit()
    const audit = readFileSync(join(stand.folder, 'audit.ndjson'), 'utf8')
    return audit.includes('"result":"reloaded"')
  })
}

test('a CRL is fetched once a day, after a failure sooner, and told of in log and metrics', async (context) => {
  const publisher = await startScripted(context)
  const stand = await makeStand(context, {
    config: (text) =>
      text
        .replace('[pki/client-ca.crl]', `[{ file: pki/client-ca.crl, url: "${publisher.url}" }]`)
        .replace('crlPolicy: require', 'crlPolicy: require\n      crlFetch: { after: "07:00" }'),
  })
  const loaded = await loadPolicy(join(stand.folder, 'gateway.yaml'))
  assert.ok(loaded.ok)
  const policy = openPolicy(loaded.value)
  // a quarter of the two hours behind it is 07:30
  const seven = nextDaily(now, 7 * 60)
  let at = seven
  const told: string[] = []
  const counted: string[] = []
  const refresh = new CrlRefresh({
    policy: () => policy,
    now: () => at,
    random: () => 0.25,
    log: {
      info: (message, fields) => told.push(`${message} ${fields?.detail ?? ''}`),
      warn: (message, fields) => told.push(`${message} ${fields?.code ?? ''} ${fields?.detail ?? ''}`),
    },
    metrics: { crlFetch: (environment, result) => counted.push(`${environment} ${result}`) },
  })
  await refresh.tick()
  at = seven + 29 * minute
  await refresh.tick()
  assert.equal(publisher.bodies.length, 0)
  at += minute
  await refresh.tick()
  assert.deepEqual(counted, ['sandbox failed'])
  assert.match(told.join(), /fetch-status .* the next try follows in 1 minutes/)
  publisher.answer = publishing(readFileSync(join(stand.folder, 'pki/client-ca.crl')))
  at += minute - 1
  await refresh.tick()
  assert.equal(publisher.bodies.length, 1)
  at += 1
  await Promise.all([refresh.tick(), refresh.tick()])
  at += 23 * hour
  await refresh.tick()
  assert.deepEqual([publisher.bodies.length, counted[1]], [2, 'sandbox unchanged'])
  at += hour
  await refresh.tick()
  assert.equal(publisher.bodies.length, 3)
})

test('the daily minute is that of the clocks of Paris, across their changes', () => {
  const at = (text: string) => Date.parse(text)
  const seven = 7 * 60
  assert.equal(nextDaily(at('2026-12-01T05:00:00Z'), seven), at('2026-12-01T06:00:00Z'))
  assert.equal(nextDaily(at('2026-12-01T06:00:00Z'), seven), at('2026-12-02T06:00:00Z'))
  assert.equal(nextDaily(at('2026-07-01T12:00:30Z'), seven), at('2026-07-02T05:00:00Z'))
  assert.equal(nextDaily(at('2026-03-28T12:00:00Z'), seven), at('2026-03-29T05:00:00Z'))
  assert.equal(nextDaily(at('2026-10-24T12:00:00Z'), seven), at('2026-10-25T06:00:00Z'))
})

test('the next daily minute is always to come, and never more than a day and an hour away', () => {
  const moments = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2030, 0, 1) })
  fc.assert(
    fc.property(moments, fc.integer({ min: 0, max: 1439 }), (from, each) => {
      const ahead = nextDaily(from, each) - from
      assert.ok(ahead > 0 && ahead <= 25 * hour, String(ahead))
    }),
  )
})

test('tries after failures come after 1, 2, 4 … 60 minutes', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 2000].map((failures) => retryPause(failures) / minute)
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60])
})
