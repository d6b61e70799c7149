import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine, loadAverage } from './measure/machine.js'
import { merged, type Report } from './report/report.js'
import { aligned, tableOf } from './report/table.js'
import { outcomeLines } from './report/targets.js'
import { readReport, writeReport } from './report/files.js'
import { runRounds } from './rounds.js'
import { allSubjects } from './subjects/all.js'
import { nodeFlags } from './subjects/gateway.js'
import { allWorkloads } from './workloads/all.js'
import { printMicro, runMicro } from './micro/all.js'

const usage = `npm run bench -- [micro | render] [options]

Measures the gateway beside every rival that is installed (bash bench/install.sh installs them), in
interleaved rounds; CPU time a request first.

  micro             what the parts cost by themselves
  render            docs/benchmarks.md anew, from docs/benchmarks.json
  --rounds N        rounds that are counted (5)
  --quick           shorter and fewer rounds: to see that it works, not how fast
  --only NAME       one workload; may stand several times
  --subjects NAME   one subject; may stand several times
  --write           into docs/benchmarks.md, .json and .svg; with --only, that part of them
  --json FILE       the figures of this run

workloads: ${allWorkloads.map(({ name }) => name).join(', ')}
subjects:  ${allSubjects.map(({ name }) => `"${name}"`).join(', ')}
`

const { values, positionals } = readArguments()

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true },
        subjects: { type: 'string', multiple: true },
        write: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error))
  }
}

function misused(message: string): never {
  console.error(`${message}\n\n${usage}`)
  process.exit(64)
}

// whoever was started ends with this process
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

if (values.help) {
  console.log(usage)
} else if (positionals[0] === 'micro') {
  printMicro(await runMicro())
} else if (positionals[0] === 'render') {
  // the document anew, from the figures that are there
  writeReport(readReport())
} else {
  await bench()
}

async function bench(): Promise<void> {
  const { rounds, quick, only, subjects: names, write, json } = values
  const known = [...allSubjects, ...allWorkloads].map(({ name }) => name)
  const unknown = [...(only ?? []), ...(names ?? [])].find((name) => !known.includes(name))
  if (unknown !== undefined) misused(`nothing is called \`${unknown}\``)
  if (rounds !== undefined && !(Number(rounds) >= 1))
    misused(`--rounds takes a number from 1, found \`${rounds}\``)
  const subjects = allSubjects.filter(
    (subject) => (names?.includes(subject.name) ?? true) && subject.version() !== undefined,
  )
  const workloads = allWorkloads.filter(({ name }) => only?.includes(name) ?? true)
  if (subjects.length === 0) misused('none of these is installed: bash bench/install.sh')
  for (const { name } of allSubjects.filter((subject) => subject.version() === undefined)) {
    console.log(`${name} is not installed: bash bench/install.sh`)
  }
  const settings = {
    rounds: Number(rounds ?? (quick ? 2 : 5)),
    milliseconds: quick ? 400 : 1_000,
    entries: 10_000,
    nodeFlags,
  }
  const load = loadAverage()
  const results = await runRounds({
    ...settings,
    subjects,
    workloads,
    progress: (line) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`)
    },
    done: (result) => {
      console.log(tableOf(result))
    },
  })
  const report: Report = {
    at: new Date().toISOString(),
    machine: machine(),
    subjects: subjects.map((subject) => ({
      name: subject.name,
      version: subject.version() ?? '',
      leavesOut: subject.leavesOut,
    })),
    settings,
    load: [load, loadAverage()],
    results,
    micro: write ? await runMicro() : [],
  }
  console.log(`\n${aligned(outcomeLines(report))}`)
  // a part of the workloads replaces that part alone
  if (write) writeReport(only === undefined ? report : merged(readReport(), report))
  if (json !== undefined) writeFileSync(json, JSON.stringify(report, null, 2))
  if (results.some(({ rows }) => rows.some(({ problem }) => problem !== undefined))) process.exitCode = 1
}
