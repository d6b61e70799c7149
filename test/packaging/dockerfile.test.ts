import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/shared.js'
import { readDockerfile, stagesOf } from './dockerfile.js'

const instructions = readDockerfile()
const stages = stagesOf(instructions)
const final = stages.at(-1) ?? []
const textsOf = (name: string): readonly string[] =>
  final.filter((each) => each.name === name).map(({ text }) => text)
// the shape is npm's
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  engines: { node: string }
}

test('every stage starts from one Node image, pinned to a whole version', () => {
  assert.ok(stages.length >= 3)
  const bases = new Set(stages.map(([from]) => from?.text.split(' ')[0]))
  assert.equal(bases.size, 1)
  assert.match([...bases][0] ?? '', /^node:\d+\.\d+\.\d+-[a-z]+-slim(@sha256:[0-9a-f]{64})?$/)
})

test('its Node is an even line that package.json and README support', () => {
  const major = Number(/^node:(\d+)/.exec(stages[0]?.[0]?.text ?? '')?.[1])
  assert.equal(major % 2, 0)
  assert.ok(major >= Number(/(\d+)/.exec(manifest.engines.node)?.[1]))
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const supported = /Node (\d+)\.\d+ or newer \(([^)]*)\)/.exec(readme)
  assert.equal(`>=${/Node (\d+\.\d+) or newer/.exec(readme)?.[1] ?? ''}.0`, manifest.engines.node)
  assert.ok(supported?.[2]?.split(/\D+/).includes(String(major)), 'README does not name this line')
})

test('the image runs as a number that is not root, and copies nothing that user may write', () => {
  const [user = ''] = textsOf('USER')
  assert.match(user, /^[1-9]\d{3,}:[1-9]\d{3,}$/)
  assert.equal(
    final.some(({ name, text }) => name === 'COPY' && text.includes('--chown')),
    false,
  )
  assert.equal(
    final.some(({ name }) => name === 'RUN' || name === 'ADD' || name === 'VOLUME'),
    false,
  )
})

test('only the program, what it depends on and its manifest are in the image', () => {
  assert.deepEqual(
    textsOf('COPY').map((text) => text.split(' ').at(-2)?.split('/').at(-1)),
    ['node_modules', 'dist', 'package.json'],
  )
})

test('packages are those of the lock file, without their scripts and without those for development', () => {
  const runs = instructions.filter(({ name }) => name === 'RUN').map(({ text }) => text)
  const installs = runs.filter((text) => /npm (ci|i|install)\b/.test(text))
  assert.ok(installs.length >= 2)
  for (const text of installs) assert.match(text, /npm ci .*--ignore-scripts/)
  assert.ok(installs.some((text) => text.includes('--omit=dev')))
})

test('it is started, stopped and checked without a shell', () => {
  for (const name of ['ENTRYPOINT', 'CMD']) {
    const [text = ''] = textsOf(name)
    assert.ok(Array.isArray(JSON.parse(text)), `${name} ${text}`)
  }
  assert.deepEqual(textsOf('STOPSIGNAL'), ['SIGTERM'])
  const [check = ''] = textsOf('HEALTHCHECK')
  assert.match(check, /--interval=\d+s .*--timeout=\d+s .*CMD \["node", "[^"]+\/bin\.js", "health"/)
})

test('its labels are those of OCI, with the version of package.json', () => {
  const [labels = ''] = textsOf('LABEL')
  for (const key of ['title', 'description', 'version', 'revision', 'created', 'documentation']) {
    assert.ok(labels.includes(`org.opencontainers.image.${key}=`), key)
  }
  assert.ok(labels.includes(`image.version="${manifest.version}"`))
})

test('the builder is sent nothing but what a COPY names', () => {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
  const [first, ...rest] = lines.filter((line) => line !== '' && !line.startsWith('#'))
  assert.equal(first, '*')
  const copied = instructions
    .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
    .flatMap(({ text }) => text.split(' ').slice(0, -1))
  assert.deepEqual(new Set(rest.map((line) => line.replace(/^!/, ''))), new Set(copied))
})
