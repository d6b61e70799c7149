import { spreadOf } from '../measure/statistics.js'
import { valuesOf, type Report, type ResultReport } from './report.js'

const width = 860
const nameWidth = 200
const barWidth = 440
const rowHeight = 20

/** CPU a request of every workload that has it, as horizontal bars with their spread; an SVG. */
export function chartOf({ results }: Pick<Report, 'results'>): string {
  const panels = results.filter(({ columns }) => columns[0]?.key === 'cpu')
  let top = 30
  const parts = panels.map((panel) => {
    const drawn = panelAt(panel, top)
    top += 46 + panel.rows.length * rowHeight
    return drawn
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" role="img" aria-label="CPU time a request">
<style>text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600; font-size: 14px } .spread { stroke: #24292f }</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`
}

function panelAt({ title, rows }: ResultReport, top: number): string {
  const spreads = rows.map((row) => ({ row, spread: spreadOf(valuesOf(row, 'cpu')) }))
  const longest = Math.max(...spreads.map(({ spread }) => spread?.max ?? 0), 1)
  const reference = spreads.find(({ row }) => row.subject === 'nginx')?.spread
  const x = (micros: number): string => (nameWidth + (micros / longest) * barWidth).toFixed(1)
  const bars = spreads.map(({ row, spread }, index) => {
    const y = top + 10 + index * rowHeight
    const name = `<text x="${nameWidth - 8}" y="${y + 13}" text-anchor="end">${escaped(row.subject)}</text>`
    if (spread === undefined) return `${name}<text x="${nameWidth}" y="${y + 13}">not measured</text>`
    const { median, min, max } = spread
    const ratio = reference === undefined ? '' : ` · ${(median / reference.median).toFixed(2)} × nginx`
    const without = row.judges ? '' : ' · does not judge'
    const label = `${median < 100 ? median.toFixed(1) : median.toFixed(0)} µs${ratio}${without}`
    const colour = row.subject.startsWith('gateway') ? '#0969da' : row.judges ? '#8c959f' : '#d0d7de'
    const middle = y + 8
    return `${name}<rect x="${nameWidth}" y="${y + 2}" width="${((median / longest) * barWidth).toFixed(1)}" height="12" fill="${colour}"/>
<path class="spread" d="M${x(min)} ${middle}H${x(max)}"/><text x="${Number(x(max)) + 6}" y="${y + 13}">${label}</text>`
  })
  return [`<text class="title" x="8" y="${top}">${escaped(title)}: CPU µs each</text>`, ...bars].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
