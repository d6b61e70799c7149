import assert from 'node:assert/strict'
import { mkdir, readFile, stat, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createFingerprints } from '../../src/files/fingerprint.js'
import { scratchFolder } from './scratch.js'

// far enough ahead that every file counts as long untouched
const later = () => Date.now() + 1e9

test('content alone makes the fingerprint of a file', async (context) => {
  const folder = await scratchFolder(context)
  const [one, same, other] = [join(folder, 'one'), join(folder, 'same'), join(folder, 'other')]
  await writeFile(one, 'x')
  await writeFile(same, 'x', { mode: 0o600 })
  await writeFile(other, 'y')
  const found = await createFingerprints([], Date.now)([one, same, other])
  assert.equal(found.get(one), found.get(same))
  assert.notEqual(found.get(one), found.get(other))
})

test('a rewrite of the same size is seen, however soon it comes', async (context) => {
  const file = join(await scratchFolder(context), 'file')
  const fingerprints = createFingerprints([], Date.now)
  let last: string | undefined
  for (let round = 100; round < 250; round += 1) {
    await writeFile(file, `${round}`)
    const next = (await fingerprints([file])).get(file)
    assert.notEqual(next, last)
    last = next
  }
})

// bytes that this process has read from anywhere, as the kernel counts them
async function bytesRead(): Promise<number> {
  return Number(/^rchar: (\d+)/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1])
}

test('a file long untouched is not read again, and a change of it is seen all the same', async (context) => {
  const file = join(await scratchFolder(context), 'file')
  const size = 16 << 20
  await writeFile(file, '')
  await truncate(file, size)
  const fingerprints = createFingerprints([], later)
  const start = await bytesRead()
  const first = (await fingerprints([file])).get(file)
  const once = await bytesRead()
  assert.ok(once - start >= size)
  for (let round = 0; round < 3; round += 1) assert.equal((await fingerprints([file])).get(file), first)
  assert.ok((await bytesRead()) - once < size)

  await truncate(file, 10)
  const second = (await fingerprints([file])).get(file)
  assert.notEqual(second, first)
  await unlink(file)
  await writeFile(file, '0123456789')
  assert.notEqual((await fingerprints([file])).get(file), second)
})

test('a file just written is read again, since its next write may carry the same time', async (context) => {
  const file = join(await scratchFolder(context), 'file')
  const size = 1 << 20
  await writeFile(file, Buffer.alloc(size))
  // the moment of the writing, however slow this machine is
  const { mtimeMs } = await stat(file)
  const fingerprints = createFingerprints([], () => mtimeMs + 1_000)
  await fingerprints([file])
  const once = await bytesRead()
  await fingerprints([file])
  assert.ok((await bytesRead()) - once >= size)
})

test('names and contents make the fingerprint of a folder, through links too', async (context) => {
  const folder = await scratchFolder(context)
  const list = join(folder, 'list')
  await mkdir(list)
  const fingerprints = createFingerprints(['.yaml'], Date.now)
  const seen = new Set<string | undefined>()
  const look = async () => seen.add((await fingerprints([list])).get(list))
  await look()
  await writeFile(join(list, 'a.yaml'), 'x')
  await look()
  await writeFile(join(list, 'b.yaml'), 'x')
  await look()
  await unlink(join(list, 'a.yaml'))
  await look()
  await writeFile(join(folder, 'real'), 'y')
  await symlink('../real', join(list, 'c.yaml'))
  await look()
  await writeFile(join(folder, 'real'), 'z')
  await look()
  await unlink(join(folder, 'real'))
  await look()
  assert.equal(seen.size, 7)
  await writeFile(join(list, 'notes.txt'), 'x')
  await look()
  assert.equal(seen.size, 7)
})

test('what cannot be read has a fingerprint of its own', async (context) => {
  const folder = await scratchFolder(context)
  const [none, loop] = [join(folder, 'none'), join(folder, 'loop')]
  await symlink('loop', loop)
  const found = await createFingerprints([], Date.now)([none, loop, '/dev/null'])
  assert.deepEqual([...found.values()], ['problem:not-found', 'problem:unusable', 'problem:not-a-file'])
})
