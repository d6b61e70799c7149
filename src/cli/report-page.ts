import { createHash } from 'node:crypto'
import { escapeHtml } from '../admin/status-page.js'
import type { ReportedReason } from '../gateway/partner-report.js'
import { counted, inLanguage, type Language } from './language.js'
import { bar, partsOf, timelineChart, type BarPart, type NameOf } from './report-chart.js'
import type { ProvenEntry } from './report-entry.js'
import {
  apiTable,
  certificateRows,
  countOf,
  establishmentRows,
  exampleRows,
  sentenceOf,
  summaryRows,
  titleOf,
} from './report-text.js'
import type { ReportedPartner } from './report.js'
import { reportWords, type ReportWords } from './report-words.js'

const style = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.5rem;margin-bottom:.25rem}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:2px solid #ddd}h3{font-size:1rem;margin:1rem 0 .25rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #e5e5e5;vertical-align:top;overflow-wrap:anywhere}
thead th{font-weight:600;color:#555;white-space:nowrap}.facts th{width:11rem;font-weight:normal;color:#555}td.number{text-align:right}td.number,td.short{white-space:nowrap}
.tiles{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0}.tile{border-left:.4rem solid #888;padding:.25rem 1rem;background:#f6f6f6;min-width:7rem}
.tile b{display:block;font-size:1.5rem}.tile.good{border-color:#18753c}.tile.bad{border-color:#b91c1c}.tile.doubtful{border-color:#b7791f}.tile.broken{border-color:#555}
svg{display:block;width:100%;height:auto}svg.bar{width:170px;height:12px;margin-top:.35rem}rect.good{fill:#18753c}rect.bad{fill:#b91c1c}rect.doubtful{fill:#b7791f}rect.broken{fill:#555}
svg line{stroke:#ccc}svg text{font-size:11px;fill:#555}svg text.end{text-anchor:end}code{font-size:.95em}p.note,footer{color:#555}.ok{color:#18753c}.not{color:#b91c1c}
@media print{body{margin:0;max-width:none;font-size:12px}h2,h3{break-after:avoid}section.reason,tr{break-inside:avoid}rect,.tile{print-color-adjust:exact}}`

/** Nothing may be loaded or run, and only our own style applies. */
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`

const mostRows = 1_000

/** The report as one page: no script, nothing from elsewhere, every value escaped; it prints well. */
export function reportPage(reported: ReportedPartner, language: Language): string {
  const words = inLanguage(language, reportWords)
  const { report } = reported
  const title = titleOf(reported, words)
  const nouns = {
    good: words.permitted,
    bad: words.refused,
    doubtful: words.overlooked,
    broken: words.failed,
  }
  const nameOf = (count: number, kind: BarPart['kind']): string => counted(language, count, nouns[kind])
  const totals = partsOf(
    { good: report.permitted, doubtful: report.overlooked, bad: report.refused, broken: report.failed },
    nameOf,
  )
  const label = words.timeline[report.timeline.unit]
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<div class="tiles">
${totals.map(({ value, kind }) => `<div class="tile ${kind}">${tile(nameOf(value, kind))}</div>`).join('\n')}
</div>
<table class="facts">
${summaryRows(reported, words, language)
  .filter((_, index) => index !== chartRow(reported))
  .map(factRow)
  .join('\n')}
</table>
<h2>${escapeHtml(capital(label))}</h2>
${timelineChart(report.timeline, { label, nameOf })}
${(reported.entries ?? []).map((entry) => entrySection(entry, words)).join('\n')}
<h2>${escapeHtml(capital(words.apis))}</h2>
${apiSection(reported, words, nameOf)}
<h2>${escapeHtml(capital(words.establishments))} (${report.establishments.length})</h2>
${establishmentTable(reported, words)}
<h2>${escapeHtml(capital(words.refusals))}</h2>
${report.refusals.length === 0 ? `<p>${escapeHtml(words.noRefusals)}</p>` : reasonSections(report.refusals, words, language)}
${report.failures.length === 0 ? '' : `<h2>${escapeHtml(capital(words.failures))}</h2>\n${reasonSections(report.failures, words, language)}`}
<h2>${escapeHtml(capital(words.certificates))}</h2>
${table(
  words.certificateColumns,
  certificateRows(reported).map((row) => row.map(cell)),
)}
<footer><p>${escapeHtml(words.footnote)}</p></footer>
</body>
</html>
`
}

// the chart itself stands in place of its row of blocks
function chartRow({ report }: ReportedPartner): number {
  return report.beforeEntry > 0 ? 4 : 3
}

function apiSection(reported: ReportedPartner, words: ReportWords, nameOf: NameOf): string {
  const { apis } = reported.report
  const sumOf = ({ permitted, refused, overlooked, failed }: (typeof apis)[number]): number =>
    permitted + refused + overlooked + failed
  const longest = Math.max(...apis.map(sumOf))
  const { headings, rows: told } = apiTable(reported, words)
  const rows = told.map((row, index) => {
    const api = apis[index]
    const parts =
      api === undefined
        ? []
        : partsOf(
            { good: api.permitted, doubtful: api.overlooked, bad: api.refused, broken: api.failed },
            nameOf,
          )
    return [...row.map(cell), `<td>${bar(parts, longest)}</td>`]
  })
  return table([...headings, ''], rows)
}

function establishmentTable(reported: ReportedPartner, words: ReportWords): string {
  const { establishments, unnamed } = reported.report
  if (establishments.length === 0) return `<p>${escapeHtml(words.noEstablishments)}</p>`
  const longest = Math.max(...establishments.map((each) => each.written + each.unsuccessful + each.refused))
  const [, , good = '', broken = '', bad = ''] = words.establishmentColumns
  const names = { good, broken, bad, doubtful: '' }
  const nameOf: NameOf = (count, kind) => `${names[kind]} ${count}`
  const rows = establishmentRows(reported)
    .slice(0, mostRows)
    .map((row, index) => {
      const { written = 0, unsuccessful = 0, refused = 0 } = establishments[index] ?? {}
      const parts = partsOf({ good: written, bad: refused, broken: unsuccessful }, nameOf)
      return [...row.map(cell), `<td>${bar(parts, longest)}</td>`]
    })
  const untold = Math.max(0, establishments.length - mostRows) + unnamed
  const note = untold > 0 ? `<p class="note">${escapeHtml(words.unnamed(String(untold)))}</p>` : ''
  return `${table([...words.establishmentColumns, ''], rows)}${note}`
}

function reasonSections(reasons: readonly ReportedReason[], words: ReportWords, language: Language): string {
  return reasons
    .map(
      (reason) => `<section class="reason">
<h3><code>${escapeHtml(reason.reason)}</code> · ${escapeHtml(countOf(reason, language))}</h3>
<p>${escapeHtml(sentenceOf(reason, language))}</p>
<table class="facts">
${exampleRows(reason, words).map(factRow).join('\n')}
</table>
</section>`,
    )
    .join('\n')
}

function entrySection(entry: ProvenEntry, words: ReportWords): string {
  const heading = `<h2>${escapeHtml(capital(words.entry(entry.environment)))}</h2>`
  if (!entry.listed) return `${heading}\n<p>${escapeHtml(words.noEntry)}</p>`
  const rows = entry.apis.map(({ api, proven }) => {
    const isProven = proven === 'called'
    return `<tr><th scope="row">${escapeHtml(api)}</th><td class="${isProven ? 'ok' : 'not'}">${isProven ? '✓' : '✗'} ${escapeHtml(words.proven[proven])}</td></tr>`
  })
  const { establishments, written, notWritten } = entry
  const told = establishments === 0 ? '' : `<p>${escapeHtml(words.written(written, establishments))}</p>`
  const missing =
    notWritten.length === 0
      ? ''
      : `<p class="note">${escapeHtml(words.notWritten(`${notWritten.slice(0, 200).join(' ')}${notWritten.length > 200 ? ' …' : ''}`))}</p>`
  return `${heading}\n<table class="facts">${rows.join('\n')}</table>\n${told}${missing}`
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = headings.map((heading) => `<th scope="col">${escapeHtml(heading)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.join('')}</tr>`).join('\n')
  return `<table><thead><tr>${head}</tr></thead>\n<tbody>${body}</tbody></table>`
}

function cell(value: string): string {
  return /^\d+$/.test(value) && value.length < 9
    ? `<td class="number">${value}</td>`
    : `<td${value.length < 24 ? ' class="short"' : ''}>${escapeHtml(value)}</td>`
}

// the number above its noun
function tile(told: string): string {
  const [count = '', ...noun] = told.split(' ')
  return `<b>${escapeHtml(count)}</b>${escapeHtml(noun.join(' '))}`
}

function factRow([name = '', value = '']: readonly string[]): string {
  return `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
