import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { listFolder, readBounded } from '../../src/files/read.js'
import { writeAtomically } from '../../src/files/write.js'
import { scratchFolder } from './scratch.js'

const run = promisify(execFile)

async function problemOfReading(path: string, maxBytes = 1_000): Promise<string> {
  const read = await readBounded(path, maxBytes)
  assert.ok(!read.ok, 'it was read')
  assert.equal(read.problem.path, path)
  assert.match(read.problem.message, /^`.+`: [a-z].*[^.]$/)
  return read.problem.code
}

test('a file is read whole, up to the bound and not a byte beyond', async (context) => {
  const file = join(await scratchFolder(context), 'file')
  for (const text of ['', 'x', 'x'.repeat(1_000)]) {
    await writeFile(file, text)
    const read = await readBounded(file, 1_000)
    assert.ok(read.ok)
    assert.equal(read.value.toString(), text)
  }
  await writeFile(file, 'x'.repeat(1_001))
  assert.equal(await problemOfReading(file), 'too-large')
})

test('what cannot be read is told apart, in words', async (context) => {
  const folder = await scratchFolder(context)
  const file = join(folder, 'file')
  await writeFile(file, 'x')
  await symlink('loop', join(folder, 'loop'))
  await run('mkfifo', [join(folder, 'pipe')])
  assert.equal(await problemOfReading(join(folder, 'none')), 'not-found')
  assert.equal(await problemOfReading(folder), 'is-a-folder')
  assert.equal(await problemOfReading(join(file, 'below')), 'not-a-folder')
  assert.equal(await problemOfReading(join(folder, 'loop')), 'unusable')
  assert.equal(await problemOfReading('/dev/zero'), 'not-a-file')
  // opening a pipe nobody writes to must not wait for ever
  assert.equal(await problemOfReading(join(folder, 'pipe')), 'not-a-file')
})

test('a file this user may not read is told so', async (context) => {
  const folder = await scratchFolder(context)
  const file = join(folder, 'key.pem')
  await writeFile(file, 'x')
  await chmod(file, 0)
  await chmod(folder, 0o755)
  const module = new URL('../../src/files/read.js', import.meta.url).href
  // root may read everything, so the reader is another user there
  const program = `
    import { readBounded } from ${JSON.stringify(module)}
    if (process.getuid() === 0) process.setuid(65534)
    process.stdout.write((await readBounded(${JSON.stringify(file)}, 10)).problem?.code ?? 'read')`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program])
  assert.equal(stdout, 'not-permitted')
})

test('a process short of descriptors says so', async (context) => {
  const file = join(await scratchFolder(context), 'file')
  await writeFile(file, 'x')
  const module = new URL('../../src/files/read.js', import.meta.url).href
  const program = `
    import { readBounded } from ${JSON.stringify(module)}
    import { openSync } from 'node:fs'
    try { for (;;) openSync('/dev/null') } catch {}
    process.stdout.write((await readBounded(${JSON.stringify(file)}, 10)).problem?.code ?? 'read')`
  const command = `ulimit -n 64; exec "$0" --input-type=module -e "$1"`
  const { stdout } = await run('sh', ['-c', command, process.execPath, program])
  assert.equal(stdout, 'too-many-open-files')
})

test('a file that never has the size it claims is given up, not returned', async () => {
  // a kernel's status file says it is empty, and is not
  assert.equal(await problemOfReading('/proc/self/status', 100_000), 'changed-while-reading')
})

test('a file being rewritten in place is read as it stood at one moment, or not at all', async (context) => {
  const file = join(await scratchFolder(context), 'file')
  const size = 32 << 20
  const places = [0, size / 2, size - 8]
  await writeFile(file, '')
  await truncate(file, size)
  // counts at the start, in the middle and at the end of the file, in this order, as fast as it can
  const program = `
    const fs = require('node:fs')
    const fd = fs.openSync(process.argv[1], 'r+')
    const count = Buffer.alloc(8)
    for (let round = 1n; ; round += 1n) {
      count.writeBigUInt64BE(round)
      for (const at of [${places.join()}]) fs.writeSync(fd, count, 0, 8, at)
      if (round === 100n) process.stdout.write('counting')
    }`
  const writer = spawn(process.execPath, ['-e', program, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(writer, 'exit')
  await once(writer.stdout, 'data')
  const read = await readBounded(file, size)
  writer.kill('SIGKILL')
  await exited
  if (read.ok) {
    const [start = 0n, middle = 0n, end = 0n] = places.map((at) => read.value.readBigUInt64BE(at))
    // at any one moment the first count is as far as the last, or one ahead of it
    assert.ok(start >= middle && middle >= end && start - end <= 1n, [start, middle, end].join())
  } else {
    assert.equal(read.problem.code, 'changed-while-reading')
  }
  // nobody writes any more: it can be read
  assert.ok((await readBounded(file, size)).ok)
})

test('a file whose time lies in the future can be read', async (context) => {
  const file = join(await scratchFolder(context), 'file')
  await writeFile(file, 'x')
  await utimes(file, 4e9, 4e9)
  assert.ok((await readBounded(file, 10)).ok)
})

test('a folder lists the files meant for us, sorted, and nothing else', async (context) => {
  const folder = await scratchFolder(context)
  for (const name of ['b.yaml', 'a.yaml', 'C.YAML', 'z.yml', 'notes.txt'])
    await writeFile(join(folder, name), '')
  for (const name of ['.a.yaml', 'a.yaml~', '#a.yaml#', '.a.yaml.swp', '.#a.yaml', 'a.yaml.tmp']) {
    await writeFile(join(folder, name), '')
  }
  await mkdir(join(folder, '..2026'))
  await writeFile(join(folder, '..2026', 'linked.yaml'), '')
  await symlink('..2026', join(folder, '..data'))
  await symlink('..data/linked.yaml', join(folder, 'linked.yaml'))
  await symlink('nowhere', join(folder, 'broken.yaml'))
  await mkdir(join(folder, 'folder.yaml'))
  const listed = await listFolder(folder, ['.yaml', '.yml'])
  assert.ok(listed.ok)
  const expected = ['C.YAML', 'a.yaml', 'b.yaml', 'broken.yaml', 'linked.yaml', 'z.yml']
  assert.deepEqual(
    listed.value.map((path) => basename(path)),
    expected,
  )
  const missing = await listFolder(join(folder, 'none'), [])
  assert.equal(missing.ok ? '' : missing.problem.code, 'not-found')
  const file = await listFolder(join(folder, 'a.yaml'), [])
  assert.equal(file.ok ? '' : file.problem.code, 'not-a-folder')
})

test('a file is replaced whole, with the mode asked for, through a link, and nothing stays beside it', async (context) => {
  const folder = await scratchFolder(context)
  await mkdir(join(folder, 'real'))
  await symlink('real/file', join(folder, 'link'))
  await writeFile(join(folder, 'real', 'file'), 'old')
  assert.ok((await writeAtomically(join(folder, 'link'), Buffer.from('new'), 0o666)).ok)
  assert.equal(await readlink(join(folder, 'link')), 'real/file')
  assert.equal(await readFile(join(folder, 'real', 'file'), 'utf8'), 'new')
  assert.equal((await stat(join(folder, 'real', 'file'))).mode & 0o777, 0o666)
  assert.ok((await writeAtomically(join(folder, 'first'), Buffer.from('x'), 0o600)).ok)
  assert.equal((await stat(join(folder, 'first'))).mode & 0o777, 0o600)
  assert.deepEqual((await readdir(join(folder, 'real'))).sort(), ['file'])
})

test('where a file cannot be put in place the old one stays, and the problem is told', async (context) => {
  const folder = await scratchFolder(context)
  await mkdir(join(folder, 'taken'))
  for (const [path, code] of [
    [join(folder, 'none', 'file'), 'not-found'],
    [join(folder, 'taken'), 'is-a-folder'],
  ] as const) {
    const written = await writeAtomically(path, Buffer.from('x'), 0o600)
    assert.equal(written.ok ? '' : written.problem.code, code)
  }
  assert.deepEqual(await readdir(folder), ['taken'])
})
