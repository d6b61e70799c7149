import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdir, readFile, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openAppendFile, type AppendFile, type AppendOptions } from '../../src/files/append.js'
import { scratchFolder } from './scratch.js'

interface Opened {
  readonly file: AppendFile
  /** `problem` with the code, `recovered` with the number of lost lines. */
  readonly bell: EventEmitter
}

async function opened(
  context: TestContext,
  path: string,
  more: Partial<AppendOptions> = {},
): Promise<Opened> {
  const bell = new EventEmitter()
  const result = await openAppendFile({
    target: { path },
    maxQueued: 10_000,
    rotationCheckMs: 0,
    retryMs: 10,
    onProblem: (problem) => bell.emit('problem', problem.code),
    onRecovered: (lost) => bell.emit('recovered', lost),
    ...more,
  })
  assert.ok(result.ok)
  context.after(() => result.value.close())
  return { file: result.value, bell }
}

test('lines are added in order to what stands in the file', async (context) => {
  const path = join(await scratchFolder(context), 'audit.ndjson')
  for (const round of [0, 1]) {
    const { file } = await opened(context, path)
    for (let index = 0; index < 100; index += 1) assert.ok(file.write(`${round} ${index} é\n`))
    assert.equal(await file.close(), 0)
  }
  const lines = (await readFile(path, 'utf8')).split('\n')
  assert.equal(lines.length, 201)
  assert.equal(lines[0], '0 0 é')
  assert.equal(lines[199], '1 99 é')
  assert.equal((await stat(path)).mode & 0o777, 0o640)
})

test('lines larger than the memory they wait in, and those that come while others are written, stay whole and in order', async (context) => {
  const path = join(await scratchFolder(context), 'audit.ndjson')
  const { file } = await opened(context, path, { maxQueued: 1e8 })
  const expected: string[] = []
  const add = (line: string): void => {
    expected.push(line)
    assert.ok(file.write(line))
  }
  for (let round = 0; round < 6; round += 1) {
    add(`${round} short\n`)
    // three bytes a character: what fits by its characters does not by its bytes
    add(`${round} ${'€'.repeat(60_000 + round * 20_000)}\n`)
    for (let index = 0; index < 3_000; index += 1) add(`${round} ${index} ${'é'.repeat(index % 90)}\n`)
    const written = file.flush()
    await new Promise(setImmediate)
    add(`${round} while the others are written\n`)
    if (round % 2 === 0) await written
  }
  assert.equal(await file.close(), 0)
  assert.ok((await readFile(path, 'utf8')) === expected.join(''))
})

test('a rotated file is left, and its successor made, by the next line', async (context) => {
  const folder = await scratchFolder(context)
  const path = join(folder, 'audit.ndjson')
  const { file } = await opened(context, path)
  file.write('one\n')
  await file.flush()
  await rename(path, `${path}.1`)
  file.write('two\n')
  await file.flush()
  await rm(path)
  file.write('three\n')
  await file.flush()
  assert.equal(await readFile(`${path}.1`, 'utf8'), 'one\n')
  assert.equal(await readFile(path, 'utf8'), 'three\n')
})

test('reopen changes to the successor at once, without looking', async (context) => {
  const path = join(await scratchFolder(context), 'audit.ndjson')
  const { file } = await opened(context, path, { rotationCheckMs: 1e9 })
  file.write('one\n')
  await file.flush()
  await rename(path, `${path}.1`)
  file.write('still one\n')
  await file.flush()
  file.reopen()
  await file.flush()
  file.write('two\n')
  await file.flush()
  assert.equal(await readFile(`${path}.1`, 'utf8'), 'one\nstill one\n')
  assert.equal(await readFile(path, 'utf8'), 'two\n')
})

test('a file cut to nothing in place (copytruncate) goes on from its beginning', async (context) => {
  const path = join(await scratchFolder(context), 'audit.ndjson')
  const { file } = await opened(context, path)
  file.write('one\n')
  await file.flush()
  await truncate(path)
  file.write('two\n')
  await file.flush()
  assert.equal(await readFile(path, 'utf8'), 'two\n')
})

test('a full disk is told once, makes it unhealthy, and kills nothing', async (context) => {
  // the folder keeps the process alive while retries wait
  await scratchFolder(context)
  const { file, bell } = await opened(context, '/dev/full')
  let problems = 0
  bell.on('problem', () => {
    problems += 1
  })
  assert.ok(file.healthy)
  const told = once(bell, 'problem')
  file.write('one\n')
  assert.deepEqual(await told, ['disk-full'])
  assert.equal(file.healthy, false)
  file.write('two\n')
  assert.equal(await file.flush(), false)
  assert.equal(await file.flush(), false)
  assert.equal(problems, 1)
  assert.equal(file.lost, 0)
  assert.equal(await file.close(), 2)
})

test('what waited during a problem is written when it is over', async (context) => {
  const folder = await scratchFolder(context)
  const path = join(folder, 'log', 'audit.ndjson')
  await mkdir(join(folder, 'log'))
  const { file, bell } = await opened(context, path)
  await rm(join(folder, 'log'), { recursive: true })
  const told = once(bell, 'problem')
  file.write('one\n')
  assert.deepEqual(await told, ['not-found'])
  file.write('two\n')
  const over = once(bell, 'recovered')
  await mkdir(join(folder, 'log'))
  assert.deepEqual(await over, [0])
  await file.flush()
  assert.equal(file.healthy, true)
  assert.equal(await readFile(path, 'utf8'), 'one\ntwo\n')
})

test('the queue is bounded: unhealthy from its half, and lines lost beyond it are counted and told', async (context) => {
  const folder = await scratchFolder(context)
  const path = join(folder, 'log', 'audit.ndjson')
  await mkdir(join(folder, 'log'))
  const { file, bell } = await opened(context, path, { maxQueued: 100 })
  for (let index = 0; index < 5; index += 1) file.write('123456789\n')
  assert.equal(file.healthy, true)
  file.write('123456789\n')
  assert.equal(file.healthy, false)
  assert.ok(await file.flush())
  assert.equal(file.healthy, true)

  await rm(join(folder, 'log'), { recursive: true })
  const told = once(bell, 'problem')
  file.write('123456789\n')
  await told
  const taken = Array.from({ length: 12 }, () => file.write('123456789\n'))
  assert.equal(taken.filter((isTaken) => isTaken).length, 9)
  assert.equal(file.lost, 3)
  const over = once(bell, 'recovered')
  await mkdir(join(folder, 'log'))
  assert.deepEqual(await over, [3])
  await file.flush()
  assert.equal((await readFile(path, 'utf8')).length, 100)
})

test('lines that come while others are on their way to the disk go after them', async (context) => {
  const path = join(await scratchFolder(context), 'audit.ndjson')
  const { file } = await opened(context, path, { maxQueued: 1e8 })
  let expected = ''
  // a write takes some turns of the event loop, and there are many writes
  for (let index = 0; index < 5_000; index += 1) {
    const line = `${index} ${'x'.repeat(100)}\n`
    expected += line
    assert.ok(file.write(line))
    await new Promise(setImmediate)
  }
  assert.ok(await file.flush())
  assert.ok((await readFile(path, 'utf8')) === expected)
})

test('lines that just fill the memory they wait in, or just do not, stay whole', async (context) => {
  const path = join(await scratchFolder(context), 'audit.ndjson')
  const { file } = await opened(context, path, { maxQueued: 1e8 })
  let expected = ''
  for (const size of [9, 10, 11, 12]) {
    // the block that was used before is not large enough for the first of them
    for (const line of [
      `${'z'.repeat(300_000)}\n`,
      `${'y'.repeat(262_133)}\n`,
      `${'x'.repeat(size - 1)}\n`,
    ]) {
      expected += line
      assert.ok(file.write(line))
    }
    assert.ok(await file.flush())
  }
  assert.ok((await readFile(path, 'utf8')) === expected)
})

test('a path that cannot be opened is a problem at the start', async (context) => {
  const folder = await scratchFolder(context)
  const nothing = { maxQueued: 1, onProblem: () => undefined, onRecovered: () => undefined }
  for (const [path, code] of [
    [folder, 'is-a-folder'],
    [join(folder, 'none', 'audit.ndjson'), 'not-found'],
  ] as const) {
    const result = await openAppendFile({ target: { path }, ...nothing })
    assert.equal(result.ok ? '' : result.problem.code, code)
  }
  assert.deepEqual(await readdir(folder), [])
})

test('a listener that throws neither kills the process nor stops the writing', async (context) => {
  const folder = await scratchFolder(context)
  const path = join(folder, 'log', 'audit.ndjson')
  await mkdir(join(folder, 'log'))
  const throwing = () => {
    throw new Error('listener')
  }
  const { file } = await opened(context, path, { onProblem: throwing, onRecovered: throwing })
  await rm(join(folder, 'log'), { recursive: true })
  file.write('one\n')
  assert.equal(await file.flush(), false)
  await mkdir(join(folder, 'log'))
  assert.equal(await file.flush(), true)
  assert.equal(await readFile(path, 'utf8'), 'one\n')
})

test('the standard output takes lines as a pipe, to the last, and a reader that leaves is a problem', async () => {
  const module = new URL('../../src/files/append.js', import.meta.url).href
  const program = `
    import { openAppendFile } from ${JSON.stringify(module)}
    const alive = setInterval(() => {}, 60000)
    const { value: file } = await openAppendFile({
      target: 'stdout', maxQueued: 1e8, retryMs: 20, onRecovered() {},
      onProblem: async (problem) => {
        console.error(problem.message, file.healthy)
        await file.close()
        clearInterval(alive)
      },
    })
    for (let index = 0; index < 50000; index += 1) file.write(index + ' line\\n')
    await file.flush()
    process.stdin.once('data', () => { file.write('one more\\n'); process.stdin.destroy() })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program])
  let text = ''
  let errors = ''
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString()
    if (!text.endsWith('\n49999 line\n')) return
    child.stdout.destroy()
    child.stdin.write('x')
  })
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()))
  const [code] = (await once(child, 'exit')) as [number] // the shape of the event
  assert.equal(code, 0)
  assert.equal(text.split('\n').length, 50_001)
  assert.match(errors, /^`stdout`: cannot be used \(EPIPE\) false/)
})
