import { escapeHtml } from '../admin/status-page.js'
import type { Denial } from '../core/decision.js'
import { renderingOf } from '../core/reasons.js'
import { sentOf } from '../core/refusal-text.js'

/** Beside a page: nothing on it comes from elsewhere, and nothing is told elsewhere. */
export const pageFields = {
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
} as const

/** Whether the client is a browser. */
export function wantsPage(accept: string | undefined): boolean {
  return /\btext\/html\b/i.test(accept ?? '')
}

/** A page for people, around a content whose every value is escaped. */
export function partnerPage(content: string): string {
  return `<!doctype html>
<html lang="fr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Passerelle ROR : votre connexion</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1e1e1e; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #ddd }
th[scope=row] { width: 17rem; font-weight: 600 } code { overflow-wrap: anywhere }
.yes { color: #18753c } .no { color: #ce0500 } .advice { padding: .8rem 1rem; border-left: 4px solid #000091; background: #f5f5fe; overflow-wrap: anywhere }
</style>
</head>
<body>
${content}
</body>
</html>
`
}

/** Why the page of a connection is refused: the sentence of the reason, and what was read of the client. */
export function refusalPage(denial: Denial, requestId: string): string {
  const { fr, en } = renderingOf(denial.reason)
  const rows = sentOf(denial).map(
    ([name, value]) =>
      `<tr><th scope="row"><code>${escapeHtml(name)}</code></th><td><code>${escapeHtml(value)}</code></td></tr>`,
  )
  return partnerPage(`<h1>La passerelle ROR refuse cette connexion</h1>
<p class="advice"><strong>${escapeHtml(fr)}</strong><br><span lang="en">${escapeHtml(en)}</span></p>
<table><tr><th scope="row">Motif</th><td><code>${denial.reason}</code></td></tr>
${rows.join('\n')}</table>
<p>Identifiant de cette requête : <code>${escapeHtml(requestId)}</code>. C’est, avec le motif, ce qu’il faut envoyer à
l’équipe ROR ; jamais une clé privée, un mot de passe ou un jeton.</p>`)
}
