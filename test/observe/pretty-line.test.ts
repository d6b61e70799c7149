import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { Failure } from '../../src/core/failure.js'
import { createLog } from '../../src/observe/log.js'
import { logDestination, prettyLine } from '../../src/observe/pretty-line.js'

const now = (): number => Date.UTC(2026, 11, 1, 8, 30, 0, 7)

function written(isTTY: boolean, variables: Record<string, string> = { NO_COLOR: '1' }) {
  let text = ''
  const stream = { isTTY, write: (more: string) => (text += more) !== '' }
  const log = createLog({ level: 'debug', destination: logDestination(stream, variables), now })
  return { log, text: () => text }
}

test('people on a terminal read time, level, message and fields; anybody else reads JSON', () => {
  const [terminal, pipe] = [written(true), written(false)]
  for (const { log } of [terminal, pipe]) {
    log.warn('a handshake is refused', {
      environment: 'sandbox',
      subject: 'CN=x, O=y',
      requests: 3,
      diagnostics: ['gateway.yaml:1:2 one', 'gateway.yaml:3:4 "two"'],
    })
  }
  assert.equal(
    terminal.text(),
    [
      '08:30:00.007 WARN  a handshake is refused  environment=sandbox  subject="CN=x, O=y"  requests=3',
      '    gateway.yaml:1:2 one',
      '    gateway.yaml:3:4 "two"',
      '',
    ].join('\n'),
  )
  assert.ok(pipe.text().startsWith('{"level":"warn"'))
})

test('an error stands below its line, its causes below it, each deeper', () => {
  const { log, text } = written(true)
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', port: 9081 })
  log.error('the upstream failed', { error: new Failure('upstream-refused', 'no connection', { cause }) })
  assert.equal(
    text(),
    [
      '08:30:00.007 ERROR the upstream failed',
      '    Failure upstream-refused no connection',
      '        Error ECONNREFUSED connect ECONNREFUSED port=9081',
      '',
    ].join('\n'),
  )
})

test('colours stand on a terminal alone, and none where they are not wanted', () => {
  const escape = '\u001b['
  for (const [isTTY, variables, isColoured] of [
    [true, {}, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
  ] as const) {
    const { log, text } = written(isTTY, variables)
    log.info('listening')
    assert.equal(text().includes(escape), isColoured)
  }
})

test('no text of anybody moves the cursor, colours a line or begins another', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (odd) => {
      const { log, text } = written(true)
      log.info(odd, { subject: odd, diagnostics: [odd], error: new Error(odd) })
      assert.doesNotMatch(text().replaceAll('\n', ''), /[\p{Cc}\p{Zl}\p{Zp}]/u)
      assert.match(text().split('\n')[0] ?? '', /^08:30:00\.007 INFO {2}/)
      for (const line of text().split('\n').slice(1)) assert.match(line, /^(?: {4}|$)/)
    }),
  )
})

test('a line that is no object is left as it is', () => {
  assert.equal(prettyLine('7', true), '7')
})
