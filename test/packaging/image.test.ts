import assert from 'node:assert/strict'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { root } from '../support/shared.js'
import { firstCalls } from '../../src/dev/first-calls.js'
import { freePorts } from '../cli/program.js'
import { readDockerfile, stagesOf, type Instruction } from './dockerfile.js'

const exec = promisify(execFile)
const isRoot = process.getuid?.() === 0

/** Does what a stage says in a folder that stands for its file system. */
async function build(
  stage: readonly Instruction[],
  place: { readonly folder: string; readonly stages: ReadonlyMap<string, string> },
): Promise<void> {
  let workdir = '/'
  for (const { name, text } of stage) {
    if (name === 'WORKDIR') {
      workdir = text
      mkdirSync(join(place.folder, workdir), { recursive: true })
    }
    if (name === 'COPY') {
      const words = text.split(' ')
      const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined
      const source = from === undefined ? root : (place.stages.get(from) ?? '')
      const target = words.pop() ?? ''
      for (const word of words) {
        const into = join(place.folder, isAbsolute(target) ? '' : workdir, target)
        cpSync(join(source, word), target.endsWith('/') ? join(into, word) : into, { recursive: true })
      }
    }
    if (name === 'RUN') {
      const env = { ...process.env, npm_config_prefer_offline: 'true' }
      await exec('/bin/sh', ['-c', text], { cwd: join(place.folder, workdir), env, maxBuffer: 1 << 24 })
    }
  }
}

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ror-image-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  chmodSync(folder, 0o755)
  return folder
}

interface Started {
  readonly process: ChildProcess
  readonly output: () => string
  until(text: string): Promise<void>
}

function start(
  command: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Started {
  const child = spawn(command, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let see: () => void = () => undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      see()
    })
  }
  return {
    process: child,
    output: () => output,
    until: (text) =>
      new Promise((resolve, reject) => {
        see = () => {
          if (output.includes(text)) resolve()
        }
        child.once('close', () => {
          reject(new Error(`ended before \`${text}\`: ${output}`))
        })
        see()
      }),
  }
}

/** Starts a development gateway, makes the first call, and stops it. */
async function reachesItsFirstAnswer(
  command: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  const [sandbox = 0, production = 0, admin = 0, ror = 0] = await freePorts(4)
  const ports = [
    '--sandbox-port',
    sandbox,
    '--production-port',
    production,
    '--admin-port',
    admin,
    '--ror-port',
    ror,
  ]
  const [program = '', ...args] = command
  const gateway = start(program, [...args, 'dev', '--folder', '.dev', ...ports.map(String)], { cwd, env })
  try {
    await gateway.until('Stop with Ctrl-C')
    const [first] = firstCalls({ folder: '.dev', ports: { sandbox, production, admin, ror } })
    const { stdout } = await exec('curl', [...(first?.arguments ?? [])], { cwd })
    assert.match(stdout, /^HTTP\/1\.1 200 /)
    const healthy = await exec(program, [...args, 'health', '--config', '.dev/gateway.yaml'], { cwd, env })
    assert.match(healthy.stdout, /\/readyz: 200/)
  } finally {
    const ended = once(gateway.process, 'close')
    gateway.process.kill('SIGTERM')
    await ended
  }
  assert.equal(gateway.process.exitCode, 0, gateway.output())
}

test('what the Dockerfile says, done in a folder', { timeout: 280_000 }, async (context) => {
  const folder = scratch(context)
  const stages = new Map<string, string>()
  const described = stagesOf(readDockerfile())
  for (const [index, stage] of described.entries()) {
    const place = join(folder, `stage-${index}`)
    mkdirSync(place)
    const name = / AS (\w+)$/.exec(stage[0]?.text ?? '')?.[1]
    await build(stage, { folder: place, stages })
    if (name !== undefined) stages.set(name, place)
  }
  const image = join(folder, `stage-${described.length - 1}`, 'opt/ror-gateway')

  await context.test('holds no package for development, no source and no map', () => {
    assert.deepEqual(readdirSync(image).sort(), ['dist', 'node_modules', 'package.json'])
    const packages = readdirSync(join(image, 'node_modules'))
    assert.ok(
      packages.includes('http-proxy') && !packages.includes('typescript') && !packages.includes('eslint'),
    )
    const files = readdirSync(join(image, 'dist'), { recursive: true, encoding: 'utf8' })
    assert.deepEqual(
      files.filter((name) => /\.(map|ts)$/.test(name)),
      [],
    )
  })

  await context.test(
    'runs as another user, with an empty environment, and writes nothing beside its volume',
    async () => {
      const volume = join(folder, 'volume')
      mkdirSync(volume, { mode: 0o777 })
      chmodSync(volume, 0o777)
      const before = await listing(image)
      await exec('chmod', ['-R', 'a-w,a+rX', image])
      const user = isRoot
        ? ['setpriv', '--reuid=10001', '--regid=10001', '--clear-groups', '--no-new-privs']
        : []
      const program = [process.execPath, join(image, 'dist/cli/bin.js')]
      await reachesItsFirstAnswer([...user, 'env', '-i', ...program], {
        cwd: volume,
        env: { PATH: process.env['PATH'] },
      })
      assert.deepEqual(await listing(image), before)
    },
  )

  await context.test('npm pack makes a package that installs and starts in an empty folder', async () => {
    const built = join(stages.get('build') ?? '', 'build')
    for (const name of ['README.md', 'CHANGELOG.md', 'docs', 'config']) {
      cpSync(join(root, name), join(built, name), { recursive: true })
    }
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    const env = { ...process.env, npm_config_prefer_offline: 'true' }
    const packed = await exec('npm', ['pack', '--silent', '--pack-destination', empty], { cwd: built, env })
    const tarball = packed.stdout.trim()
    const { stdout } = await exec('tar', ['-tzf', join(empty, tarball)])
    const files = stdout.trim().split('\n')
    for (const name of [
      'dist/cli/bin.js',
      'docs/README.md',
      'config/gateway.yaml',
      'CHANGELOG.md',
      'README.md',
    ]) {
      assert.ok(files.includes(`package/${name}`), name)
    }
    assert.equal(
      files.some((name) => /^package\/(src|test|bench|node_modules|\.)/.test(name)),
      false,
    )
    await exec('npm', ['init', '-y'], { cwd: empty, env })
    await exec('npm', ['install', '--omit=dev', `./${tarball}`], { cwd: empty, env })
    const version = await exec('npx', ['--no-install', 'ror-gateway', '--version'], { cwd: empty, env })
    assert.match(version.stdout, /^ror-gateway \d+\.\d+\.\d+\n$/)
    await reachesItsFirstAnswer([join(empty, 'node_modules/.bin/ror-gateway')], { cwd: empty, env })
  })
})

async function listing(folder: string): Promise<readonly string[]> {
  const { stdout } = await exec('find', [folder, '-printf', '%p %s %T@\n'], { maxBuffer: 1 << 24 })
  return stdout
    .split('\n')
    .filter((line) => !line.startsWith(`${folder} `))
    .sort()
}
