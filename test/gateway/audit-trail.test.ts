import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { generateKeyPairSync } from 'node:crypto'
import type { AuditConfig } from '../../src/config/audit-schema.js'
import { openAuditTrail, type AuditTrail } from '../../src/gateway/audit-trail.js'
import { readSealWitness } from '../../src/observe/audit-seal.js'
import { AuditVerifier, type AuditVerdict } from '../../src/observe/audit-verify.js'
import { createLog } from '../../src/observe/log.js'
import { linesInMemory, parsed } from '../observe/lines.js'
import { scratchFolder } from '../files/scratch.js'
import { makeStand } from './stand.js'
import { until } from '../support/until.js'

const day = 86_400_000
const start = Date.UTC(2026, 11, 1, 8)

interface Kept {
  readonly folder: string
  /** As the trail sees it; to be set. */
  clock: number
  readonly logged: readonly string[]
  /** Opens a trail; closed by the test, or with it. */
  open(more?: Partial<AuditConfig>): Promise<AuditTrail>
  path(name: string): string
  linesOf(name: string): Record<string, unknown>[]
  verdict(names: readonly string[]): AuditVerdict
}

async function kept(context: TestContext): Promise<Kept> {
  const folder = await scratchFolder(context)
  const sink = linesInMemory()
  const path = (name: string): string => join(folder, name)
  const placed = (name: string) => ({
    path: path(name),
    place: { file: path('gateway.yaml'), line: 7, column: 3 },
  })
  const trail: Kept = {
    folder,
    clock: start,
    logged: sink.lines,
    path,
    open: async (more = {}) => {
      const now = (): number => trail.clock
      const opened = await openAuditTrail({
        config: {
          file: placed('audit.ndjson'),
          onFailure: 'refuse',
          format: 'native',
          sealKey: placed('audit.key'),
          sealMinutes: 60,
          rotate: { daily: true, maxBytes: undefined },
          keepDays: 365,
          ...more,
        },
        log: createLog({ level: 'debug', destination: sink, now }),
        now,
        onProblem: () => undefined,
      })
      context.after(() => opened.close())
      return opened
    },
    linesOf: (name) => readFileSync(path(name), 'utf8').trimEnd().split('\n').map(parsed),
    verdict: (names) => {
      const witness = readSealWitness(readFileSync(path('audit.key.pub'), 'utf8'))
      assert.ok(witness.ok)
      const verifier = new AuditVerifier([witness.value])
      for (const name of names) {
        verifier.beginFile(name)
        const bytes = readFileSync(path(name))
        const lines = bytes.toString('latin1').split('\n')
        if (lines.at(-1) === '') lines.pop()
        for (const line of lines) verifier.take(Buffer.from(line, 'latin1'))
      }
      return verifier.verdict()
    },
  }
  return trail
}

test('the trail goes on over restarts, sealed at each stop by the key made at the first start', async (context) => {
  const trail = await kept(context)
  for (let run = 0; run < 3; run += 1) {
    const { audit, close } = asParts(await trail.open())
    for (let index = 0; index < 5; index += 1)
      audit.write({ time: trail.clock, event: 'request', client: { subject: 'CN=é' } })
    await close()
  }
  const verdict = trail.verdict(['audit.ndjson'])
  assert.deepEqual(verdict.findings, [])
  assert.deepEqual(
    [verdict.lines, verdict.lastSequence, verdict.sealsChecked, verdict.linesAfterSeal],
    [18, 18, 3, 0],
  )
  assert.equal(statSync(trail.path('audit.key')).mode & 0o777, 0o600)
  assert.equal(statSync(trail.path('audit.key.pub')).mode & 0o777, 0o644)
})

test('each day has its file, old ones are removed and named, and the chain goes over all of them', async (context) => {
  const trail = await kept(context)
  const { audit, tick, close } = asParts(await trail.open({ keepDays: 2 }))
  for (let index = 0; index < 4; index += 1) {
    audit.write({ time: trail.clock, event: 'request' })
    trail.clock += day
  }
  await audit.flush()
  const names = (): string[] =>
    readdirSync(trail.folder)
      .filter((name) => name.endsWith('.ndjson'))
      .sort()
  assert.deepEqual(names(), [
    'audit-20261202T080000.ndjson',
    'audit-20261203T080000.ndjson',
    'audit-20261204T080000.ndjson',
    'audit.ndjson',
  ])
  assert.ok(trail.verdict(names()).ok)
  trail.clock = Date.UTC(2026, 11, 4, 9)
  tick()
  await until('the oldest file gone', () => names().length <= 3)
  await close()
  assert.deepEqual(names(), ['audit-20261203T080000.ndjson', 'audit-20261204T080000.ndjson', 'audit.ndjson'])
  const verdict = trail.verdict(names())
  assert.deepEqual([verdict.findings, verdict.firstSequence, verdict.linesAfterSeal], [[], 3, 0])
  const purge = trail.linesOf('audit.ndjson').find(({ event }) => event === 'purge')
  assert.equal(purge?.['detail'], 'audit-20261202T080000.ndjson')
  assert.ok(trail.logged.some((line) => line.includes('kept long enough') && line.includes('audit-20261202')))
})

test('a file that has grown is set aside, never over another one', async (context) => {
  const trail = await kept(context)
  const { audit, close } = asParts(await trail.open({ rotate: { daily: false, maxBytes: 2_000 } }))
  for (let index = 0; index < 40; index += 1)
    audit.write({ time: trail.clock, event: 'request', requestId: `${index}` })
  await close()
  const names = readdirSync(trail.folder).filter((name) => name.startsWith('audit-'))
  assert.ok(names.length >= 3, names.join(' '))
  const nth = (name: string): number => Number(/-(\d+)\.ndjson$/.exec(name)?.[1] ?? 0)
  names.sort((one, other) => nth(one) - nth(other))
  const verdict = trail.verdict([...names, 'audit.ndjson'])
  assert.deepEqual(verdict.findings, [])
  for (const name of names) assert.equal(trail.linesOf(name).at(-1)?.['event'], 'seal')
})

test('what another program rotates stays one chain', async (context) => {
  const trail = await kept(context)
  const opened = await trail.open({ rotate: { daily: false, maxBytes: undefined } })
  const { audit, close } = asParts(opened)
  audit.write({ time: trail.clock, event: 'request' })
  await audit.flush()
  renameSync(trail.path('audit.ndjson'), trail.path('audit.ndjson.1'))
  opened.reopen()
  audit.write({ time: trail.clock, event: 'request' })
  await close()
  assert.deepEqual(trail.verdict(['audit.ndjson.1', 'audit.ndjson']).findings, [])
  assert.equal(trail.linesOf('audit.ndjson').length, 2)
})

test('a line that a crash cut short is followed by a whole one, and tied in', async (context) => {
  const trail = await kept(context)
  const first = asParts(await trail.open())
  for (let index = 0; index < 3; index += 1) first.audit.write({ time: trail.clock, event: 'request' })
  await first.close()
  truncateSync(trail.path('audit.ndjson'), statSync(trail.path('audit.ndjson')).size - 30)
  const second = asParts(await trail.open())
  second.audit.write({ time: trail.clock, event: 'start' })
  await second.close()
  const verdict = trail.verdict(['audit.ndjson'])
  assert.deepEqual([verdict.findings, verdict.torn], [[], [{ file: 'audit.ndjson', line: 4 }]])
})

test('the chain goes on from the last file that was set aside where the file is gone', async (context) => {
  const trail = await kept(context)
  const first = asParts(await trail.open())
  first.audit.write({ time: trail.clock, event: 'request' })
  await first.close()
  renameSync(trail.path('audit.ndjson'), trail.path('audit-20261201T090000.ndjson'))
  const second = asParts(await trail.open())
  second.audit.write({ time: trail.clock, event: 'start' })
  await second.close()
  assert.ok(trail.verdict(['audit-20261201T090000.ndjson', 'audit.ndjson']).ok)
})

test('while it runs the trail is sealed each hour where something was written', async (context) => {
  const trail = await kept(context)
  const { audit, tick } = asParts(await trail.open())
  audit.write({ time: trail.clock, event: 'request' })
  for (const minutes of [59, 60, 90, 130, 200]) {
    trail.clock = start + minutes * 60_000
    tick()
  }
  await audit.flush()
  assert.deepEqual(
    trail.linesOf('audit.ndjson').map(({ event }) => event),
    ['request', 'seal'],
  )
})

test('a clock that was set back keeps no seal waiting', async (context) => {
  const trail = await kept(context)
  const { audit, tick } = asParts(await trail.open())
  audit.write({ time: trail.clock, event: 'request' })
  trail.clock = start - 5 * 60 * 60_000
  tick()
  await audit.flush()
  assert.deepEqual(
    trail.linesOf('audit.ndjson').map(({ event }) => event),
    ['request', 'seal'],
  )
})

test('a second process that names the same file does not start, and is told who holds it', async (context) => {
  const trail = await kept(context)
  const { close } = asParts(await trail.open())
  await assert.rejects(trail.open(), (error: Error) => {
    assert.match(
      error.message,
      /gateway\.yaml:7:3 audit process \d+ on `.*` writes it, says `.*audit\.ndjson\.lock`/,
    )
    return true
  })
  await close()
  const { close: closeAgain } = asParts(await trail.open())
  await closeAgain()
  assert.ok(!readdirSync(trail.folder).includes('audit.ndjson.lock'))
})

test('the lock of a process that is gone, or was silent for long, keeps nobody out', async (context) => {
  const trail = await kept(context)
  const gone = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim()
  const lock = trail.path('audit.ndjson.lock')
  const held = (owner: object, ageSeconds: number): void => {
    writeFileSync(lock, JSON.stringify({ nonce: 'x', ...owner }))
    const then = Date.now() / 1_000 - ageSeconds
    utimesSync(lock, then, then)
  }
  held({ pid: Number(gone), host: hostname() }, 0)
  await (await trail.open()).close()
  held({ pid: process.pid, host: hostname() }, 0)
  await (await trail.open()).close()
  held({ pid: 1, host: 'another-machine' }, 5)
  await assert.rejects(trail.open(), /process 1 on `another-machine` writes it/)
  held({ pid: 1, host: 'another-machine' }, 40)
  await (await trail.open()).close()
  writeFileSync(lock, 'nonsense')
  await assert.rejects(trail.open(), /another process writes it/)
})

test('a lock that another process took over is told once', async (context) => {
  const trail = await kept(context)
  const { tick } = asParts(await trail.open())
  writeFileSync(trail.path('audit.ndjson.lock'), JSON.stringify({ pid: 1, host: 'x', nonce: 'y' }))
  tick()
  await until('a word in the log', () =>
    trail.logged.some((line) => line.includes('another process has taken the audit file')),
  )
})

test('a key that is none, or of another kind, is refused with its place', async (context) => {
  const trail = await kept(context)
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  for (const [text, problem] of [
    ['SECRET', 'expected an Ed25519 private key in PEM'],
    [rsa.export({ type: 'pkcs8', format: 'pem' }).toString(), 'found one of kind `rsa`'],
  ] as const) {
    writeFileSync(trail.path('audit.key'), text)
    await assert.rejects(trail.open(), (error: Error) => {
      assert.ok(error.message.startsWith(`${trail.path('gateway.yaml')}:7:3 audit.sealKey`), error.message)
      assert.ok(error.message.includes(problem) && !error.message.includes('SECRET'), error.message)
      return true
    })
  }
  assert.ok(!readdirSync(trail.folder).includes('audit.ndjson.lock'))
})

test('a gateway leaves a trail that `audit verify` finds in order, and a meddled one that it does not', async (context) => {
  const stand = await makeStand(context, {
    config: (text) =>
      text.replace('audit: { file: audit.ndjson }', 'audit: { file: audit.ndjson, sealKey: audit.key }'),
  })
  for (let index = 0; index < 3; index += 1)
    await stand.auditOf(await stand.send({ fields: ['Connection: close'] }))
  await stand.gateway.stop('test')
  const file = join(stand.folder, 'audit.ndjson')
  const verify = async (): Promise<{ code: number; text: string }> => {
    const { cli } = await import('../../src/cli/cli.js')
    const { PassThrough } = await import('node:stream')
    const out = new PassThrough()
    const code = await cli(['audit', 'verify', file, '--public-key', join(stand.folder, 'audit.key.pub')], {
      stdout: out,
      stderr: out,
    })
    out.end()
    const ended = once(out, 'end')
    let text = ''
    out.on('data', (bytes: Buffer) => (text += bytes.toString()))
    await ended
    return { code, text }
  }
  const good = await verify()
  assert.equal(good.code, 0, good.text)
  assert.match(good.text, /in order/)
  const events = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => parsed(line)['event'])
  assert.deepEqual(events, ['start', 'request', 'request', 'request', 'stop', 'seal'])
  const lines = readFileSync(file, 'utf8').split('\n')
  writeFileSync(file, lines.toSpliced(2, 1).join('\n'))
  const bad = await verify()
  assert.equal(bad.code, 3)
  assert.ok(bad.text.includes(`${file}:3 missing: 1 line is missing before this one: number 3`), bad.text)
})

/** Its methods as functions of their own. */
function asParts(trail: AuditTrail) {
  return {
    audit: trail.audit,
    tick: () => {
      trail.tick()
    },
    close: () => trail.close(),
  }
}
