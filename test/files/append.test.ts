import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdir, readFile, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { openAppendFile, type AppendFile, type AppendOptions } from '../../src/files/append.js'
import { scratchFolder } from './scratch.js'

const run = promisify(execFile)

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

/**
 * Writes lines until the 8,192 bytes are full that a file may have at first: how it went, and how many lines
 * of 100 bytes are taken in once all is written.
 *
 * @param onFull - a statement, for when the disk is full, before there is space again
 */
async function fill(path: string, lines: readonly string[], onFull = ''): Promise<string> {
  const module = new URL('../../src/files/append.js', import.meta.url).href
  // a file size limit cuts a write in its middle as a full disk does; lifting it is more space
  const program = `
    import { openAppendFile } from ${JSON.stringify(module)}
    import { execFileSync } from 'node:child_process'
    import { renameSync } from 'node:fs'
    const path = ${JSON.stringify(path)}
    const alive = setInterval(() => {}, 60000)
    const { value: file } = await openAppendFile({
      target: { path }, maxQueued: 1e6, retryMs: 20, rotationCheckMs: 0,
      onProblem: (problem) => {
        process.stdout.write(problem.code)
        ${onFull}
        execFileSync('prlimit', ['--fsize=unlimited', '--pid', String(process.pid)])
      },
      onRecovered: async (lost) => {
        await file.flush()
        let taken = 0
        while (file.write('x'.repeat(99) + '\\n')) taken += 1
        process.stdout.write(' recovered ' + lost + ' taken ' + taken)
        await file.close()
        clearInterval(alive)
      },
    })
    for (const line of ${JSON.stringify(lines)}) file.write(line)`
  const command = `ulimit -S -f 8; exec "$0" --input-type=module -e "$1"`
  const { stdout } = await run('bash', ['-c', command, process.execPath, program], { timeout: 30_000 })
  return stdout
}

const behindThem = `${'x'.repeat(99)}\n`.repeat(10_000)

test('a line torn by a full disk is completed when there is space again, and counted once', async (context) => {
  const folder = await scratchFolder(context)
  const some = Array.from({ length: 1_000 }, (_, index) => `${index} aé€😀\n`)
  // nothing but its newline is missing
  const exact = [`${'y'.repeat(8_192)}\n`, 'last\n']
  for (const [name, lines] of Object.entries({ some, exact })) {
    const path = join(folder, name)
    assert.equal(await fill(path, lines), 'disk-full recovered 0 taken 10000')
    assert.ok((await readFile(path, 'utf8')) === lines.join('') + behindThem, name)
  }
})

test('a line torn by a full disk is written whole to the file that takes its place', async (context) => {
  const path = join(await scratchFolder(context), 'audit.ndjson')
  const lines = ['first\n', `${'y'.repeat(9_000)}\n`, 'last\n']
  const onFull = `renameSync(path, path + '.1')`
  assert.equal(await fill(path, lines, onFull), 'disk-full recovered 0 taken 10000')
  assert.equal(await readFile(`${path}.1`, 'utf8'), lines.join('').slice(0, 8_192))
  assert.ok((await readFile(path, 'utf8')) === lines.slice(1).join('') + behindThem)
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
