import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/core/failure.js'
import { createLog, type Log, type LogFields, type LogLevel } from '../../src/observe/log.js'
import { linesInMemory, parsed } from './lines.js'

function logged(level: LogLevel = 'info'): { readonly log: Log; readonly lines: string[] } {
  const sink = linesInMemory()
  const log = createLog({ level, destination: sink, now: () => Date.UTC(2026, 11, 1) })
  return { log, lines: sink.lines }
}

test('a line is one JSON object: level, time, fields, message', () => {
  const { log, lines } = logged()
  log.info('whitelist reloaded', { environment: 'sandbox', partners: 4 })
  assert.deepEqual(lines, [
    '{"level":"info","time":"2026-12-01T00:00:00.000Z","environment":"sandbox","partners":4,"message":"whitelist reloaded"}\n',
  ])
})

test('the level can be changed while running', () => {
  const { log, lines } = logged('warn')
  log.info('not written')
  log.setLevel('debug')
  log.debug('one')
  log.setLevel('silent')
  log.error('not written')
  log.setLevel('error')
  log.warn('not written')
  log.error('two')
  assert.deepEqual(
    lines.map((line) => parsed(line)['message']),
    ['one', 'two'],
  )
  assert.equal(log.level, 'error')
})

test('what has no field is not written, and neither are secrets in a text', () => {
  const { log, lines } = logged()
  const secrets = { body: 'SECRET', headers: { authorization: 'SECRET' } }
  // @ts-expect-error the type has no such fields
  const none: LogFields = secrets
  log.info('nothing', none)
  const fields: LogFields = { ...secrets, path: '/a?identifier=SECRET' }
  log.warn('failed for Bearer SECRETSECRET at http://h/p?q=SECRET', fields)
  const key = '-----BEGIN RSA PRIVATE KEY-----\nSECRET\n-----END RSA PRIVATE KEY-----'
  log.warn(`key ${key}`, { detail: 'password=SECRET&x=1', diagnostics: [key, 'client_secret=SECRET'] })
  log.warn(`cut key ${key.slice(0, 40)}`)
  assert.ok(!lines.join('').includes('SECRET'), lines.join(''))
  assert.equal(parsed(lines[1])['path'], '/a')
})

test('an error is its kind, codes, message and causes, without what it was reading', () => {
  const { log, lines } = logged()
  let cause: unknown
  try {
    JSON.parse('{"patient":SECRET}')
  } catch (error) {
    cause = error
  }
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9081'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address: '127.0.0.1',
    port: 9081,
    headers: 'SECRET',
    cause,
  })
  log.error('request failed', { error: new Failure('upstream-refused', 'no connection', { cause: refused }) })
  assert.deepEqual(parsed(lines[0])['error'], {
    kind: 'Failure',
    code: 'upstream-refused',
    message: 'no connection',
    cause: {
      kind: 'Error',
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: '127.0.0.1',
      port: 9081,
      message: 'connect ECONNREFUSED 127.0.0.1:9081',
      cause: { kind: 'SyntaxError' },
    },
  })
})

test('a bug leaves the frames of its stack, and nothing of its message among them', () => {
  const { log, lines } = logged()
  log.error('request failed', { error: new TypeError('first\n    at SECRET Bearer SECRETSECRET') })
  const { frames, message } = parsed(lines[0])['error'] as { frames: string[]; message: string } // as written above
  assert.equal(message, 'first\n    at SECRET Bearer [credentials]')
  assert.ok(frames.length > 0 && frames.length <= 8)
  assert.ok(frames.every((frame) => frame.startsWith('at ') && !frame.includes('SECRET')))
})

test('anything thrown can be logged', () => {
  const { log, lines } = logged()
  const circular = new Error('round')
  circular.cause = circular
  const unstacked = Object.assign(new Error('no stack'), { stack: undefined })
  for (const error of [undefined, null, 'SECRET', 7, circular, unstacked, Object.create(null)]) {
    log.error('failed', { error })
  }
  assert.equal(lines.length, 7)
  assert.ok(lines.every((line) => parsed(line)['message'] === 'failed' && !line.includes('SECRET')))
})

test('a line stays one line, and is bounded', () => {
  const { log, lines } = logged()
  log.info('a\r\nb\u2028', {
    subject: 'x'.repeat(5_000),
    diagnostics: Array.from({ length: 500 }, () => 'd'),
  })
  assert.match(lines[0] ?? '', /^[^\r\n\u2028]+\n$/)
  assert.equal(parsed(lines[0])['message'], 'a\r\nb\u2028')
  const { subject, diagnostics } = parsed(lines[0]) as { subject: string; diagnostics: string[] } // as written above
  assert.equal(subject.length, 1_024 + '…[+3976]'.length)
  assert.equal(diagnostics.length, 100)
})
