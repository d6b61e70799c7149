import assert from 'node:assert/strict'
import { chown, lstat, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeAtomically } from '../../src/files/write.js'
import { scratchFolder } from './scratch.js'

test('a file that is replaced keeps its owner, and a link to it stays a link', async (context) => {
  const folder = await scratchFolder(context)
  const [file, link] = [join(folder, 'list.yaml'), join(folder, 'link.yaml')]
  await writeFile(file, 'old')
  // whoever may not give files away is the owner before and after
  if (process.getuid?.() === 0) await chown(file, 65_534, 65_534)
  await symlink('list.yaml', link)
  const before = await stat(file)
  assert.deepEqual(await writeAtomically(link, Buffer.from('new'), 0o640), { ok: true, value: undefined })
  const after = await stat(file)
  assert.notEqual(after.ino, before.ino)
  assert.deepEqual([after.uid, after.gid, after.mode & 0o777], [before.uid, before.gid, 0o640])
  assert.equal(await readFile(file, 'utf8'), 'new')
  assert.ok((await lstat(link)).isSymbolicLink())
  assert.equal(await readlink(link), 'list.yaml')
  assert.deepEqual((await readdir(folder)).sort(), ['link.yaml', 'list.yaml'])
})

test('what cannot be put in place leaves what stood there, and nothing beside it', async (context) => {
  const folder = await scratchFolder(context)
  const written = await writeAtomically(folder, Buffer.from('new'), 0o640)
  assert.equal(written.ok, false)
  assert.deepEqual(await readdir(folder), [])
  assert.ok((await stat(folder)).isDirectory())
})
