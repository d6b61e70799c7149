import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once, EventEmitter } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { watchPaths } from '../../src/files/watch.js'
import { scratchFolder } from './scratch.js'
import { watched, watchedIn } from './watched.js'

const run = promisify(execFile)

test('other paths are watched after an update, and it says which are new', async (context) => {
  const { folder, watcher, events, causes, causesNothing } = await watched(context, ['a.yaml'])
  const [a, b, marker] = [join(folder, 'a.yaml'), join(folder, 'b.yaml'), join(folder, 'marker')]
  assert.deepEqual(await watcher.update([b, marker]), [b])
  await causesNothing(() => writeFile(a, 'one'))
  await causes(() => writeFile(b, 'one'))
  assert.deepEqual(events, [['b.yaml']])
})

test('a change just before an update is still told', async (context) => {
  const { folder, watcher, events } = await watched(context, ['a.yaml'])
  await writeFile(join(folder, 'a.yaml'), 'one')
  await watcher.update([join(folder, 'a.yaml'), join(folder, 'b.yaml')])
  await watcher.check()
  assert.deepEqual(events, [['a.yaml']])
})

test('no event after close, and no descriptor stays open', async (context) => {
  const folder = await scratchFolder(context)
  const open = async () => (await readdir('/proc/self/fd')).length
  // the one descriptor that Node keeps for all watches is made by the first
  await (await watchedIn(context, folder, { names: [] })).watcher.close()
  const before = await open()
  for (let round = 0; round < 5; round += 1) {
    const { watcher, events } = await watchedIn(context, folder, { names: ['a.yaml', 'list'], pollMs: 50 })
    await writeFile(join(folder, 'a.yaml'), `${round}`)
    await watcher.close()
    const told = events.length
    await writeFile(join(folder, 'a.yaml'), `${round} again`)
    await watcher.check()
    assert.equal(events.length, told)
  }
  assert.ok((await open()) <= before, 'descriptors leaked')
})

test('a listener that throws is reported and does not end the watching', async (context) => {
  const folder = await scratchFolder(context)
  const bell = new EventEmitter()
  let calls = 0
  const watcher = await watchPaths({
    paths: [join(folder, 'a.yaml')],
    debounceMs: 20,
    pollMs: 0,
    onChange: () => {
      calls += 1
      throw new Error('listener')
    },
    onError: (problem) => bell.emit('problem', problem.code),
  })
  context.after(() => watcher.close())
  for (const text of ['one', 'two']) {
    const told = once(bell, 'problem')
    await writeFile(join(folder, 'a.yaml'), text)
    assert.deepEqual(await told, ['unusable'])
  }
  assert.equal(calls, 2)
})

test('a program that watches ends when it has nothing else to do', async (context) => {
  const folder = await scratchFolder(context)
  const module = new URL('../../src/files/watch.js', import.meta.url).href
  const program = `
    import { watchPaths } from ${JSON.stringify(module)}
    await watchPaths({ paths: [${JSON.stringify(folder)}], debounceMs: 10, pollMs: 10, onChange() {}, onError() {} })
    process.stdout.write('watching')`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { timeout: 30_000 })
  assert.equal(stdout, 'watching')
})
