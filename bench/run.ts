import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine, loadAverage } from './measure/machine.js'
import { merged, type Report } from './report/report.js'
import { aligned, tableOf } from './report/table.js'
import { outcomeLines } from './report/targets.js'
import { readReport, writeReport } from './report/files.js'
import { runRounds } from './rounds.js'
import { allSubjects } from './subjects/all.js'
import { allWorkloads } from './workloads/all.js'
import { printMicro, runMicro } from './micro/all.js'

// `npm run bench`: everything, beside every rival that is installed (bench/install.sh installs them)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    subjects: { type: 'string', multiple: true },
    write: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})

// whoever was started ends with this process
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

if (positionals[0] === 'micro') {
  printMicro(await runMicro())
} else if (positionals[0] === 'render') {
  // the document anew, from the figures that are there
  writeReport(readReport())
} else {
  await bench()
}

async function bench(): Promise<void> {
  const { rounds, quick, only, subjects: names, write, json } = values
  const subjects = allSubjects.filter(
    (subject) => (names?.includes(subject.name) ?? true) && subject.version() !== undefined,
  )
  const workloads = allWorkloads.filter(({ name }) => only?.includes(name) ?? true)
  if (subjects.length === 0 || workloads.length === 0) {
    const known = [...allSubjects, ...allWorkloads].map(({ name }) => `\`${name}\``)
    throw new Error(`nothing to measure; the names are ${known.join(', ')}`)
  }
  for (const { name } of allSubjects.filter((subject) => subject.version() === undefined)) {
    console.log(`${name} is not installed: bash bench/install.sh`)
  }
  const settings = {
    rounds: Number(rounds ?? (quick ? 2 : 5)),
    milliseconds: quick ? 400 : 1_000,
    entries: 10_000,
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
