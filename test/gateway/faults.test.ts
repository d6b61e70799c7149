import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { clientName, day } from '../support/pki.js'
import { until } from '../support/until.js'
import {
  authHost,
  makeStand,
  patchBody,
  permittedTarget,
  reasonOf,
  standardWhitelist,
  subjectOf,
  type Stand,
} from './stand.js'

interface Spoiling {
  readonly what: string
  /** Gets the path of the whitelist, and what stands there. */
  readonly spoil: (file: string, good: string) => void
}

const spoilings: readonly Spoiling[] = [
  {
    what: 'garbage',
    spoil: (file) => {
      writeFileSync(file, Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 89) % 256)))
    },
  },
  {
    what: 'half of itself',
    spoil: (file, good) => {
      writeFileSync(file, good.slice(0, good.indexOf('certificates') + 5))
    },
  },
  {
    what: 'nothing',
    spoil: (file) => {
      writeFileSync(file, '')
    },
  },
  {
    what: 'something that cannot be read',
    spoil: (file) => {
      rmSync(file)
      symlinkSync('partner.yaml', file)
    },
  },
  {
    what: 'something huge',
    spoil: (file) => {
      writeFileSync(file, `partners: [${'x'.repeat(40_000_000)}`)
    },
  },
  {
    what: 'a link to nowhere',
    spoil: (file) => {
      rmSync(file)
      symlinkSync('../nowhere.yaml', file)
    },
  },
  {
    what: 'no file at all',
    spoil: (file) => {
      rmSync(file)
    },
  },
]

test('a whitelist replaced by what is none: the last good one stays, for who is on it and who is not', async (context) => {
  const stand = await makeStand(context)
  const stranger = await stand.pki.client({ subject: clientName('STRANGER') })
  const file = join(stand.folder, 'whitelist/partner.yaml')
  const good = standardWhitelist(subjectOf(stand.partner))
  let forwarded = 0
  for (const { what, spoil } of spoilings) {
    spoil(file, good)
    assert.notEqual((await stand.gateway.reload('signal')).result, 'reloaded', what)
    assert.equal((await stand.send({})).status, 200, what)
    forwarded += 1
    assert.equal(reasonOf(await stand.send({ client: stranger })), 'certificate-not-listed', what)
    assert.equal(stand.upstream.requests.length, forwarded, what)
    rmSync(file, { force: true })
    writeFileSync(file, `${good}# after ${what}\n`)
    assert.notEqual((await stand.gateway.reload('signal')).result, 'refused', what)
  }
})

test('a symbolic link swapped to another whitelist brings all of it into force', async (context) => {
  const stand = await makeStand(context)
  const other = await stand.pki.client({ subject: clientName('OTHER') })
  const file = join(stand.folder, 'whitelist/partner.yaml')
  stand.write('lists/other.yaml', standardWhitelist(subjectOf(other)))
  rmSync(file)
  symlinkSync('../lists/other.yaml', file)
  assert.notEqual((await stand.gateway.reload('signal')).result, 'refused')
  assert.equal((await stand.send({ client: other })).status, 200)
  assert.equal(reasonOf(await stand.send({})), 'certificate-not-listed')
  assert.equal(stand.upstream.requests.length, 1)
})

test('a clock that jumps lets in nobody whose time is not now, and everybody again when it is right', async (context) => {
  let time = Date.now()
  const stand = await makeStand(context, { now: () => time })
  const right = time
  for (const [jump, reason] of [
    [-3650 * day, 'certificate-not-yet-valid'],
    [3650 * day, 'certificate-expired'],
    [30 * day, 'revocation-unknown'],
  ] as const) {
    time = right + jump
    const reached = stand.upstream.requests.length
    assert.equal(reasonOf(await stand.send({})), reason)
    assert.equal(stand.upstream.requests.length, reached)
    time = right
    assert.equal((await stand.send({})).status, 200)
  }
})

async function isWritten({ gateway }: Stand, expected: boolean): Promise<void> {
  await until(`an audit trail written: ${expected}`, async () => (await gateway.flushAudit()) === expected)
}

for (const onFailure of ['refuse', 'continue'] as const) {
  test(`a journal on a full disk, onFailure: ${onFailure}`, async (context) => {
    const stand = await makeStand(context, {
      // the device that is always full
      config: (text) =>
        text.replace('audit: { file: audit.ndjson }', `audit: { file: /dev/full, onFailure: ${onFailure} }`),
    })
    await isWritten(stand, false)
    const write = { method: 'PATCH', target: permittedTarget, body: patchBody }
    const answer = await stand.send(write)
    const reads = await stand.send({})
    assert.equal(reads.status, 200)
    if (onFailure === 'continue') assert.equal(answer.status, 200)
    else assert.deepEqual([answer.status, reasonOf(answer)], [503, undefined])
    const arrived = stand.upstream.requests.map(({ startLine }) => startLine.split(' ')[0])
    assert.deepEqual(arrived, onFailure === 'continue' ? ['PATCH', 'GET'] : ['GET'])
    const ready = await fetch(`http://127.0.0.1:${stand.gateway.admin?.port ?? 0}/metrics`)
    const metrics = await ready.text()
    assert.match(metrics, /^ror_gateway_audit_healthy 0$/m)
    assert.match(metrics, /^ror_gateway_audit_errors_total 1$/m)
  })
}

test('a body of 50 MB arrives as it was sent where it may, and not at all where it may not', async (context) => {
  const size = 50 * 1024 * 1024
  const body = 'x'.repeat(size)
  const arrived: string[] = []
  const upstream = createServer((request, response) => {
    const hash = createHash('sha256')
    request.on('data', (chunk: Buffer) => hash.update(chunk))
    request.once('end', () => {
      arrived.push(hash.digest('hex'))
      response.end('ok')
    })
  }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  context.after(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const { port } = upstream.address() as AddressInfo // a listening TCP server has one
  const token = {
    method: 'POST',
    host: authHost,
    target: '/auth/realms/ror/protocol/openid-connect/token',
    fields: ['Content-Type: application/x-www-form-urlencoded'],
    body,
  }
  const toIt = (text: string): string =>
    text.replaceAll(/upstream: .*/g, `upstream: http://127.0.0.1:${port}`)
  const refusing = await makeStand(context, { config: toIt })
  const refused = await refusing.send(token)
  assert.deepEqual([refused.status, reasonOf(refused)], [413, 'body-too-large'])
  assert.deepEqual(arrived, [])
  const taking = await makeStand(context, {
    config: (text) => `${toIt(text)}limits: { bodyBytes: ${size}, requestTimeoutMs: 600000 }\n`,
  })
  assert.equal((await taking.send(token)).status, 200)
  assert.deepEqual(arrived, [createHash('sha256').update(body).digest('hex')])
})
