import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { firstCalls } from '../../src/dev/first-calls.js'
import { freePorts, run } from './program.js'

const exec = promisify(execFile)

test('a first start', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ror-dev-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const [sandbox = 0, production = 0, admin = 0, ror = 0] = await freePorts(4)
  const args = [
    ...[
      'dev',
      '--folder',
      '.dev',
      '--sandbox-port',
      String(sandbox),
      '--production-port',
      String(production),
    ],
    ...['--admin-port', String(admin), '--ror-port', String(ror)],
  ]
  const first = run(args, folder)
  await first.until('Stop with Ctrl-C')
  const calls = firstCalls({ folder: '.dev', ports: { sandbox, production, admin, ror } })
  assert.ok(calls.length >= 15)

  let answered = ''
  for (const { title, status, reason, arguments: curl } of calls) {
    await context.test(
      `prints a call that works as printed: ${title} → ${status} ${reason ?? ''}`,
      async () => {
        const { stdout } = await exec('curl', [...curl], { cwd: folder })
        assert.match(stdout, new RegExp(`^HTTP/1\\.1 ${status} `), stdout)
        assert.equal(/^ror-gateway-reason: (.*)\r$/im.exec(stdout)?.[1], reason)
        if (reason !== undefined) assert.ok(stdout.includes(reason))
        answered = /^x-request-id: (.*)\r$/im.exec(stdout)?.[1] ?? ''
      },
    )
  }

  await context.test(
    'says how the id of an answer finds its audit line, and whether the trail is whole',
    async () => {
      const printed = [...first.stdout().matchAll(/^npx ror-gateway (.*)$/gm)].map(([, line = '']) => line)
      assert.equal(printed.length, 2)
      for (const [index, says] of [/^.* was refused: certificate-not-listed\n/, /in order/].entries()) {
        const said = run((printed[index] ?? '').replace('ID', answered).split(' '), folder)
        await said.ended
        assert.match(said.stdout(), says)
      }
    },
  )

  await context.test('tells its state at the admin address', async () => {
    const pages = await Promise.all(
      ['metrics', 'livez', 'readyz', 'status'].map(async (page) => {
        const response = await fetch(`http://127.0.0.1:${admin}/${page}`)
        return { status: response.status, text: await response.text() }
      }),
    )
    for (const { status } of pages) assert.equal(status, 200)
    const [metrics] = pages
    assert.match(
      metrics?.text ?? '',
      /^ror_gateway_requests_total\{.*reason="establishment-not-permitted".*\} 1$/m,
    )
  })

  await context.test(
    'takes an edited whitelist up while running, and a mistake is told with its place',
    async () => {
      const file = join(folder, '.dev/whitelist/sandbox/saas-lits.yaml')
      const good = readFileSync(file, 'utf8')
      writeFileSync(file, good.replace('establishments:', 'establishment:'))
      await first.until('did you mean')
      assert.match(
        first.stderr(),
        /saas-lits\.yaml:\d+:\d+ unknown key `establishment`; did you mean `establishments`\?/,
      )
      writeFileSync(file, good)
      await first.until('configuration unchanged')
    },
  )

  await context.test('stops at SIGTERM with code 0', async () => {
    first.process.kill('SIGTERM')
    assert.equal(await first.ended, 0)
  })

  await context.test('is followed by a second one that keeps the certificates', async () => {
    const before = readFileSync(join(folder, '.dev/pki/test/eai.pem'), 'utf8')
    const second = run(args, folder)
    await second.until('Stop with Ctrl-C')
    assert.match(second.stdout(), /kept the PKI/)
    second.process.kill('SIGINT')
    assert.equal(await second.ended, 0)
    assert.equal(readFileSync(join(folder, '.dev/pki/test/eai.pem'), 'utf8'), before)
  })

  await context.test('on a taken port ends with one clear line', async () => {
    const taken = createServer().listen(sandbox, '127.0.0.1')
    await once(taken, 'listening')
    const third = run(args, folder)
    assert.equal(await third.ended, 1)
    taken.close()
    assert.match(
      third.stderr(),
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${sandbox}: another program listens there already\\n$`),
    )
    assert.equal(third.stderr().trim().split('\n').length, 1, third.stderr())
  })

  await context.test('in a folder that cannot be one ends with one clear line', async () => {
    writeFileSync(join(folder, 'file'), '')
    const fourth = run(['dev', '--folder', 'file'], folder)
    assert.equal(await fourth.ended, 1)
    assert.equal(fourth.stderr().trim().split('\n').length, 1, fourth.stderr())
    assert.match(fourth.stderr(), /file/)
  })
})

test('with ports that the system chooses, what is printed names those that it chose', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ror-dev-'))
  const [ror = 0] = await freePorts(1)
  const chosen = ['sandbox', 'production', 'admin'].flatMap((name) => [`--${name}-port`, '0'])
  const program = run(['dev', ...chosen, '--ror-port', String(ror)], folder)
  context.after(async () => {
    program.process.kill('SIGKILL')
    await program.ended
    rmSync(folder, { recursive: true, force: true })
  })
  await program.until('Stop with Ctrl-C')
  const printed = program.stdout()
  for (const [title, status] of [
    ['a consumer searches', 200],
    ['production, with a PROD certificate', 200],
    ['a TEST certificate in production', 401],
  ] as const) {
    const [, rest = ''] = printed.split(new RegExp(`^# \\d+\\. ${title} .*\\n`, 'm'))
    const [command = ''] = rest.split('\n\n')
    const { stdout } = await exec('bash', ['-c', command], { cwd: folder })
    assert.match(stdout, new RegExp(`^HTTP/1\\.1 ${status} `), command)
  }
  const [, metrics = ''] = /^Metrics +(\S+)/m.exec(printed) ?? []
  assert.equal((await fetch(metrics)).status, 200)
})
