import type { Report, ResultReport } from './report.js'
import { cellsOf } from './table.js'
import { outcomeLines } from './targets.js'

/** docs/benchmarks.md, but its notes: they are written by hand, and kept. */
export function documentOf(report: Report, notes: string): string {
  const { machine, settings, subjects, load, at } = report
  const missed = outcomeLines(report).filter((line) => line.at(-1) === 'no')
  const unmeasured = outcomeLines(report).filter((line) => line.at(-1) === 'not measured')
  return `# Benchmarks

The gateway beside nginx, HAProxy, Caddy and http-proxy, on one machine, in one run. Written by
\`npm run bench -- --write\`; all but the [notes](#notes) is overwritten by the next one.

Measured ${at.slice(0, 10)} on ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}.
Load average ${load[0]} before and ${load[1]} after: ${load[0] > 1 ? 'other work ran on the machine meanwhile, which the rates and latencies suffer from, and the ratios of CPU time less' : 'the machine was otherwise idle'}.

## Once more

\`\`\`sh
bash bench/install.sh      # nginx with Lua, HAProxy, Caddy: Debian packages; what is missing is left out
npm ci
npm run bench -- --write   # everything, some ten minutes on an idle machine
npm run bench -- --quick --only small-get --subjects gateway --subjects nginx
npm run bench -- micro     # the parts by themselves
\`\`\`

## How it is measured

- Everybody has one worker, the same RSA 2048 server and client certificates, TLS 1.3 with the same cipher and
  curve, a list of ${settings.entries} partners, and one upstream that answers from memory. The configurations are the
  templates in [bench/rivals](../bench/rivals): whitelist by subject, the query rule and the body rule, a
  line of JSON a request into a file, counters. Before anything is measured, each is shown an unlisted
  certificate, a foreign establishment in the query and one in the body, and must refuse what it says it refuses.
- What runs on Node (the gateway, its engine, http-proxy) is started as deploy/systemd says:
  \`${settings.nodeFlags.join(' ')}\`.
- ${settings.rounds} rounds of ${settings.milliseconds} ms: in each, all take turns. Figures are medians, with the least and the
  greatest round; a ratio is the median of the ratios of each round.
- **CPU µs** is the time of the process and its children, user and system (\`/proc\`), for each answer. It comes
  first because rates and latencies depend on what else the machine does, the load generator included
  (its own share of a core is the last column). Anything but 200 ends a measurement.
- The gateway judges each request anew (chain, dates, CRL, list), reads bodies strictly, and ties each audit line
  to the one before it; the others judge certificates in the handshake, and know nothing of the rest.

| | version | does not do |
|---|---|---|
${subjects.map(({ name, version, leavesOut }) => `| ${name} | ${version} | ${leavesOut} |`).join('\n')}

## What was to be reached

${markdown(outcomeLines(report))}

${summary(missed.length, unmeasured.length)}

![CPU time a request](benchmarks.svg)

${report.results.map(sectionOf).join('\n\n')}

## Parts by themselves

${markdown([['', 'median', ''], ...report.micro.map(({ name, figure, unit }) => [name, figure.toFixed(0), unit])])}

## Notes

<!-- notes: written by hand -->
${notes}`
}

function summary(missed: number, unmeasured: number): string {
  if (missed + unmeasured === 0) return 'All are reached.'
  const parts = [
    ...(missed > 0 ? [`**${missed} are not reached**`] : []),
    ...(unmeasured > 0 ? [`${unmeasured} were not measured`] : []),
  ]
  return `${parts.join('; ')}. \`commit\` and \`stretch\` say which of the two bounds the median keeps.`
}

function sectionOf(result: ResultReport): string {
  const problems = result.rows.flatMap(({ subject, problem }) =>
    problem === undefined ? [] : [`${subject} broke off: \`${problem.replaceAll('`', "'").slice(0, 200)}\``],
  )
  const when = `${result.at.slice(0, 16).replace('T', ' ')} UTC; \`gateway\` forwards by the engine \`${result.engine}\`.`
  return [`## ${result.title}`, when, markdown(cellsOf(result)), ...problems].join('\n\n')
}

function markdown([head = [], ...lines]: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = `|${head.map((_, column) => (column === 0 ? '---' : '--:')).join('|')}|`
  return [row(head), rule, ...lines.map(row)].join('\n')
}
