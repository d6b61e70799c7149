import { parentPort, workerData } from 'node:worker_threads'
import { isUnchanged } from './load-files.js'
import { loadPolicy } from './load.js'
import type { ReadSet } from './policy.js'
import { transferablesOfPolicy } from './workers/policy-pipe.js'

/** What the thread is started with. */
export interface LoadOrder {
  readonly file: string
  /** What is in force was read from this; the answer is `unchanged` where it still reads the same. */
  readonly unless: ReadSet
}

// the body of the thread that reads and compiles a configuration, so that requests do not wait for it
const { file, unless } = workerData as LoadOrder // `loadInWorker` starts this thread with it
if (unless.length > 0 && (await isUnchanged(unless))) {
  parentPort?.postMessage('unchanged')
} else {
  const loaded = await loadPolicy(file)
  parentPort?.postMessage(loaded, loaded.ok ? [...transferablesOfPolicy(loaded.value)] : [])
}
