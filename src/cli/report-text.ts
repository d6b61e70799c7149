import { denialReasons, renderingOf } from '../core/reasons.js'
import type { ReportedReason } from '../gateway/partner-report.js'
import type { Timeline } from '../gateway/report-timeline.js'
import { columns, shownInstant, type Speaker } from './desk-output.js'
import { counted, inLanguage, type Language, type Noun } from './language.js'
import type { ReportedPartner } from './report.js'
import { reportWords, type ReportWords } from './report-words.js'

/**
 * The report for a terminal.
 *
 * @param most - establishments shown one by one
 */
export function tellReport(speaker: Speaker, reported: ReportedPartner, most: number): void {
  const words = inLanguage(speaker.language, reportWords)
  const { report, entries } = reported
  const { paint, language } = speaker
  const section = (title: string, count?: number): void => {
    speaker.say('')
    speaker.say(paint.strong(count === undefined ? title : `${title} (${count})`))
  }
  const table = (headings: readonly string[], rows: readonly (readonly string[])[]): void => {
    const [heading = '', ...lines] = columns([headings, ...rows])
    speaker.say(`  ${paint.faint(heading)}`)
    for (const line of lines) speaker.say(`  ${line}`)
  }
  speaker.say(paint.strong(titleOf(reported, words)))
  for (const row of columns(summaryRows(reported, words, language))) speaker.say(`  ${row}`)
  section(words.apis)
  const { headings, rows } = apiTable(reported, words)
  table(headings, rows)
  section(words.establishments, report.establishments.length)
  if (report.establishments.length === 0) speaker.say(`  ${words.noEstablishments}`)
  else table(words.establishmentColumns, establishmentRows(reported).slice(0, most))
  const untold = report.establishments.length - most
  if (untold > 0) speaker.say(`  ${words.more(String(untold))}`)
  if (report.unnamed > 0) speaker.say(`  ${words.unnamed(String(report.unnamed))}`)
  section(words.refusals)
  if (report.refusals.length === 0) speaker.say(`  ${words.noRefusals}`)
  for (const reason of report.refusals) tellReason(speaker, words, reason)
  if (report.failures.length > 0) {
    section(words.failures)
    for (const reason of report.failures) tellReason(speaker, words, reason)
  }
  section(words.certificates)
  table(words.certificateColumns, certificateRows(reported))
  for (const { environment, listed, apis, establishments, written, notWritten } of entries ?? []) {
    section(words.entry(environment))
    if (!listed) speaker.say(`  ${words.noEntry}`)
    for (const line of columns(apis.map(({ api, proven }) => [api, words.proven[proven]])))
      speaker.say(`  ${line}`)
    if (establishments === 0) continue
    speaker.say(`  ${words.written(written, establishments)}`)
    const shown = notWritten.slice(0, most)
    const rest = notWritten.length > shown.length ? ` … (+${notWritten.length - shown.length})` : ''
    if (shown.length > 0) speaker.say(`  ${words.notWritten(`${shown.join(' ')}${rest}`)}`)
  }
}

/** The title, with the name and the id of the partner. */
export function titleOf({ report: { partner }, name }: ReportedPartner, words: ReportWords): string {
  return words.title(name === partner ? name : `${name} (${partner})`)
}

/** What stands above everything: period, environments, sums. */
export function summaryRows(
  { report }: ReportedPartner,
  words: ReportWords,
  language: Language,
): readonly (readonly string[])[] {
  const { first = 0, last = 0, timeline, beforeEntry, overlooked, failed } = report
  const sum = (count: number, noun: Noun): string => counted(language, count, noun)
  const sums = [
    sum(report.permitted, words.permitted),
    sum(report.refused, words.refused),
    ...(overlooked > 0 ? [sum(overlooked, words.overlooked)] : []),
    ...(failed > 0 ? [sum(failed, words.failed)] : []),
  ]
  const environments = new Set(report.apis.map(({ environment }) => environment))
  return [
    [words.period, words.from(shownInstant(first), shownInstant(last))],
    [words.environments, [...environments].sort().join(', ')],
    [words.requests[1], words.sums(counted(language, report.requests, words.requests), sums.join(', '))],
    ...(beforeEntry > 0 ? [['', words.beforeEntry(String(beforeEntry))]] : []),
    [words.timeline[timeline.unit], sparkline(timeline)],
    [words.trail, counted(language, report.lines, words.lines)],
  ]
}

/** One row for each API; a column of nothing but zeros is left out. */
export function apiTable(
  { report }: ReportedPartner,
  words: ReportWords,
): { readonly headings: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const isTold = [
    ...Array<boolean>(4).fill(true),
    report.apis.some(({ overlooked }) => overlooked > 0),
    report.apis.some(({ failed }) => failed > 0),
  ]
  const told = (row: readonly string[]): readonly string[] => row.filter((_, index) => isTold[index] ?? true)
  const rows = report.apis.map((each) => [
    each.environment,
    each.api ?? words.noApi,
    String(each.permitted),
    String(each.refused),
    String(each.overlooked),
    String(each.failed),
    Object.entries(each.statuses)
      .map(([status, count]) => `${status === '0' ? words.left : status}×${count}`)
      .join(' '),
    shownInstant(each.last),
  ])
  return { headings: told(words.apiColumns), rows: rows.map(told) }
}

/** One row for each establishment. */
export function establishmentRows({ report }: ReportedPartner): readonly (readonly string[])[] {
  return report.establishments.map((each) => [
    each.environment,
    each.idNatStruct,
    String(each.written),
    String(each.unsuccessful),
    String(each.refused),
    shownInstant(each.last),
  ])
}

/** One row for each certificate. */
export function certificateRows({ report }: ReportedPartner): readonly (readonly string[])[] {
  return report.certificates.map(({ subject, publicKeySha256, notAfter, requests, last }) => [
    subject,
    publicKeySha256 === undefined ? '' : `${publicKeySha256.slice(0, 16)}…`,
    notAfter === undefined ? '' : notAfter.slice(0, 10),
    String(requests),
    shownInstant(last),
  ])
}

/** The sentence of a reason; nothing where it is the code of a failure. */
export function sentenceOf({ reason }: ReportedReason, language: Language): string {
  const denial = denialReasons.find((each) => each === reason)
  return denial === undefined ? '' : renderingOf(denial)[language]
}

/** The last request of a reason, as named values. */
export function exampleRows({ example }: ReportedReason, words: ReportWords): readonly (readonly string[])[] {
  const { time, environment, api, method, path, status, requestId, subject, establishments, detail } = example
  const request = method === '' ? words.example.handshake : `${method} ${path}`
  const answered = status === undefined ? '' : ` → ${status}`
  const where = [environment, ...(api === undefined ? [] : [api])].join(' · ')
  const rows = [
    [words.last, `${time} · ${where}`],
    [words.example.request, `${request}${answered}`],
    [words.example.id, requestId],
    [words.example.establishments, establishments.join(', ')],
    [words.example.certificate, subject ?? ''],
    // of an establishment the detail says no more than its number
    [words.example.detail, detail === undefined || establishments.includes(detail) ? '' : detail],
  ]
  return rows.filter(([, value]) => value !== '')
}

/** How often, in words: `3`, or `3 refused, 2 let pass`. */
export function countOf({ refused, overlooked, failed }: ReportedReason, language: Language): string {
  const words = inLanguage(language, reportWords)
  if (overlooked === 0) return String(refused + failed)
  return `${counted(language, refused, words.refused)}, ${counted(language, overlooked, words.overlooked)}`
}

function tellReason(speaker: Speaker, words: ReportWords, reason: ReportedReason): void {
  const { paint, language } = speaker
  speaker.say(`  ${paint.bad(reason.reason)}  ${countOf(reason, language)}`)
  const sentence = sentenceOf(reason, language)
  if (sentence !== '') speaker.say(`    ${sentence}`)
  for (const row of columns(exampleRows(reason, words))) speaker.say(`    ${row}`)
}

const blocks = '▁▂▃▄▅▆▇█'
const widest = 60

/** The steps as a row of blocks, the last sixty of them. */
function sparkline({ steps }: Timeline): string {
  const shown = steps.slice(-widest)
  const sums = shown.map(
    ({ permitted, refused, overlooked, failed }) => permitted + refused + overlooked + failed,
  )
  const top = Math.max(1, ...sums)
  const line = sums.map((sum) => (sum === 0 ? ' ' : (blocks[Math.ceil((sum / top) * 8) - 1] ?? '')))
  return `${shown[0]?.from ?? ''} ${line.join('')} ${shown.at(-1)?.from ?? ''}`
}
