import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../support/shared.js'
import { fuzzInChild } from './child.js'
import { targets } from './targets.js'

// `node run.js [--seconds 180] [--seed N] [--target NAME]… [--case FILE]`: every target for its share of
// the time

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
  for (const target of chosen) console.log(`${target.name}: ${await target.check(input)}`)
} else {
  await runAll()
}

async function runAll(): Promise<void> {
  const milliseconds = (seconds * 1000) / chosen.length
  console.log(`seed ${seed}, ${chosen.length} targets, ${(milliseconds / 1000).toFixed(1)} s each`)
  for (const { name } of chosen) {
    const report = await fuzzInChild({ target: name, seed, milliseconds })
    const rate = Math.round((report.executions * 1000) / Math.max(1, report.milliseconds))
    const findings = report.finding === undefined ? 0 : 1
    console.log(
      `${name.padEnd(14)} ${String(report.executions).padStart(9)} executions ${String(rate).padStart(7)}/s ${String(report.answers).padStart(5)} answers ${findings} findings`,
    )
    if (report.finding === undefined) continue
    process.exitCode = 1
    const { input, error } = report.finding
    console.error(`finding in ${name}: ${input === undefined ? 'no input' : keep(name, input)}\n${error}`)
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
