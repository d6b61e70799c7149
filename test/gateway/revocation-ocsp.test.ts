import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test, type TestContext } from 'node:test'
import { DerReader, tags } from '../../src/x509/der-reader.js'
import { generateKeys } from '../../src/x509/keys.js'
import { nonceExtension } from '../../src/x509/ocsp-request.js'
import { encode, objectIdentifier } from '../../src/x509/der-writer.js'
import type { TestCertificate } from '../support/pki.js'
import { read } from '../x509/issuing.js'
import { answerOf, ocspRefusal, ocspResponse, type SingleWish } from '../x509/ocsp-responding.js'
import {
  freePort,
  startOpensslResponder,
  startScripted,
  type ScriptedServer,
} from './revocation-responder.js'
import { openRaw } from '../support/raw-client.js'
import { makeStand, rawRequest, reasonOf, type Stand, type StandWish } from './stand.js'

const minute = 60_000
const hour = 60 * minute

/** gateway.yaml with these settings of OCSP. */
const withOcsp =
  (settings: string) =>
  (text: string): string =>
    text.replace('crlPolicy: require\n', `crlPolicy: require\n      ocsp: { ${settings} }\n`)

interface OcspStand {
  readonly stand: Stand
  readonly responder: ScriptedServer
  /** Answers honestly about any certificate. */
  readonly honest: (status?: SingleWish['status']) => void
}

async function scriptedStand(
  context: TestContext,
  settings: string,
  wish: StandWish = {},
): Promise<OcspStand> {
  const responder = await startScripted(context)
  const stand = await makeStand(context, {
    config: withOcsp(`${settings}, url: "${responder.url}"`),
    ...wish,
  })
  const now = wish.now ?? Date.now
  return {
    stand,
    responder,
    honest: (status = 'good') => {
      responder.answer = (response, body) => {
        const nonce = nonceOf(body)
        const singles = [
          single(stand, stand.partner, { status, thisUpdate: now() - minute, nextUpdate: now() + hour }),
        ]
        deliver(response, answerOf(stand.pki.intermediate, { singles, ...(nonce && { nonce }) }))
      }
    },
  }
}

function single(stand: Stand, client: TestCertificate, more: Partial<SingleWish> = {}): SingleWish {
  const issuer = read(stand.pki.intermediate.certificate)
  const now = Date.now()
  return { certificate: read(client.der), issuer, thisUpdate: now - minute, nextUpdate: now + hour, ...more }
}

type Respond = Parameters<ScriptedServer['answer']>[0]

function deliver(response: Respond, bytes: Uint8Array): void {
  response.writeHead(200, { 'Content-Type': 'application/ocsp-response' }).end(bytes)
}

// what stands behind the OID of the nonce: an OCTET STRING in an OCTET STRING
function nonceOf(body: Buffer): Buffer | undefined {
  const oid = encode(objectIdentifier(nonceExtension))
  const place = body.indexOf(oid)
  if (place === -1) return undefined
  const outer = new DerReader(body, place + oid.length)
  const inner = outer.take(tags.octetString, 'the nonce')
  const reader = new DerReader(body, inner.contents, inner.end)
  return Buffer.from(reader.contentsOf(reader.take(tags.octetString, 'the nonce')))
}

/** The value of a series at `/metrics`. */
async function metric(stand: Stand, series: string): Promise<number> {
  const { admin } = stand.gateway
  assert.ok(admin)
  const text = await new Promise<string>((resolve, reject) => {
    const ask = request({ ...admin, path: '/metrics' }, (response) => {
      let all = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (all += chunk))
      response.on('end', () => {
        resolve(all)
      })
    })
    ask.on('error', reject)
    ask.end()
  })
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return line === undefined ? 0 : Number(line.slice(series.length + 1))
}

const passed = 'ror_gateway_ocsp_passed_total{environment="sandbox"}'
const asked = (result: string) => `ror_gateway_ocsp_requests_total{environment="sandbox",result="${result}"}`

test('openssl as responder: good enters, revoked does not, unknown only where the failure is soft', async (context) => {
  const port = await freePort()
  const config = (mode: string): string => `mode: ${mode}, url: "http://127.0.0.1:${port}"`
  const stand = await makeStand(context, { config: withOcsp(config('hard')) })
  const revoked = await stand.pki.client()
  const unknown = await stand.pki.client()
  await startOpensslResponder(context, {
    folder: stand.folder,
    port,
    pki: stand.pki,
    good: [stand.partner.serialNumber],
    revoked: [revoked.serialNumber],
  })
  assert.equal((await stand.send({})).status, 200)
  assert.equal(stand.upstream.requests.length, 1)
  const refused = await stand.send({ client: revoked })
  assert.deepEqual([refused.status, reasonOf(refused)], [401, 'certificate-revoked'])
  const event = await stand.auditOf(refused)
  assert.match(String(event['detail']), /is revoked since 2026-01-01T00:00:00.000Z, says the OCSP responder/)
  const doubtful = await stand.send({ client: unknown })
  assert.deepEqual([doubtful.status, reasonOf(doubtful)], [503, 'revocation-unknown'])
  assert.equal(stand.upstream.requests.length, 1)
  assert.equal(await metric(stand, asked('unknown')), 1)
})

test('a certificate named by SHA-256, without a nonce, is one that openssl answers about', async (context) => {
  const port = await freePort()
  const settings = `mode: hard, nonce: false, hash: sha256, url: "http://127.0.0.1:${port}"`
  const stand = await makeStand(context, { config: withOcsp(settings) })
  const { folder, pki, partner } = stand
  await startOpensslResponder(context, { folder, port, pki, good: [partner.serialNumber], revoked: [] })
  assert.equal((await stand.send({})).status, 200)
})

interface About {
  readonly stand: Stand
  readonly client: TestCertificate
  readonly url: string
}

type Misbehaviour = (about: About) => ScriptedServer['answer'] | Promise<ScriptedServer['answer']>

const misbehaviours: Readonly<Record<string, Misbehaviour>> = {
  'is slow': () => () => undefined,
  drips: () => (response) => {
    response.writeHead(200, { 'Content-Type': 'application/ocsp-response' }).write('0')
  },
  'answers garbage': () => (response) => {
    deliver(response, Buffer.from('garbage'))
  },
  'answers without end': () => (response) => {
    response.writeHead(200, { 'Content-Type': 'application/ocsp-response' })
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  },
  'breaks off': () => (response) => {
    response.writeHead(200, { 'Content-Type': 'application/ocsp-response', 'Content-Length': '900' })
    response.write('0', () => response.destroy())
  },
  fails: () => (response) => {
    response.writeHead(500).end()
  },
  'leads elsewhere':
    ({ url }) =>
    (response) => {
      response.writeHead(302, { Location: url }).end()
    },
  'answers as HTML':
    ({ stand, client }) =>
    (response) => {
      const answer = answerOf(stand.pki.intermediate, { singles: [single(stand, client)] })
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(answer)
    },
  'asks to try later': () => (response) => {
    deliver(response, ocspRefusal(3))
  },
  'answers for last week':
    ({ stand, client }) =>
    (response) => {
      const window = { thisUpdate: Date.now() - 3 * hour, nextUpdate: Date.now() - hour }
      deliver(response, answerOf(stand.pki.intermediate, { singles: [single(stand, client, window)] }))
    },
  'answers with a forged signature': async ({ stand, client }) => {
    const keys = await generateKeys('ec-p256')
    return (response) => {
      const singles = [single(stand, client)]
      deliver(response, ocspResponse({ singles, keys, responder: read(stand.pki.intermediate.certificate) }))
    }
  },
  'is the client itself':
    ({ stand, client }) =>
    (response) => {
      const { keys, der } = client
      const singles = [single(stand, client)]
      deliver(response, ocspResponse({ singles, keys, responder: read(der), certificates: [der] }))
    },
  'is the root, which did not issue the certificate':
    ({ stand, client }) =>
    (response) => {
      const { root } = stand.pki
      const singles = [single(stand, client)]
      deliver(response, answerOf(root, { singles, certificates: [root.certificate] }))
    },
  'answers about another certificate': async ({ stand }) => {
    const other = await stand.pki.client()
    return (response) => {
      deliver(response, answerOf(stand.pki.intermediate, { singles: [single(stand, other)] }))
    }
  },
  'repeats another nonce':
    ({ stand, client }) =>
    (response) => {
      const singles = [single(stand, client)]
      deliver(response, answerOf(stand.pki.intermediate, { singles, nonce: Buffer.alloc(32, 7) }))
    },
}

test('without an answer that counts, hard refuses and forwards nothing', async (context) => {
  const { stand, responder } = await scriptedStand(context, 'mode: hard, timeoutMs: 200')
  for (const [what, misbehave] of Object.entries(misbehaviours)) {
    await context.test(`from a responder that ${what}`, async () => {
      const client = await stand.pki.client()
      responder.answer = await misbehave({ stand, client, url: responder.url })
      const before = await metric(stand, asked('failed'))
      const answer = await stand.send({ client })
      assert.deepEqual([answer.status, reasonOf(answer)], [503, 'revocation-unknown'])
      assert.match(String((await stand.auditOf(answer))['detail']), /^OCSP of `TEST AC /)
      assert.equal(await metric(stand, asked('failed')), before + 1)
      assert.equal(stand.upstream.requests.length, 0)
    })
  }
  await responder.close()
  assert.equal(reasonOf(await stand.send({})), 'revocation-unknown', 'the responder is down')
  assert.equal(stand.upstream.requests.length, 0)
})

test('without an answer that counts, soft lets pass and counts', async (context) => {
  const { stand, responder } = await scriptedStand(context, 'mode: soft, timeoutMs: 200')
  let count = 0
  for (const [what, misbehave] of Object.entries(misbehaviours)) {
    await context.test(`from a responder that ${what}`, async () => {
      const client = await stand.pki.client()
      responder.answer = await misbehave({ stand, client, url: responder.url })
      assert.equal((await stand.send({ client })).status, 200)
      count += 1
      assert.equal(await metric(stand, passed), count)
    })
  }
  await responder.close()
  assert.equal((await stand.send({})).status, 200, 'the responder is down')
  assert.equal(await metric(stand, passed), count + 1)
})

test('an answer is asked for once and kept, for requests at once and one after the other', async (context) => {
  const { stand, responder, honest } = await scriptedStand(context, 'mode: hard')
  honest()
  const answer = responder.answer
  const waiting: (() => void)[] = []
  const isAsked = new Promise<void>((resolve) => {
    responder.answer = (response, body) => {
      waiting.push(() => {
        answer(response, body)
      })
      resolve()
    }
  })
  const answers = [stand.send({}), stand.send({}), stand.send({})]
  await isAsked
  for (const release of waiting) release()
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200)
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await stand.send({})).status, 200)
  assert.equal(responder.bodies.length, 1)
})

test('a revocation is kept: it holds after its time while the responder is down, until a fresh answer lifts it', async (context) => {
  let at = Date.now()
  const { stand, responder, honest } = await scriptedStand(context, 'mode: soft, cacheSeconds: 600', {
    now: () => at,
  })
  honest('revoked')
  assert.equal(reasonOf(await stand.send({})), 'certificate-revoked')
  at += 11 * minute
  responder.answer = (response) => response.destroy()
  assert.equal(reasonOf(await stand.send({})), 'certificate-revoked')
  assert.equal(responder.bodies.length, 2)
  at += 11 * minute
  honest('good')
  assert.equal((await stand.send({})).status, 200)
  assert.equal(stand.upstream.requests.length, 1)
})

test('a good answer ends with its time, and a revocation after it is seen', async (context) => {
  let at = Date.now()
  const { stand, honest } = await scriptedStand(context, 'mode: hard, cacheSeconds: 600', { now: () => at })
  honest('good')
  assert.equal((await stand.send({})).status, 200)
  at += 10 * minute
  honest('revoked')
  assert.equal(reasonOf(await stand.send({})), 'certificate-revoked')
  assert.equal(stand.upstream.requests.length, 1)
})

test('an answer that grows old is asked for again before it ends, while requests go on', async (context) => {
  let at = Date.now()
  const { stand, responder, honest } = await scriptedStand(context, 'mode: hard, cacheSeconds: 600', {
    now: () => at,
  })
  honest('good')
  assert.equal((await stand.send({})).status, 200)
  at += 8 * minute
  const isAsked = new Promise<void>((resolve) => {
    responder.answer = () => {
      resolve()
    }
  })
  assert.equal((await stand.send({})).status, 200)
  await isAsked
})

test('a failed question is not repeated for ten seconds', async (context) => {
  let at = Date.now()
  const { stand, responder, honest } = await scriptedStand(context, 'mode: hard', { now: () => at })
  assert.equal(reasonOf(await stand.send({})), 'revocation-unknown')
  honest('good')
  at += 9_000
  assert.equal(reasonOf(await stand.send({})), 'revocation-unknown')
  assert.equal(responder.bodies.length, 1)
  at += 1_000
  assert.equal((await stand.send({})).status, 200)
})

test('what a CRL revokes is revoked, and no responder is asked', async (context) => {
  const { stand, responder, honest } = await scriptedStand(context, 'mode: soft')
  honest('good')
  stand.write('pki/client-ca.crl', stand.pki.crl([{ serialNumber: stand.partner.serialNumber }]))
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
  assert.equal(reasonOf(await stand.send({})), 'certificate-revoked')
  assert.equal(responder.bodies.length, 0)
  assert.equal(stand.upstream.requests.length, 0)
})

test('without a configured URL the one in the certificate is asked, and without both there is no answer', async (context) => {
  const responder = await startScripted(context)
  const stand = await makeStand(context, { config: withOcsp('mode: hard') })
  const client = await stand.pki.client({ ocspUrls: [responder.url] })
  responder.answer = (response) => {
    deliver(response, answerOf(stand.pki.intermediate, { singles: [single(stand, client)] }))
  }
  assert.equal((await stand.send({ client })).status, 200)
  assert.equal(responder.bodies.length, 1)
  const answer = await stand.send({})
  assert.equal(reasonOf(answer), 'revocation-unknown')
  assert.match(String((await stand.auditOf(answer))['detail']), /names a responder$/)
  assert.equal(stand.upstream.requests.length, 1)
})

test('a responder that the issuer named answers, unless a CRL revokes its certificate', async (context) => {
  const { stand, responder } = await scriptedStand(context, 'mode: hard')
  const named = await stand.pki.client({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.9'] })
  responder.answer = (response) => {
    const { keys, der } = named
    const singles = [single(stand, stand.partner, { nextUpdate: Date.now() + hour })]
    deliver(response, ocspResponse({ singles, keys, responder: read(der), certificates: [der] }))
  }
  assert.equal((await stand.send({})).status, 200)
  stand.write('pki/client-ca.crl', stand.pki.crl([{ serialNumber: named.serialNumber }]))
  assert.equal((await stand.gateway.reload('signal')).result, 'reloaded')
  const twin = await stand.pki.client()
  responder.answer = (response) => {
    const { keys, der } = named
    deliver(
      response,
      ocspResponse({ singles: [single(stand, twin)], keys, responder: read(der), certificates: [der] }),
    )
  }
  assert.equal(reasonOf(await stand.send({ client: twin })), 'revocation-unknown')
  assert.equal(stand.upstream.requests.length, 1)
})

test('a responder is asked about trusted certificates alone', async (context) => {
  const { stand, responder } = await scriptedStand(context, 'mode: hard')
  assert.equal(reasonOf(await stand.send({ client: null })), 'certificate-missing')
  const expired = await stand.pki.client({ notAfter: Date.now() - hour })
  assert.equal(reasonOf(await stand.send({ client: expired })), 'certificate-expired')
  assert.equal(responder.bodies.length, 0)
})

test('an open connection whose certificate a responder calls revoked is closed, the idle ones of it too', async (context) => {
  let at = Date.now()
  const { stand, honest } = await scriptedStand(context, 'mode: hard, cacheSeconds: 600', { now: () => at })
  honest('good')
  const idle = await openRaw(stand.port, stand.tls())
  idle.send(rawRequest({}))
  assert.equal((await idle.answer()).status, 200)
  const other = await stand.pki.client()
  const bystander = await openRaw(stand.port, stand.tls(other))
  at += 10 * minute
  honest('revoked')
  assert.equal(reasonOf(await stand.send({})), 'certificate-revoked')
  await idle.closed
  assert.equal(bystander.socket.destroyed, false)
  bystander.destroy()
})
