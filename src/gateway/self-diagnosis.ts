import { findEntry, type ClientNames } from '../core/admission.js'
import type { Api, MatchBy } from '../core/api.js'
import { toIdNatStruct } from '../core/establishment.js'
import { formatName } from '../core/name-text.js'
import { renderingOf } from '../core/reasons.js'
import { parametersOf, percentDecoded, type RequestTarget } from '../core/request-target.js'
import { formatSpkiSha256 } from '../core/spki.js'
import type { Whitelist, WhitelistEntry } from '../core/whitelist.js'
import type { Certificate } from '../x509/certificate.js'
import type { Answer } from './answer.js'

/** Where a partner finds out, alone, what the gateway sees of it. */
export const selfDiagnosisPath = '/.well-known/ror-gateway/connection'

const day = 86_400_000

interface Question {
  readonly environment: string
  readonly apis: readonly Api[]
  readonly whitelist: Whitelist
  readonly certificate: Certificate
  readonly names: ClientNames
  readonly target: RequestTarget
  readonly requestId: string
  readonly accept: string | undefined
}

/** What the answer says; about the caller alone. */
export interface ConnectionReport {
  readonly environment: string
  readonly requestId: string
  readonly certificate: {
    readonly subject: string
    readonly issuer: string
    readonly serialNumber: string
    readonly publicKey: string
    readonly notBefore: string
    readonly notAfter: string
    readonly daysLeft: number
  }
  readonly listed: boolean
  /** The end of this certificate's listing, where it has one of its own. */
  readonly listedUntil?: string
  readonly partner?: {
    readonly id: string
    readonly name: string
    readonly mode: string
    readonly validFrom?: string
    readonly validUntil?: string
  }
  readonly apis: readonly {
    readonly name: string
    readonly match: MatchBy
    readonly listed: boolean
    readonly granted: boolean
  }[]
  readonly establishments: { readonly count: number }
  readonly asked?: { readonly establishment: string; readonly permitted: boolean; readonly problem?: string }
  readonly advice: { readonly en: string; readonly fr: string }
}

/** The report, as JSON, or as a page where the client is a browser. @param now - epoch milliseconds */
export function diagnoseConnection(question: Question, now: number): Answer {
  const report = reportOf(question, now)
  const wantsPage = /\btext\/html\b/i.test(question.accept ?? '')
  if (!wantsPage) {
    return {
      status: 200,
      contentType: 'application/json; charset=utf-8',
      body: `${JSON.stringify(report, null, 2)}\n`,
      fields: { 'X-Request-Id': report.requestId },
    }
  }
  return {
    status: 200,
    contentType: 'text/html; charset=utf-8',
    body: pageOf(report),
    fields: {
      'X-Request-Id': report.requestId,
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      'Referrer-Policy': 'no-referrer',
    },
  }
}

function reportOf(question: Question, now: number): ConnectionReport {
  const { certificate, names, whitelist, apis } = question
  const perApi = apis.map((api) => ({ api, entry: findEntry(whitelist, names, api) }))
  const entry =
    perApi.find(({ entry }) => entry !== undefined)?.entry ?? findEntry(whitelist, names, undefined)
  const partner = entry?.partner
  const asked = askedEstablishment(question.target)
  return {
    environment: question.environment,
    requestId: question.requestId,
    certificate: {
      subject: formatName(certificate.subject),
      issuer: formatName(certificate.issuer),
      serialNumber: certificate.serialNumber,
      publicKey: formatSpkiSha256(certificate.spkiSha256),
      notBefore: new Date(certificate.notBefore).toISOString(),
      notAfter: new Date(certificate.notAfter).toISOString(),
      daysLeft: Math.floor((certificate.notAfter - now) / day),
    },
    listed: entry !== undefined,
    ...(entry?.validUntil !== undefined && { listedUntil: new Date(entry.validUntil).toISOString() }),
    ...(partner !== undefined && {
      partner: {
        id: partner.id,
        name: partner.name,
        mode: partner.mode,
        ...(partner.validFrom !== undefined && { validFrom: new Date(partner.validFrom).toISOString() }),
        ...(partner.validUntil !== undefined && { validUntil: new Date(partner.validUntil).toISOString() }),
      },
    }),
    apis: perApi.map(({ api, entry: listing }) => ({
      name: api.name,
      match: api.match,
      listed: listing !== undefined,
      granted: listing?.partner.apis.includes(api.name) ?? false,
    })),
    establishments: { count: entry?.establishmentCount ?? 0 },
    ...(asked !== undefined && { asked: judgeAsked(asked, whitelist, entry) }),
    advice: adviceFor(question, entry, now),
  }
}

function askedEstablishment(target: RequestTarget): string | undefined {
  const found = parametersOf(target.query ?? '').find(({ name }) => name === 'establishment')
  if (found?.value === undefined) return undefined
  return percentDecoded(found.value)?.slice(0, 80) ?? ''
}

function judgeAsked(
  asked: string,
  whitelist: Whitelist,
  entry: WhitelistEntry | undefined,
): NonNullable<ConnectionReport['asked']> {
  const id = toIdNatStruct(asked.split('/', 1).join(''))
  if (!id.ok) return { establishment: asked, permitted: false, problem: id.problem.message }
  return { establishment: id.value, permitted: entry !== undefined && whitelist.permits(entry, id.value) }
}

function adviceFor(
  question: Question,
  entry: WhitelistEntry | undefined,
  now: number,
): ConnectionReport['advice'] {
  const { certificate, apis } = question
  if (entry === undefined) {
    const wanted = apis.some(({ match }) => match === 'public-key')
      ? `${formatName(certificate.subject)} · ${formatSpkiSha256(certificate.spkiSha256)}`
      : formatName(certificate.subject)
    return {
      en: `this certificate is trusted here but not listed; send the ROR team, for the environment ${question.environment}: ${wanted}`,
      fr: `ce certificat est reconnu ici mais n’est pas inscrit ; transmettez à l’équipe ROR, pour l’environnement ${question.environment} : ${wanted}`,
    }
  }
  const { validFrom, validUntil } = entry.partner
  if (validFrom !== undefined && now < validFrom) {
    return { en: 'your access has not begun', fr: 'votre accès n’a pas commencé' }
  }
  if (validUntil !== undefined && now >= validUntil) {
    return {
      en: 'your access has ended; ask the ROR team to extend it',
      fr: 'votre accès a pris fin ; demandez à l’équipe ROR de le prolonger',
    }
  }
  if (entry.validUntil !== undefined && now >= entry.validUntil) {
    const { en, fr } = renderingOf('certificate-retired')
    return { en, fr }
  }
  const daysLeft = Math.floor((certificate.notAfter - now) / day)
  if (daysLeft < 60) {
    return {
      en: `your certificate ends in ${daysLeft} days: announce the renewed one to the ROR team before that`,
      fr: `votre certificat prend fin dans ${daysLeft} jours : annoncez le nouveau à l’équipe ROR avant cette date`,
    }
  }
  return { en: 'your certificate is listed', fr: 'votre certificat est inscrit' }
}

function pageOf(report: ConnectionReport): string {
  const { certificate, asked } = report
  const yes = (is: boolean): string => (is ? '<b class="yes">oui</b>' : '<b class="no">non</b>')
  const row = (name: string, value: string): string =>
    `<tr><th scope="row">${name}</th><td>${value}</td></tr>`
  const rows = [
    row('Environnement', escapeHtml(report.environment)),
    row('Sujet (DN)', `<code>${escapeHtml(certificate.subject)}</code>`),
    row('Clé publique', `<code>${escapeHtml(certificate.publicKey)}</code>`),
    row('Émetteur', `<code>${escapeHtml(certificate.issuer)}</code>`),
    row('Numéro de série', `<code>${escapeHtml(certificate.serialNumber)}</code>`),
    row('Valable jusqu’au', `${escapeHtml(certificate.notAfter)} (${certificate.daysLeft} jours)`),
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
<h1>Ce que la passerelle ROR voit de votre connexion</h1>
<p class="advice">${escapeHtml(report.advice.fr)}<br><span lang="en">${escapeHtml(report.advice.en)}</span></p>
<table>${rows.join('\n')}</table>
<h2>API de cet environnement</h2>
<table><tr><th>API</th><th>Certificat reconnu par</th><th>Certificat inscrit</th><th>API ouverte</th></tr>
${apis.join('\n')}</table>
<p>Numéro de requête : <code>${escapeHtml(report.requestId)}</code></p>
</body>
</html>
`
}

const matchWords: Readonly<Record<MatchBy, string>> = {
  subject: 'son sujet',
  'public-key': 'sa clé publique',
  either: 'son sujet ou sa clé',
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
