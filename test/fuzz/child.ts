import { fork } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FuzzReport, FuzzTask } from './process.js'

const silenceMs = 30_000

/**
 * Fuzzes a target in a process of its own, so that one that hangs or dies is a finding like any other.
 *
 * A finding without an input: the process ended before it had tried one.
 */
export async function fuzzInChild(order: Omit<FuzzTask, 'inputFile'>): Promise<FuzzReport> {
  const folder = mkdtempSync(join(tmpdir(), 'ror-fuzz-'))
  const inputFile = join(folder, 'input')
  const task: FuzzTask = { ...order, inputFile }
  const child = fork(new URL('./process.js', import.meta.url), [JSON.stringify(task)])
  const told: { last: FuzzReport; isDone: boolean } = {
    last: { executions: 0, milliseconds: 0, answers: 0, finding: undefined },
    isDone: false,
  }
  let silence = setTimeout(stop, silenceMs)
  function stop(): void {
    child.kill('SIGKILL')
  }
  child.on('message', (report: FuzzReport & { readonly isDone: boolean }) => {
    clearTimeout(silence)
    silence = setTimeout(stop, silenceMs)
    told.last = report
    told.isDone = report.isDone
  })
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('exit', (...ended) => {
      resolve(ended)
    })
  })
  clearTimeout(silence)
  const { last, isDone } = told
  try {
    if (isDone && last.finding === undefined) return last
    const input = lastInput(inputFile)
    const when = input === undefined ? 'before its first input' : 'and no answer'
    const error = last.finding?.error ?? `the process ended with ${String(code ?? signal)} ${when}`
    return { ...last, finding: { input, error } }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function lastInput(file: string): Uint8Array | undefined {
  const written = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
  if (written.length < 4) return undefined
  // the length stands before the bytes: what is behind them is left of a longer input
  return written.subarray(4, 4 + written.readUInt32LE(0))
}
