import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import {
  copyFile,
  link,
  mkdir,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { scratchFolder } from './scratch.js'
import { watched, watchedIn } from './watched.js'

const run = promisify(execFile)

test('a file written in place is one event', async (context) => {
  const { folder, events, causes } = await watched(context, ['a.yaml'])
  const file = join(folder, 'a.yaml')
  await causes(() => writeFile(file, 'one'))
  await causes(() => writeFile(file, 'two'))
  assert.deepEqual(events, [['a.yaml'], ['a.yaml']])
})

test("an editor's rename over the file is one event, time after time", async (context) => {
  const { folder, events, causes } = await watched(context, ['a.yaml'])
  for (const text of ['one', 'two', 'three']) {
    await causes(async () => {
      await writeFile(join(folder, '.a.yaml.swp'), 'x')
      await writeFile(join(folder, 'a.yaml~'), text)
      await rename(join(folder, 'a.yaml~'), join(folder, 'a.yaml'))
      await unlink(join(folder, '.a.yaml.swp'))
    })
  }
  assert.deepEqual(events, [['a.yaml'], ['a.yaml'], ['a.yaml']])
})

test('a file swapped by mv is one event', async (context) => {
  const { folder, events, causes } = await watched(context, ['a.yaml'])
  await causes(() => writeFile(join(folder, 'a.yaml'), 'one'))
  await causes(async () => {
    await writeFile(join(folder, 'new'), 'two')
    await run('mv', [join(folder, 'new'), join(folder, 'a.yaml')])
  })
  assert.deepEqual(events, [['a.yaml'], ['a.yaml']])
})

// the steps kubelet takes: a folder named after the time, then `..data` renamed over
async function publish(folder: string, stamp: string, files: Readonly<Record<string, string>>) {
  await mkdir(join(folder, stamp), { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, stamp, name), text)
    if (!existsSync(join(folder, name))) await symlink(join('..data', name), join(folder, name))
  }
  const old = await readlink(join(folder, '..data')).catch(() => undefined)
  await symlink(stamp, join(folder, '..data_tmp'))
  await rename(join(folder, '..data_tmp'), join(folder, '..data'))
  if (old !== undefined) await rm(join(folder, old), { recursive: true })
}

test('a Kubernetes ConfigMap swap is one event for a file of it', async (context) => {
  const folder = await scratchFolder(context)
  const map = join(folder, 'map')
  await publish(map, '..2026_01', { 'a.yaml': 'one' })
  const { events, causes } = await watchedIn(context, folder, { names: ['map/a.yaml'] })
  await causes(() => publish(map, '..2026_02', { 'a.yaml': 'two' }))
  await causes(() => publish(map, '..2026_03', { 'a.yaml': 'three' }))
  assert.deepEqual(events, [['a.yaml'], ['a.yaml']])
})

test('a Kubernetes ConfigMap swap is one event for the whole folder, and none without a change', async (context) => {
  const folder = await scratchFolder(context)
  const map = join(folder, 'map')
  await publish(map, '..2026_01', { 'a.yaml': 'one', 'b.yaml': 'one' })
  const { events, causes, causesNothing } = await watchedIn(context, folder, { names: ['map'] })
  await causes(() => publish(map, '..2026_02', { 'a.yaml': 'two', 'b.yaml': 'two' }))
  await causesNothing(() => publish(map, '..2026_03', { 'a.yaml': 'two', 'b.yaml': 'two' }))
  await causes(() => publish(map, '..2026_04', { 'a.yaml': 'two', 'b.yaml': 'three' }))
  assert.deepEqual(events, [['map'], ['map']])
})

test('a file deleted and made again is one event, and none with the same content', async (context) => {
  const { folder, events, causes, causesNothing } = await watched(context, ['a.yaml'])
  const file = join(folder, 'a.yaml')
  await causes(() => writeFile(file, 'one'))
  await causes(async () => {
    await unlink(file)
    await writeFile(file, 'two')
  })
  await causesNothing(async () => {
    await unlink(file)
    await writeFile(file, 'two')
  })
  assert.deepEqual(events, [['a.yaml'], ['a.yaml']])
})

test('a deleted file is an event, and so is its return', async (context) => {
  const { folder, events, causes } = await watched(context, ['deep/er/a.yaml'])
  const file = join(folder, 'deep', 'er', 'a.yaml')
  await causes(async () => {
    await mkdir(join(folder, 'deep', 'er'), { recursive: true })
    await writeFile(file, 'one')
  })
  await causes(() => rm(join(folder, 'deep'), { recursive: true }))
  await causes(async () => {
    await mkdir(join(folder, 'deep', 'er'), { recursive: true })
    await writeFile(file, 'one')
  })
  await causes(() => writeFile(file, 'two'))
  assert.deepEqual(events, [['a.yaml'], ['a.yaml'], ['a.yaml'], ['a.yaml']])
})

test('a symbolic link pointed elsewhere is one event, and then its new target is watched', async (context) => {
  const folder = await scratchFolder(context)
  for (const name of ['one', 'two']) {
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, 'real'), name)
  }
  await symlink('one/real', join(folder, 'a.yaml'))
  const { events, causes, causesNothing } = await watchedIn(context, folder, { names: ['a.yaml'] })
  await causes(() => writeFile(join(folder, 'one', 'real'), 'changed'))
  await causes(async () => {
    await symlink('two/real', join(folder, 'next'))
    await rename(join(folder, 'next'), join(folder, 'a.yaml'))
  })
  await causesNothing(() => writeFile(join(folder, 'one', 'real'), 'no longer'))
  await causes(() => writeFile(join(folder, 'two', 'real'), 'changed too'))
  assert.deepEqual(events, [['a.yaml'], ['a.yaml'], ['a.yaml']])
})

test('a touch, a copy of the same bytes and a chmod are no event', async (context) => {
  const { folder, causes, causesNothing, events } = await watched(context, ['a.yaml'])
  const file = join(folder, 'a.yaml')
  await causes(() => writeFile(file, 'one'))
  await causesNothing(() => utimes(file, 1, 1))
  await causesNothing(() => writeFile(file, 'one'))
  await causesNothing(async () => {
    await copyFile(file, join(folder, 'copy'))
    await rename(join(folder, 'copy'), file)
  })
  assert.deepEqual(events, [['a.yaml']])
})

test('quick writes, and several files at once, are one event', async (context) => {
  const { folder, events, causes } = await watched(context, ['a.yaml', 'b.yaml', 'list'])
  await causes(async () => {
    await writeFile(join(folder, 'a.yaml'), 'one')
    await writeFile(join(folder, 'a.yaml'), 'two')
    await writeFile(join(folder, 'b.yaml'), 'one')
  })
  assert.deepEqual(events, [['a.yaml', 'b.yaml']])
})

test('in a folder, a file added, changed, renamed or taken away is one event; other names are none', async (context) => {
  const folder = await scratchFolder(context)
  const list = join(folder, 'list')
  await mkdir(list)
  const { events, causes, causesNothing } = await watchedIn(context, folder, { names: ['list'] })
  await causes(() => writeFile(join(list, 'a.yaml'), 'one'))
  await causes(() => writeFile(join(list, 'a.yaml'), 'two'))
  await causes(() => rename(join(list, 'a.yaml'), join(list, 'b.yaml')))
  await causesNothing(async () => {
    for (const name of ['.a.yaml', 'a.yaml~', '#a.yaml#', '.a.yaml.swp', 'notes.txt']) {
      await writeFile(join(list, name), 'x')
    }
    await mkdir(join(list, 'folder.yaml'))
  })
  await causes(() => unlink(join(list, 'b.yaml')))
  assert.deepEqual(events, [['list'], ['list'], ['list'], ['list']])
})

test('a file elsewhere that a folder links to is watched too', async (context) => {
  const folder = await scratchFolder(context)
  await mkdir(join(folder, 'list'))
  await mkdir(join(folder, 'elsewhere'))
  const real = join(folder, 'elsewhere', 'real')
  await writeFile(real, 'one')
  await symlink('../elsewhere/real', join(folder, 'list', 'a.yaml'))
  const { events, causes } = await watchedIn(context, folder, { names: ['list'] })
  await causes(() => writeFile(real, 'two'))
  assert.deepEqual(events, [['list']])
})

test('a folder replaced by another is one event, and the new one is watched', async (context) => {
  const folder = await scratchFolder(context)
  const list = join(folder, 'list')
  const make = async (path: string, text: string) => {
    await mkdir(path)
    await writeFile(join(path, 'a.yaml'), text)
  }
  await make(list, 'one')
  const { events, causes } = await watchedIn(context, folder, { names: ['list'] })
  await causes(async () => {
    await make(join(folder, 'next'), 'two')
    await rename(list, join(folder, 'old'))
    await rename(join(folder, 'next'), list)
  })
  await causes(() => writeFile(join(list, 'a.yaml'), 'three'))
  await causes(async () => {
    // the inode of the deleted folder is given to the next one
    await rm(list, { recursive: true })
    await make(list, 'four')
  })
  await causes(() => writeFile(join(list, 'a.yaml'), 'five'))
  assert.deepEqual(events, [['list'], ['list'], ['list'], ['list']])
})

test('a change without an event is found by the slow poll', async (context) => {
  const folder = await scratchFolder(context)
  await mkdir(join(folder, 'elsewhere'))
  const back = join(folder, 'elsewhere', 'back-door')
  await writeFile(join(folder, 'a.yaml'), 'one')
  // written through another name in another folder, the watched folder hears nothing
  await link(join(folder, 'a.yaml'), back)
  const { events, causes } = await watchedIn(context, folder, { names: ['a.yaml'], pollMs: 100 })
  await causes(() => writeFile(back, 'two'))
  assert.deepEqual(events, [['a.yaml']])
})

test('a check asked for finds a change without an event, and without the poll', async (context) => {
  const folder = await scratchFolder(context)
  await mkdir(join(folder, 'elsewhere'))
  const back = join(folder, 'elsewhere', 'back-door')
  await writeFile(join(folder, 'a.yaml'), 'one')
  await link(join(folder, 'a.yaml'), back)
  const { events, watcher } = await watchedIn(context, folder, { names: ['a.yaml'] })
  // the same size, so that the times alone tell
  await writeFile(back, 'two')
  await watcher.check()
  assert.deepEqual(events, [['a.yaml']])
})

test('what is marked is known, and going back to what stood before is an event', async (context) => {
  const { folder, events, watcher } = await watched(context, ['a.yaml'])
  const file = join(folder, 'a.yaml')
  await writeFile(file, 'one')
  await watcher.check()
  await writeFile(file, 'two')
  await watcher.mark()
  const before = events.length
  await writeFile(file, 'one')
  await watcher.check()
  assert.deepEqual(events.slice(before), [['a.yaml']])
})
