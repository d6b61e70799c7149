import { parseArgs } from 'node:util'
import { tableOf } from './report/table.js'
import { runRounds } from './rounds.js'
import { allSubjects, installed } from './subjects/all.js'
import { handshakeWorkloads, steadyWorkloads } from './workloads/steady.js'

// `npm run bench` beside every rival that is installed (bench/install.sh installs them)
const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    subjects: { type: 'string' },
  },
})
const allWorkloads = [...steadyWorkloads, ...handshakeWorkloads]
const workloads = allWorkloads.filter(({ name }) => values.only?.includes(name) ?? true)
const names = values.subjects?.split(',')
const subjects = installed(allSubjects).filter(({ name }) => names?.includes(name) ?? true)
const results = await runRounds({
  subjects,
  workloads,
  rounds: Number(values.rounds ?? (values.quick ? 2 : 5)),
  milliseconds: values.quick ? 400 : 1_200,
  entries: 10_000,
  progress: (line) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`)
  },
})
for (const result of results) console.log(tableOf(result))
