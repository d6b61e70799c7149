import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainEnd, genesis, lineHash } from '../../src/observe/audit-chain.js'
import type { AuditFormat } from '../../src/observe/audit-event.js'
import {
  makeSealKeyPem,
  readSealKey,
  readSealWitness,
  type SealWitness,
} from '../../src/observe/audit-seal.js'
import { AuditVerifier, type AuditVerdict } from '../../src/observe/audit-verify.js'
import { createAudit } from '../../src/observe/audit.js'
import { linesInMemory, parsed } from './lines.js'

const pem = makeSealKeyPem()
const sealKey = keyOf(pem)
const witness = witnessOf(sealKey.publicPem)

function keyOf(text: string) {
  const read = readSealKey(text)
  assert.ok(read.ok)
  return read.value
}

function witnessOf(text: string): SealWitness {
  const read = readSealWitness(text)
  assert.ok(read.ok)
  return read.value
}

/** Twelve events, a seal in their middle and one at their end: lines 7 and 14. */
function trail(format: AuditFormat = 'native'): string[] {
  const sink = linesInMemory()
  const audit = createAudit(sink, { sealKey, format })
  for (let index = 0; index < 12; index += 1) {
    if (index === 6) audit.seal(index)
    assert.ok(
      audit.write({
        time: index,
        event: 'request',
        requestId: `r${index}`,
        client: { subject: 'CN="é",O=x' },
      }),
    )
  }
  audit.seal(99)
  return sink.lines.map((line) => line.slice(0, -1))
}

function verified(lines: readonly string[], witnesses: readonly SealWitness[] = [witness]): AuditVerdict {
  const verifier = new AuditVerifier(witnesses)
  verifier.beginFile('audit.ndjson')
  for (const line of lines) verifier.take(Buffer.from(line))
  return verifier.verdict()
}

/** Findings as `kind:line`. */
function found(lines: readonly string[], witnesses?: readonly SealWitness[]): string[] {
  return verified(lines, witnesses).findings.map(({ kind, place }) => `${kind}:${place.line}`)
}

test('each line holds the hash of the one before, and a number', () => {
  const lines = trail()
  assert.equal(lines.length, 14)
  for (const [index, line] of lines.entries()) {
    const { sequence, prev } = parsed(line)
    assert.equal(sequence, index + 1)
    assert.equal(prev, index === 0 ? genesis.hash : lineHash(lines[index - 1] ?? ''))
  }
})

test('a trail as it was written is found whole, in both forms, sealed to its end', () => {
  for (const format of ['native', 'ecs'] as const) {
    const verdict = verified(trail(format))
    assert.deepEqual(verdict.findings, [])
    assert.ok(verdict.ok)
    assert.equal(verdict.lines, 14)
    assert.equal(verdict.sealsChecked, 2)
    assert.deepEqual(verdict.sealed, {
      place: { file: 'audit.ndjson', line: 14 },
      time: '1970-01-01T00:00:00.099Z',
    })
    assert.equal(verdict.linesAfterSeal, 0)
  }
})

test('a changed line is found where it stands, whichever it is and whatever was changed', () => {
  const lines = trail()
  for (const index of [0, 3, 8, 12]) {
    const line = lines[index] ?? ''
    assert.deepEqual(found(lines.with(index, line.replace('"r', '"s'))), [`changed:${index + 1}`], line)
  }
  // the last line is held by its seal alone
  const last = lines.at(-1) ?? ''
  assert.deepEqual(found(lines.with(-1, last.replace('.099Z', '.098Z'))), ['seal-wrong:14'])
})

test('missing lines are found with their numbers, at the line behind them', () => {
  const lines = trail()
  assert.deepEqual(found(lines.toSpliced(3, 1)), ['missing:4'])
  const [finding] = verified(lines.toSpliced(3, 2)).findings
  assert.equal(finding?.message, '2 lines are missing before this one: numbers 4 to 5')
})

test('moved lines are found', () => {
  const lines = trail()
  const [third = '', fourth = ''] = lines.slice(2, 4)
  assert.deepEqual(found(lines.with(2, fourth).with(3, third)), ['reordered:4'])
  assert.deepEqual(found([...lines.slice(0, 2), ...lines.slice(3, 9), third, ...lines.slice(9)]), [
    'reordered:9',
  ])
})

test('lines put in are found: repeated, forged with the right hash, or no line at all', () => {
  const lines = trail()
  const [first = '', , third = ''] = lines
  assert.deepEqual(found(lines.toSpliced(5, 0, third)), ['inserted:6'])
  const second = lines[1] ?? ''
  const forged = second.replace('"r1"', '"r9"')
  assert.deepEqual(found(lines.toSpliced(1, 0, forged)), ['inserted:2'])
  assert.deepEqual(found(lines.toSpliced(2, 0, forged)), ['inserted:3'])
  assert.deepEqual(found(lines.toSpliced(1, 0, 'nonsense')), ['unreadable:2'])
  assert.deepEqual(found([...lines, '']), ['unreadable:15'])
  assert.deepEqual(found(lines.toSpliced(4, 0, first)), ['begins-anew:5', 'missing:6'])
})

test('a trail made anew by somebody without the key shows by its seals', () => {
  const sink = linesInMemory()
  const forger = createAudit(sink, { sealKey: keyOf(makeSealKeyPem()) })
  forger.write({ time: 0, event: 'request' })
  assert.deepEqual(found(sink.lines.map((line) => line.slice(0, -1))), ['unsealed:1'])
  forger.seal(1)
  assert.deepEqual(found(sink.lines.map((line) => line.slice(0, -1))), [
    'seal-by-another-key:2',
    'unsealed:2',
  ])
  const [line = '', seal = ''] = sink.lines.map((text) => text.slice(0, -1))
  const claimed = seal.replace(/"key":"[0-9a-f]+"/, `"key":"${witness.digest}"`)
  assert.deepEqual(found([line, claimed]), ['seal-wrong:2', 'unsealed:2'])
  // without a public key the chain is all that can be looked at
  assert.deepEqual(found([line, seal], []), [])
})

test('a seal holds for the lines before it, too: none can be changed and tied in again', () => {
  const lines = trail()
  const sink = linesInMemory()
  const forger = createAudit(sink)
  for (const line of lines.slice(0, 6)) {
    forger.write({ time: 0, event: 'request', requestId: line.includes('r2') ? 'x' : 'y' })
  }
  const made = sink.lines.map((line) => line.slice(0, -1))
  assert.deepEqual(found([...made, ...lines.slice(6)]), ['changed:6'])
})

test('the chain goes on behind the end of a file, torn or whole', () => {
  const lines = trail()
  const whole = chainEnd(Buffer.from(`${lines.join('\n')}\n`))
  assert.deepEqual(whole, {
    head: { sequence: 14, hash: lineHash(lines.at(-1) ?? '') },
    isTorn: false,
    time: 99,
  })
  const torn = `${lines.slice(0, 5).join('\n')}\n${(lines[5] ?? '').slice(0, 40)}`
  const end = chainEnd(Buffer.from(torn))
  assert.deepEqual(end.head, { sequence: 5, hash: lineHash((lines[5] ?? '').slice(0, 40)) })
  assert.ok(end.isTorn)
  const sink = linesInMemory()
  createAudit(sink, { head: end.head }).write({ time: 6, event: 'start' })
  const verdict = verified([...torn.split('\n'), ...sink.lines.map((line) => line.slice(0, -1))], [])
  assert.deepEqual([verdict.findings, verdict.torn], [[], [{ file: 'audit.ndjson', line: 6 }]])
  assert.deepEqual(chainEnd(Buffer.alloc(0)).head, genesis)
})

test('the file is set aside when it is due, sealed behind its last line', () => {
  const sink = linesInMemory()
  const day = 86_400_000
  const rotated: number[] = []
  const audit = createAudit(sink, {
    sealKey,
    rotation: {
      maxBytes: undefined,
      daily: true,
      begun: { bytes: 0, time: Number.NaN },
      rotate: (time) => rotated.push(time, sink.lines.length),
    },
  })
  for (const time of [day - 2, day - 1, day, day - 1, day + 1, 3 * day]) {
    audit.write({ time, event: 'request' })
  }
  assert.deepEqual(rotated, [day, 3, 3 * day, 7])
  const events = sink.lines.map((line) => parsed(line)['event'])
  assert.deepEqual([events[2], events[6]], ['seal', 'seal'])
  assert.ok(verified(sink.lines.map((line) => line.slice(0, -1))).ok)
})

test('a file that stands there already is set aside by its size and by its last day', () => {
  const rotatedAt = (begun: { bytes: number; time: number }, daily: boolean): number[] => {
    const rotated: number[] = []
    const rotation = { maxBytes: 1_000, daily, begun, rotate: (time: number) => rotated.push(time) }
    const audit = createAudit(linesInMemory(), { rotation })
    for (let time = 86_400_000; time < 86_400_014; time += 1) audit.write({ time, event: 'request' })
    return rotated
  }
  assert.ok(rotatedAt({ bytes: 5, time: 86_399_999 }, true).length > 1)
  assert.equal(rotatedAt({ bytes: 5, time: 86_399_999 }, true)[0], 86_400_000)
  assert.equal(rotatedAt({ bytes: 1_000, time: Number.NaN }, false)[0], 86_400_000)
  assert.notEqual(rotatedAt({ bytes: 5, time: Number.NaN }, true)[0], 86_400_000)
})

test('a key of another kind, and what is no key, is refused without a word of it', () => {
  for (const text of ['SECRET', '-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----']) {
    for (const read of [readSealKey(text), readSealWitness(text)]) {
      assert.ok(
        !read.ok && read.problem.startsWith('expected an Ed25519 p') && !read.problem.includes('SECRET'),
      )
    }
  }
})

test('a line of the trail costs little more than writing it (printed, not judged)', (context) => {
  const sink = { ...linesInMemory(), write: () => true }
  const audit = createAudit(sink, { sealKey })
  const event = { time: 0, event: 'request' as const, requestId: 'r', subject: 'CN=x,O=y'.repeat(40) }
  for (let time = 0; time < 20_000; time += 1) audit.write({ ...event, time })
  const start = performance.now()
  for (let time = 0; time < 50_000; time += 1) audit.write({ ...event, time })
  context.diagnostic(`${((performance.now() - start) / 50).toFixed(2)} µs a line`)
})
