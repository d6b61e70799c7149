import { openSync, writeSync } from 'node:fs'
import { fuzz, type FuzzResult } from './fuzzer.js'
import { targets } from './targets.js'

/** What this process is started with, as JSON in its first argument. */
export interface FuzzTask {
  readonly target: string
  readonly seed: number
  readonly milliseconds: number
  /** Holds the input that is being tried: its length in four bytes, then the bytes. */
  readonly inputFile: string
}

/** What it tells, now and then and at its end; the input of a finding stands in the file. */
export type FuzzReport = Omit<FuzzResult, 'finding'> & {
  readonly finding: { readonly input: Uint8Array | undefined; readonly error: string } | undefined
}

const task = JSON.parse(process.argv[2] ?? '') as FuzzTask // `run` starts this process with it
const target = targets.find(({ name }) => name === task.target)
if (target === undefined) throw new Error(`no target ${task.target}`)

const file = openSync(task.inputFile, 'w')
const frame = Buffer.alloc(1 << 20)
let toldAt = performance.now()
const result = await fuzz(target, {
  seed: task.seed,
  milliseconds: task.milliseconds,
  onInput: (input) => {
    frame.writeUInt32LE(input.length, 0)
    frame.set(input, 4)
    writeSync(file, frame, 0, input.length + 4, 0)
  },
  onProgress: (executions) => {
    if (performance.now() - toldAt < 1_000) return
    toldAt = performance.now()
    process.send?.({ executions, milliseconds: 1, answers: 0, finding: undefined, isDone: false })
  },
})
const finding = result.finding === undefined ? undefined : { input: undefined, error: result.finding.error }
process.send?.({ ...result, finding, isDone: true }, () => {
  // whatever a target left open
  process.exit()
})
