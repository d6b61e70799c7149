import { createHash } from 'node:crypto'
import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../support/shared.js'
import type { FuzzReport, FuzzTask } from './process.js'
import { targets } from './targets.js'

// `node run.js [--seconds 180] [--seed N] [--target NAME]… [--case FILE]`: every target for its share of
// the time, each in a process of its own, so that one that hangs or dies is a finding like any other
const silenceMs = 30_000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '180' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    target: { type: 'string', multiple: true },
    case: { type: 'string' },
  },
})
const [seconds, seed] = [Number(values.seconds), Number(values.seed)]
const chosen = targets.filter(({ name }) => values.target?.includes(name) ?? true)
if (!(seconds > 0) || !Number.isInteger(seed) || chosen.length === 0) {
  console.error(
    `--seconds and --seed take numbers, --target one of: ${targets.map(({ name }) => name).join(' ')}`,
  )
  process.exit(64)
}

if (values.case !== undefined) {
  const input = readFileSync(values.case)
  for (const target of chosen) console.log(`${target.name}: ${target.check(input)}`)
} else {
  await runAll()
}

async function runAll(): Promise<void> {
  const milliseconds = (seconds * 1000) / chosen.length
  console.log(`seed ${seed}, ${chosen.length} targets, ${(milliseconds / 1000).toFixed(1)} s each`)
  for (const { name } of chosen) {
    const report = await runOne({ target: name, seed, milliseconds })
    const rate = Math.round((report.executions * 1000) / Math.max(1, report.milliseconds))
    const findings = report.finding === undefined ? 0 : 1
    console.log(
      `${name.padEnd(14)} ${String(report.executions).padStart(9)} executions ${String(rate).padStart(7)}/s ${String(report.answers).padStart(5)} answers ${findings} findings`,
    )
    if (report.finding === undefined) continue
    process.exitCode = 1
    console.error(`finding in ${name}: ${keep(name, report.finding.input)}\n${report.finding.error}`)
  }
}

/** Where the case was written. */
function keep(name: string, input: Uint8Array): string {
  const folder = join(root, 'build', 'fuzz')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}.case`)
  writeFileSync(file, input)
  return file
}

async function runOne(order: Omit<FuzzTask, 'inputFile'>): Promise<FuzzReport> {
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
    const input = readFileSync(inputFile)
    // the length stands before the bytes: what is behind them is left of a longer input
    const tried = input.subarray(4, 4 + input.readUInt32LE(0))
    const error = last.finding?.error ?? `the process ended with ${String(code ?? signal)} and no answer`
    return { ...last, finding: { input: tried, error } }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
