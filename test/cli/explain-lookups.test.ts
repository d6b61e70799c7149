import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Explanation } from '../../src/gateway/explain.js'
import { reasonOf } from '../gateway/stand.js'
import { upstreamStand, type UpstreamStand } from '../gateway/upstream-stand.js'
import { jsonAnswer } from '../gateway/write-stand.js'
import { valuesOf } from '../support/http-message.js'
import { makeTestPki } from '../support/pki.js'
import { plainAnswer } from '../support/recorder.js'
import { command } from './in-process.js'

const path = '/ws-synchro-dispo-lits-fhir/Organization'
const owners = new Map([
  [`${path}/10`, '350054680'],
  [`${path}/20`, '750000001'],
])

/** A server of a private authority that wants a client certificate, and a token for reads. */
async function closedUpstream(context: TestContext): Promise<UpstreamStand> {
  const [serverPki, clientPki] = [
    await makeTestPki({ prefix: 'ROR ' }),
    await makeTestPki({ prefix: 'GATEWAY ' }),
  ]
  const server = await serverPki.server(['ror.interne.example'])
  const client = await clientPki.client()
  const stand = await upstreamStand(context, {
    servers: 1,
    tls: { cert: server.chainPem, key: server.keyPem, clientCa: clientPki.rootPem },
    upstream: ([origin = '']) =>
      `{ servers: [${origin}], tls: { ca: [pki/ror-ca.pem], certificate: pki/gateway.pem, key: pki/gateway.key, serverName: ror.interne.example } }`,
    config: (text) =>
      text
        .replace(
          '    apis:\n',
          '    resolution: { authorizationFile: reader.secret, cacheSeconds: 0 }\n    apis:\n',
        )
        .replace(
          '        writes:\n',
          '        writes:\n          - { method: DELETE, path: "/Organization/{id}", establishment: { reference: id, resolve: upstream } }\n',
        ),
    prepare: ({ write }) => {
      write('pki/ror-ca.pem', serverPki.caPem)
      write('pki/gateway.pem', client.chainPem)
      write('pki/gateway.key', client.keyPem)
      write('reader.secret', 'Bearer of-the-gateway\n')
    },
  })
  const [recorder] = stand.servers
  assert.ok(recorder !== undefined)
  recorder.answer = (request) => {
    const [method, target = ''] = request.startLine.split(' ')
    if (method !== 'GET') return plainAnswer
    if (valuesOf(request, 'authorization')[0] !== 'Bearer of-the-gateway') return jsonAnswer({}, 401)
    const value = owners.get(target)
    const identifier = [{ system: 'https://finess.esante.gouv.fr', value }]
    return value === undefined
      ? jsonAnswer({}, 404)
      : jsonAnswer({ resourceType: 'Organization', id: target.slice(path.length + 1), identifier })
  }
  return stand
}

async function explained(
  stand: UpstreamStand,
  request: string,
): Promise<{ code: number; stderr: string; explanation: Explanation }> {
  writeFileSync(join(stand.folder, 'client.pem'), stand.partner.chainPem)
  const { code, stderr, stdout } = await command([
    ...['explain', '--config', join(stand.folder, 'gateway.yaml'), '--json'],
    ...['--cert', join(stand.folder, 'client.pem'), '--request', request],
  ])
  return { code, stderr, explanation: JSON.parse(stdout) as Explanation } // as explain writes it
}

test('explain looks up as serve does: private authority, client certificate and token', async (context) => {
  const stand = await closedUpstream(context)
  for (const [id, code, reason] of [
    ['10', 0, undefined],
    ['20', 2, 'establishment-not-permitted'],
    ['404', 2, 'establishment-unresolvable'],
  ] as const) {
    const answer = await stand.send({ method: 'DELETE', target: `${path}/${id}` })
    assert.equal(reasonOf(answer), reason, answer.raw)
    const before = stand.counts()[0] ?? 0
    const found = await explained(stand, `DELETE ${path}/${id}`)
    assert.equal(found.stderr, '')
    assert.equal(found.code, code, JSON.stringify(found.explanation))
    assert.equal(found.explanation.reason, reason)
    const asked = stand.servers[0]?.requests.slice(before).map(({ startLine }) => startLine)
    assert.deepEqual(asked, [`GET ${path}/${id} HTTP/1.1`])
  }
})

// the file, and what it becomes for whoever runs explain
const withheld: readonly (readonly [file: string, spoil: (file: string) => void, says: RegExp])[] = [
  ['pki/gateway.key', rmSync, /gateway\.key`: no such file or folder/],
  ['pki/ror-ca.pem', rmSync, /ror-ca\.pem`: no such file or folder/],
  [
    'reader.secret',
    (file) => {
      rmSync(file)
      mkdirSync(file)
    },
    /reader\.secret`: expected a file, found a folder/,
  ],
]

for (const [file, spoil, says] of withheld) {
  test(`explain that cannot read ${file} says so, makes no lookup, and judges what needs none`, async (context) => {
    const stand = await closedUpstream(context)
    spoil(join(stand.folder, file))
    const before = stand.servers[0]?.connections.length

    const read = await explained(stand, 'GET /ws-diffusion-fhir/Location')
    assert.equal(read.code, 0)
    const patched = await explained(stand, `DELETE /ws-synchro-dispo-lits-fhir/Location/1`)
    assert.equal(patched.explanation.reason, 'write-not-described')

    const write = await explained(stand, `DELETE ${path}/10`)
    assert.equal(write.code, 1)
    assert.equal(write.explanation.effect, 'fail')
    assert.equal(write.explanation.reason, 'upstream-unavailable')
    assert.match(write.explanation.detail ?? '', /^the lookup could not be made as the gateway makes it: /)
    assert.match(write.explanation.detail ?? '', says)
    for (const { stderr } of [read, patched, write]) {
      assert.match(stderr, /^\S+gateway\.yaml:\d+:\d+ warning: /)
      assert.match(stderr, says)
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
    }
    assert.equal(stand.servers[0]?.connections.length, before)
    assert.equal(JSON.stringify([read, write]).includes('of-the-gateway'), false)
  })
}

test('explain where no write is looked up says nothing of keys that it may not read', async (context) => {
  const stand = await closedUpstream(context)
  stand.write('gateway.yaml', stand.config.replace(/^ +- \{ method: DELETE.*\n/m, ''))
  rmSync(join(stand.folder, 'pki/gateway.key'))
  rmSync(join(stand.folder, 'reader.secret'))
  const { stderr, code } = await explained(stand, 'GET /ws-diffusion-fhir/Location')
  assert.deepEqual([stderr, code], ['', 0])
})
