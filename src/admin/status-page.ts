import { createHash } from 'node:crypto'
import type { EnvironmentStatus, Status } from './status.js'

const style = `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1a1a1a}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}table{border-collapse:collapse;margin:.5rem 0 1rem}
caption{text-align:left;font-weight:600;padding:.25rem 0}th,td{text-align:left;padding:.25rem .75rem .25rem 0;
border-bottom:1px solid #ddd;vertical-align:top}th,td:first-child{white-space:nowrap}td{overflow-wrap:anywhere}.bad{color:#a40000;font-weight:600}`

/** Nothing may be loaded or run, and only our own style applies. */
export const pagePolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** Rows shown of one table; `/status` as JSON holds them all. */
const maxRows = 500

/** The status as a page for people: no script, nothing from elsewhere, every value escaped. */
export function statusPage(status: Status): string {
  const { lastReload, audit } = status
  const reload =
    lastReload === null
      ? 'none since the start'
      : `${lastReload.result} at ${lastReload.at}, ${lastReload.diagnostics} errors and warnings`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>ROR gateway: status</title>
<style>${style}</style>
</head>
<body>
<h1>ROR gateway</h1>
<table>
${fact('version', status.version)}
${fact('started', `${status.startedAt} (${duration(status.uptimeSeconds)} ago)`)}
${fact('revision in force', status.revision)}
${fact('last reload', reload, lastReload?.result === 'refused')}
${fact('audit trail', `${audit.healthy ? 'written' : 'not written'}, ${audit.lost} lines lost`, !audit.healthy || audit.lost > 0)}
</table>
${workersTable(status.workers)}${status.environments.map(environmentSection).join('\n')}
</body>
</html>
`
}

/** Text for HTML, between tags or in a quoted attribute. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

function workersTable(workers: Status['workers']): string {
  if (workers === undefined) return ''
  const rows = workers.map(({ pid, state, revision, startedAt }) => [
    String(pid),
    state,
    revision ?? 'none',
    startedAt,
  ])
  return `${table('Workers', ['process', 'state', 'configuration', 'started'], { rows })}\n`
}

function environmentSection(environment: EnvironmentStatus): string {
  const { crls, ends, upstreams, partnersSeen, renewals } = environment
  return `<section>
<h2>${escapeHtml(environment.name)}</h2>
<table>
${fact('listens on', environment.listen)}
${fact('APIs', environment.apis.join(', '))}
${fact('partners', String(environment.partners))}
${fact('certificates', String(environment.certificates))}
${fact('establishments', String(environment.establishments))}
</table>
${table('Servers behind', ['API', 'server', 'state', 'in flight', 'last failure', 'last check'], {
  rows: upstreams.map(({ api, server, state, requestsInFlight, lastFailure, lastCheck }) => [
    api,
    server,
    state,
    String(requestsInFlight),
    lastFailure === null ? '' : `${lastFailure.code} at ${lastFailure.at}`,
    lastCheck === null
      ? ''
      : `${lastCheck.passed ? 'passed' : 'failed'} at ${lastCheck.at}: ${lastCheck.detail}`,
  ]),
})}
${table('Revocation lists', ['issuer', 'next update', 'entries'], {
  rows: crls.map(({ issuer, nextUpdate, entries }) => [issuer, nextUpdate, String(entries)]),
})}
${table('Own certificates and authorities', ['what', 'name', 'ends', 'days left'], {
  rows: ends.map(({ what, name, notAfter, daysLeft }) => [what, name, notAfter, String(daysLeft)]),
})}
${table('Partners seen since the start', ['partner', 'mode', 'last seen', 'certificate ends', 'days left'], {
  rows: partnersSeen.map(({ id, mode, lastSeen, notAfter, daysLeft }) => {
    return [id, mode, lastSeen, notAfter, String(daysLeft)]
  }),
})}
${table(
  'Renewals',
  ['partner', 'what', 'outcome', 'seen', 'certificate ends', 'entry', 'line for the whitelist'],
  {
    rows: renewals.map(({ partner, kind, outcome, at, notAfter, place, line }) => {
      return [partner, kind, outcome, at, notAfter, place, line]
    }),
  },
)}
</section>`
}

function fact(name: string, value: string, isBad = false): string {
  return `<tr><th scope="row">${escapeHtml(name)}</th><td${isBad ? ' class="bad"' : ''}>${escapeHtml(value)}</td></tr>`
}

function table(
  caption: string,
  columns: readonly string[],
  { rows }: { readonly rows: readonly (readonly string[])[] },
): string {
  if (rows.length === 0) return `<p>${escapeHtml(caption)}: none</p>`
  const head = columns.map((column) => `<th scope="col">${escapeHtml(column)}</th>`).join('')
  const body = rows.slice(0, maxRows).map((row) => {
    return `<tr>${row.map((value) => `<td>${escapeHtml(value)}</td>`).join('')}</tr>`
  })
  const more = rows.length > maxRows ? `<p>and ${rows.length - maxRows} more</p>` : ''
  return `<table><caption>${escapeHtml(caption)}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body.join('\n')}
</tbody></table>${more}`
}

function duration(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor((seconds % 86_400) / 3_600)
  const minutes = Math.floor((seconds % 3_600) / 60)
  if (days > 0) return `${days} d ${hours} h`
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${Math.floor(seconds % 60)} s`
}
