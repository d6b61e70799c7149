import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { PartnerReporter, type ReportQuestion } from '../../src/gateway/partner-report.js'
import { command } from './in-process.js'

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ror-report-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

const subject = 'CN=EAI,O=GRADES,C=FR'
const key = 'ab'.repeat(32)

// fields in the order of the trail
function line(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    schema: 1,
    time: '2026-11-02T08:00:00.000Z',
    event: 'request',
    requestId: 'some',
    environment: 'sandbox',
    api: 'fhir-read',
    partner: undefined,
    subject,
    publicKeySha256: key,
    method: 'GET',
    path: '/x',
    establishments: [],
    establishmentCount: 0,
    decision: 'permit',
    enforced: true,
    reason: undefined,
    status: 200,
    ...fields,
  })
}

const question: ReportQuestion = {
  partner: 'eai',
  subjects: [],
  publicKeys: [],
  environment: undefined,
  since: undefined,
  until: undefined,
}

const refusal = { decision: 'deny', reason: 'certificate-not-listed', status: 403 }

test('counts refusals without an entry for the partner whose name or key they show, and for no other', () => {
  const reporter = new PartnerReporter(question)
  // before the certificate was listed; a renewed key under the same name; the same key under a new name
  reporter.note(line({ ...refusal }))
  reporter.note(line({ ...refusal, publicKeySha256: 'cd'.repeat(32) }))
  reporter.note(line({ ...refusal, subject: 'CN=EAI 2,O=GRADES,C=FR' }))
  // neither name nor key; and what another partner did
  reporter.note(line({ ...refusal, subject: 'CN=OTHER,C=FR', publicKeySha256: 'ef'.repeat(32) }))
  reporter.note(line({ partner: 'other' }))
  reporter.note(line({ partner: 'eai' }))
  const { requests, refused, beforeEntry } = reporter.report()
  assert.deepEqual({ requests, refused, beforeEntry }, { requests: 4, refused: 3, beforeEntry: 3 })
  assert.deepEqual(reporter.others(), ['other'])
})

test('knows a partner that was never let in by the certificates of the whitelist', () => {
  const reporter = new PartnerReporter({ ...question, publicKeys: [key] })
  reporter.note(line({ ...refusal, subject: 'CN=EAI with another name,C=FR' }))
  assert.equal(reporter.report().refused, 1)
})

test('counts the handshakes that were refused', () => {
  const reporter = new PartnerReporter({ ...question, subjects: [subject] })
  const handshake = { event: 'handshake', decision: 'deny', reason: 'certificate-expired', status: undefined }
  reporter.note(line({ ...handshake, method: undefined, path: undefined, api: undefined }))
  const told = reporter.report().refusals.map(({ reason, example }) => [reason, example.method])
  assert.deepEqual(told, [['certificate-expired', '']])
})

test('keeps the memory bounded, whatever a trail holds, and says that something was not told apart', () => {
  const reporter = new PartnerReporter(question)
  for (let index = 0; index < 25_000; index += 1) {
    const establishments = [{ idNatStruct: `1${String(index).padStart(9, '0')}`, at: 'query' }]
    reporter.note(line({ partner: 'eai', establishments, establishmentCount: 1 }))
    reporter.note(line({ ...refusal, subject: `CN=${index},C=FR`, publicKeySha256: undefined }))
  }
  const { establishments, unnamed, requests } = reporter.report()
  assert.equal(requests, 25_000)
  assert.equal(establishments.length, 20_000)
  assert.equal(unnamed, 5_000)
})

test('reads the standard input, and each file once however often it is named', async (context) => {
  const folder = folderFor(context)
  const trail = join(folder, 'audit.ndjson')
  const aside = join(folder, 'audit-20261103T000000.ndjson')
  writeFileSync(trail, `${line({ partner: 'eai', time: '2026-11-04T08:00:00.000Z' })}\n`)
  writeFileSync(aside, `${line({ partner: 'eai' })}\n`)
  const counted = async (args: readonly string[], stdin?: AsyncIterable<string>): Promise<unknown> => {
    const { stdout } = await command(['report', 'eai', '--json', ...args], {}, stdin)
    const { requests, lines } = JSON.parse(stdout) as Record<string, unknown>
    return { requests, lines }
  }
  const twice = ['--audit', aside, '--audit', trail]
  assert.deepEqual(await counted(twice), { requests: 2, lines: 2 })
  // what was set aside before the period is not even opened
  assert.deepEqual(await counted(['--audit', trail, '--since', '2026-11-04']), { requests: 1, lines: 1 })
  async function* given(): AsyncIterable<string> {
    yield `${line({ partner: 'eai' })}\n`
    yield await Promise.resolve(line({ partner: 'eai' }))
  }
  assert.deepEqual(await counted(['--audit', '-'], given()), { requests: 2, lines: 2 })
})

test('the page loads nothing, runs nothing, and shows what clients sent as text', async (context) => {
  const trail = join(folderFor(context), 'audit.ndjson')
  const sent = '</title><script src="https://evil.example/x.js"></script>'
  writeFileSync(trail, `${line({ partner: 'eai', path: `/${sent}`, ...refusal })}\n`)
  const { stdout, code } = await command(['report', 'eai', '--audit', trail, '--format', 'html'], {
    LANG: 'fr_FR.UTF-8',
  })
  assert.equal(code, 0)
  assert.match(stdout, /<html lang="fr">/)
  assert.match(stdout, /Content-Security-Policy" content="default-src 'none'; style-src 'sha256-/)
  assert.ok(stdout.includes('/&lt;/title&gt;&lt;script src=&quot;https://evil.example/x.js&quot;&gt;'))
  assert.match(stdout, /<svg [^>]*role="img"/)
  const tags = [...stdout.matchAll(/<\/?([a-z0-9]+)/g)].map(([, name]) => name)
  for (const forbidden of ['script', 'img', 'link', 'iframe', 'object', 'base', 'form']) {
    assert.ok(!tags.includes(forbidden), forbidden)
  }
  assert.doesNotMatch(stdout, /<[^>]*\b(?:src|href|on[a-z]+|style)=/)
})
