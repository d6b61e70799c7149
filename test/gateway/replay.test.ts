import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Replay, type ReplayReport } from '../../src/gateway/replay.js'
import type { ReplayRules } from '../../src/gateway/replay-judgement.js'
import { loadPolicy } from '../../src/gateway/load.js'
import { openPolicy } from '../../src/gateway/policy.js'
import { formatSpkiSha256 } from '../../src/core/spki.js'
import { issuedName } from '../../src/x509/issue-name.js'
import { parseCertificate } from '../../src/x509/certificate.js'
import type { TestCertificate } from '../support/pki.js'
import {
  capacityPath,
  makeStand,
  patchBody,
  reasonOf,
  subjectOf,
  type RequestWish,
  type Stand,
} from './stand.js'

interface Entry {
  readonly id: string
  readonly certificate: string
  readonly apis?: string
  readonly establishments?: readonly string[]
  readonly more?: string
}

function whitelist(entries: readonly Entry[]): string {
  const partners = entries.map(
    ({ id, certificate, apis = '[fhir-read, fhir-write]', establishments = [], more = '' }) => `  - id: ${id}
    name: ${id}
    solution: regional-eai
    certificates: [{ ${certificate} }]
    apis: ${apis}
    establishments: [${establishments.map((each) => `"${each}"`).join(', ')}]
${more}`,
  )
  return `partners:\n${partners.join('')}`
}

const bySubject = (client: TestCertificate): string => `subject: ${JSON.stringify(subjectOf(client))}`

function byKey(client: TestCertificate): string {
  const parsed = parseCertificate(client.der)
  assert.ok(parsed.ok)
  return `publicKey: "${formatSpkiSha256(parsed.value.spkiSha256)}"`
}

async function rulesOf(stand: Stand): Promise<ReadonlyMap<string, ReplayRules>> {
  const loaded = await loadPolicy(join(stand.folder, 'gateway.yaml'), 'whitelist')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  return openPolicy(loaded.value).environments
}

test('a replay tells of each past request what the gateway then really decides', async (context) => {
  const stand = await makeStand(context)
  const named = (name: string): Promise<TestCertificate> =>
    stand.pki.client({ subject: issuedName([['CN', name]]) })
  const [kept, gone, come, shorter, longer, moved, probation, dated] = await Promise.all(
    ['kept', 'gone', 'come', 'shorter', 'longer', 'moved', 'probation', 'dated'].map(named),
  )
  assert.ok(kept && gone && come && shorter && longer && moved && probation && dated)
  const old = whitelist([
    { id: 'kept', certificate: bySubject(kept), establishments: ['350054680'] },
    { id: 'gone', certificate: bySubject(gone), establishments: ['350054680'] },
    { id: 'shorter', certificate: bySubject(shorter), establishments: ['350054680', '290004324'] },
    { id: 'longer', certificate: bySubject(longer), establishments: ['350054680'] },
    { id: 'moved', certificate: `${bySubject(moved)}, ${byKey(moved)}`, establishments: ['350054680'] },
    { id: 'probation', certificate: bySubject(probation), more: '    mode: report-only\n' },
    { id: 'dated', certificate: bySubject(dated), establishments: ['350054680'] },
  ])
  const next = whitelist([
    { id: 'kept', certificate: bySubject(kept), establishments: ['350054680'] },
    { id: 'come', certificate: bySubject(come), establishments: ['290004324'] },
    { id: 'shorter', certificate: bySubject(shorter), establishments: ['350054680'], apis: '[fhir-write]' },
    { id: 'longer', certificate: bySubject(longer), establishments: ['350054680', '290004324'] },
    { id: 'moved', certificate: `${bySubject(moved)}, ${byKey(kept)}`, establishments: ['350054680'] },
    { id: 'probation', certificate: bySubject(probation), establishments: ['290004324'] },
    {
      id: 'dated',
      certificate: bySubject(dated),
      establishments: ['350054680'],
      more: '    validUntil: 2020-01-01\n',
    },
  ])
  stand.write('whitelist/partner.yaml', old)
  assert.equal((await stand.gateway.reload('signal')).diagnostics.length, 0)
  const before = await rulesOf(stand)

  const clients = { kept, gone, come, shorter, longer, moved, probation, dated }
  const wishes: RequestWish[] = Object.values(clients).flatMap((client): RequestWish[] => [
    { client, target: '/ws-diffusion-fhir/Location' },
    ...['350054680', '290004324'].map((finess) => ({
      client,
      method: 'PATCH',
      target: `${capacityPath}1${finess}/SSR1`,
      body: patchBody,
    })),
    { client, method: 'PATCH', target: `${capacityPath}52/192675`, body: patchBody },
  ])
  const first: (string | undefined)[] = []
  for (const wish of wishes) first.push(reasonOf(await stand.send(wish)))
  await stand.gateway.flushAudit()
  const lines = readFileSync(join(stand.folder, 'audit.ndjson'), 'utf8').trim().split('\n')

  stand.write('whitelist/partner.yaml', next)
  assert.equal((await stand.gateway.reload('signal', { confirm: 'none' })).result, 'reloaded')
  const after = await rulesOf(stand)
  const second: (string | undefined)[] = []
  for (const wish of wishes) second.push(reasonOf(await stand.send(wish)))

  const at = Date.now()
  let [closed, opened] = [0, 0]
  for (const [index, line] of lines.filter((each) => each.includes('"event":"request"')).entries()) {
    const replay = new Replay({ before, after, at })
    replay.note(line)
    const report = replay.report()
    const [was, is] = [first[index], second[index]]
    const what = `${String(index)}: ${String(was)} → ${String(is)} ${line}`
    if (isUndetermined(report)) {
      // refused before what it writes was looked at: only then may a replay not know
      assert.equal(was, 'certificate-not-listed', what)
      continue
    }
    assert.equal(report.closed, was === undefined && is !== undefined ? 1 : 0, what)
    assert.equal(report.opened, was !== undefined && is === undefined ? 1 : 0, what)
    closed += report.closed
    opened += report.opened
  }
  assert.ok(closed >= 8 && opened >= 2, `${closed} closed, ${opened} opened`)

  const whole = new Replay({ before, after, at })
  for (const line of lines) whole.note(line)
  const report = whole.report()
  assert.equal(report.lines, lines.length)
  assert.equal(report.requests, wishes.length)
  assert.deepEqual([report.closed, report.opened], [closed, opened])
  assert.equal(
    report.partners.reduce((sum, partner) => sum + partner.closed + partner.opened, 0),
    closed + opened,
  )
})

function isUndetermined({ undetermined }: ReplayReport): boolean {
  return Object.values(undetermined).some((count) => count > 0)
}

test('a replay without the public key in its lines does not guess where a key decides', async (context) => {
  const stand = await makeStand(context, {
    whitelist: (subject) => whitelist([{ id: 'a', certificate: `subject: ${JSON.stringify(subject)}` }]),
  })
  const before = await rulesOf(stand)
  const answer = await stand.send({ target: '/ws-diffusion-fhir/Location' })
  const { publicKeySha256, ...old } = await stand.auditOf(answer)
  assert.equal(typeof publicKeySha256, 'string')
  stand.write(
    'whitelist/partner.yaml',
    whitelist([{ id: 'a', certificate: `${bySubject(stand.partner)}, ${byKey(stand.partner)}` }]),
  )
  const after = await rulesOf(stand)
  const replay = new Replay({ before, after, at: Date.now() })
  replay.note(JSON.stringify(old))
  assert.equal(replay.report().undetermined['public-key'], 1)
  const known = new Replay({ before, after, at: Date.now() })
  known.note(JSON.stringify({ ...old, publicKeySha256 }))
  assert.equal(known.report().same, 1)
})
