import type { DurableSink } from '../../src/observe/line-sink.js'

/** A sink in memory, with every line it took. */
export function linesInMemory(): DurableSink & { readonly lines: string[]; takes: boolean } {
  const lines: string[] = []
  return {
    lines,
    takes: true,
    lost: 0,
    write(line) {
      if (this.takes) lines.push(line)
      return this.takes
    },
    get healthy() {
      return this.takes
    },
    flush: () => Promise.resolve(true),
  }
}

/** A line as the object it holds. */
export function parsed(line: string | undefined): Record<string, unknown> {
  return JSON.parse(line ?? '') as Record<string, unknown> // every line is an object
}
