import assert from 'node:assert/strict'
import { once, EventEmitter } from 'node:events'
import { appendFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { TestContext } from 'node:test'
import { watchPaths, type PathWatcher } from '../../src/files/watch.js'
import { scratchFolder } from './scratch.js'

const debounceMs = 100

/** A watcher of a scratch folder, and what it said. */
export interface Watched {
  readonly folder: string
  readonly watcher: PathWatcher
  /** Every event so far, each as the sorted names of what changed. */
  readonly events: string[][]
  /** Does something and waits for the event it causes. */
  readonly causes: (change: () => Promise<unknown>) => Promise<void>
  /** Does something that causes none, then proves that the watcher is awake by a change of another file. */
  readonly causesNothing: (change: () => Promise<unknown>) => Promise<void>
}

/** Watches names in a new folder. */
export async function watched(context: TestContext, names: readonly string[], pollMs = 0): Promise<Watched> {
  const folder = await scratchFolder(context)
  return watchedIn(context, folder, { names, pollMs })
}

/** Watches names in a folder that stands; a file `marker` in it is watched too. */
export async function watchedIn(
  context: TestContext,
  folder: string,
  { names, pollMs = 0 }: { names: readonly string[]; pollMs?: number },
): Promise<Watched> {
  const marker = join(folder, 'marker')
  await writeFile(marker, '0')
  const events: string[][] = []
  const bell = new EventEmitter()
  const watcher = await watchPaths({
    paths: [...names.map((name) => join(folder, name)), marker],
    extensions: ['.yaml'],
    debounceMs,
    pollMs,
    onChange: (changed) => {
      events.push(changed.map((path) => basename(path)).sort())
      bell.emit('change')
    },
    onError: (problem) => {
      events.push([problem.message])
      bell.emit('change')
    },
  })
  context.after(() => watcher.close())
  return {
    folder,
    watcher,
    events,
    causes: async (change) => {
      const rung = once(bell, 'change')
      await change()
      await rung
      await watcher.check()
    },
    causesNothing: async (change) => {
      const before = events.length
      await change()
      const rung = once(bell, 'change')
      await appendFile(marker, '+')
      await rung
      await watcher.check()
      assert.deepEqual(events.splice(before), [['marker']])
    },
  }
}
