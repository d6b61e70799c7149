import { escapeHtml } from '../admin/status-page.js'
import type { MatchBy } from '../core/api.js'
import type { ConnectionReport } from './connection-report.js'
import { partnerPage } from './partner-page.js'

/** The report as a page for people: French, no script, nothing from elsewhere, every value escaped. */
export function connectionPage(report: ConnectionReport): string {
  const { certificate, asked } = report
  const end = new Date(certificate.notAfter)
  const yes = (is: boolean): string => (is ? '<b class="yes">oui</b>' : '<b class="no">non</b>')
  const row = (name: string, value: string): string =>
    `<tr><th scope="row">${name}</th><td>${value}</td></tr>`
  const rows = [
    row('Environnement', escapeHtml(report.environment)),
    row('Sujet (DN)', `<code>${escapeHtml(certificate.subject)}</code>`),
    row('Clé publique', `<code>${escapeHtml(certificate.publicKey)}</code>`),
    row('Émetteur', `<code>${escapeHtml(certificate.issuer)}</code>`),
    row('Numéro de série', `<code>${escapeHtml(certificate.serialNumber)}</code>`),
    row(
      'Valable jusqu’au',
      `<time datetime="${end.toISOString()}">${escapeHtml(parisTime.format(end))}</time>, heure de Paris (${certificate.daysLeft} jours)`,
    ),
    row('Inscrit sur la liste blanche', yes(report.listed)),
    ...(report.partner === undefined
      ? []
      : [
          row(
            'Partenaire',
            `${escapeHtml(report.partner.name)} (<code>${escapeHtml(report.partner.id)}</code>)`,
          ),
        ]),
    row('Établissements ouverts en écriture', String(report.establishments.count)),
    ...(asked === undefined
      ? []
      : [
          row(
            `Écriture pour <code>${escapeHtml(asked.establishment)}</code>`,
            yes(asked.permitted) + (asked.problem === undefined ? '' : ` — ${escapeHtml(asked.problem)}`),
          ),
        ]),
  ]
  const apis = report.apis.map(
    ({ name, match, listed, granted }) =>
      `<tr><th scope="row">${escapeHtml(name)}</th><td>${matchWords[match]}</td><td>${yes(listed)}</td><td>${yes(granted)}</td></tr>`,
  )
  return partnerPage(`<h1>Ce que la passerelle ROR voit de votre connexion</h1>
<p class="advice"><strong>${escapeHtml(report.advice.fr)}</strong><br><span lang="en">${escapeHtml(report.advice.en)}</span></p>
<table>${rows.join('\n')}</table>
<h2>Les API de cet environnement</h2>
<table><tr><th>API</th><th>Certificat reconnu par</th><th>Certificat inscrit</th><th>API ouverte</th></tr>
${apis.join('\n')}</table>
<p>Identifiant de cette requête : <code>${escapeHtml(report.requestId)}</code>. Un refus porte son motif dans le champ
<code>Ror-Gateway-Reason</code> et le sien dans <code>X-Request-Id</code> : c’est ce qu’il faut envoyer à l’équipe ROR,
avec le sujet ci-dessus. Jamais une clé privée, un mot de passe ou un jeton.</p>`)
}

// its words are French, whatever the machine speaks
const parisTime = new Intl.DateTimeFormat('fr-FR', {
  dateStyle: 'long',
  timeStyle: 'short',
  timeZone: 'Europe/Paris',
})

const matchWords: Readonly<Record<MatchBy, string>> = {
  subject: 'son sujet',
  'public-key': 'sa clé publique',
  either: 'son sujet ou sa clé',
}
