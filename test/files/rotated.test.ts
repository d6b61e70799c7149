import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { fc } from '../support/fast-check.js'
import { openAppendFile } from '../../src/files/append.js'
import { readFileEnd } from '../../src/files/file-end.js'
import { readLineBytes } from '../../src/files/line-bytes.js'
import { removeRotatedBefore, rotatedFiles, rotatedPath } from '../../src/files/rotated.js'
import { scratchFolder } from './scratch.js'

const noon = Date.UTC(2026, 11, 1, 12)

test('the name of a file that was set aside says when, and is read back', async (context) => {
  const folder = await scratchFolder(context)
  const path = join(folder, 'audit.ndjson')
  assert.equal(rotatedPath(path, noon + 7), join(folder, 'audit-20261201T120000.ndjson'))
  const names = [
    'audit-20261201T120000.ndjson',
    'audit-20261201T120000-1.ndjson',
    'audit-20261201T120000-10.ndjson',
    'audit-20261201T120000-2.ndjson',
    'audit-20251201T120000.ndjson',
    'audit.ndjson',
    'audit-old.ndjson',
    'audit-20251201T120000.ndjson.gz',
    'audits-20251201T120000.ndjson',
  ]
  for (const name of names) await writeFile(join(folder, name), '')
  const found = (await rotatedFiles(path)).map((file) => file.path.slice(folder.length + 1))
  assert.deepEqual(found, [
    'audit-20251201T120000.ndjson',
    'audit-20261201T120000.ndjson',
    'audit-20261201T120000-1.ndjson',
    'audit-20261201T120000-2.ndjson',
    'audit-20261201T120000-10.ndjson',
  ])
  const { removed, problems } = await removeRotatedBefore(path, noon)
  assert.deepEqual([removed, problems], [[join(folder, 'audit-20251201T120000.ndjson')], []])
  assert.equal((await readdir(folder)).length, names.length - 1)
})

test('a file is set aside behind the lines so far, and never over another', async (context) => {
  const folder = await scratchFolder(context)
  const path = join(folder, 'audit.ndjson')
  const told: (string | undefined)[] = []
  const opened = await openAppendFile({
    target: { path },
    maxQueued: 1_000,
    onProblem: () => undefined,
    onRecovered: () => undefined,
    onRotated: (rotated) => told.push(rotated.ok ? rotated.value : undefined),
  })
  assert.ok(opened.ok)
  const file = opened.value
  const to = join(folder, 'aside.ndjson')
  file.write('one\n')
  file.rotate(to)
  file.write('two\n')
  file.rotate(to)
  // a rotation that cannot be made costs no line
  file.write('three\n')
  file.rotate(join(folder, 'none', 'aside.ndjson'))
  file.write('four\n')
  assert.equal(await file.close(), 0)
  assert.deepEqual(told, [to, join(folder, 'aside-1.ndjson'), undefined])
  assert.equal(await readFile(to, 'utf8'), 'one\n')
  assert.equal(await readFile(join(folder, 'aside-1.ndjson'), 'utf8'), 'two\n')
  assert.equal(await readFile(path, 'utf8'), 'three\nfour\n')
})

test('lines are handed over as their bytes, however they are cut into chunks', async () => {
  const chunks = fc.array(
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes.map((byte) => byte % 12))),
  )
  await fc.assert(
    fc.asyncProperty(chunks, async (parts) => {
      const lines: string[] = []
      const read = await readLineBytes(Readable.from(parts.filter(({ length }) => length > 0)), (line) => {
        lines.push(line.toString('latin1'))
      })
      assert.ok(read.ok)
      const expected = Buffer.concat(parts).toString('latin1').split('\n')
      if (expected.at(-1) === '') expected.pop()
      assert.deepEqual(lines, expected)
    }),
  )
})

test('the end of a file is read, whatever its size; what is no file has none', async (context) => {
  const path = join(await scratchFolder(context), 'file')
  const absent = await readFileEnd(path, 4)
  assert.deepEqual(absent.ok && [absent.value.size, absent.value.bytes.length], [0, 0])
  await writeFile(path, '123456')
  const end = await readFileEnd(path, 4)
  assert.deepEqual(end.ok && [end.value.size, end.value.bytes.toString()], [6, '3456'])
  const device = await readFileEnd('/dev/null', 4)
  assert.equal(device.ok && device.value.isRegular, false)
  assert.equal((await readFileEnd(join(path, 'below'), 4)).ok, false)
})
