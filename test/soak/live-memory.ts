import { isMainThread } from 'node:worker_threads'

// loaded into the gateway's process before its own program (`--import`, with `--expose-gc`): asked over the
// channel, it collects everything that nobody holds any more and says how much is left. What remains
// after a collection is a figure; what a process happens to occupy between two of them is chance. Told a
// number, it blocks the event loop for so many milliseconds

/** What the gateway's process holds, in bytes. */
export interface LiveMemory {
  /** Objects, and the buffers and native parts that belong to them. */
  readonly live: number
  /** Pages of the process. */
  readonly rss: number
}

if (isMainThread && process.send !== undefined) {
  process.on('message', (message) => {
    if (typeof message === 'number') {
      // nothing else happens meanwhile, as where a thread hangs
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message)
      return
    }
    // the second collection takes what the finalizers of the first let go
    globalThis.gc?.()
    setImmediate(() => {
      globalThis.gc?.()
      const { heapUsed, external, rss } = process.memoryUsage()
      process.send?.({ live: heapUsed + external, rss } satisfies LiveMemory)
    })
  })
  process.channel?.unref()
}
