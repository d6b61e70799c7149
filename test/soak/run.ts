import { parseArgs } from 'node:util'
import { soak } from './soak.js'

// `npm run soak` for ten minutes, `npm run soak -- --seconds 60` for one
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' } } })
const report = await soak({ seconds: Number(values.seconds), report: console.log })
console.log(JSON.stringify(report, null, 2))
for (const problem of report.problems) console.error(`not as it must be: ${problem}`)
process.exitCode = report.problems.length === 0 ? 0 : 1
