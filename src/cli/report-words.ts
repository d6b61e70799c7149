import type { Noun } from './language.js'

/** What a report is called in, on the terminal and on the page. */
export interface ReportWords {
  readonly title: (partner: string) => string
  readonly nothing: (partner: string) => string
  readonly others: (ids: string) => string
  readonly requests: Noun
  readonly trail: string
  readonly lines: Noun
  readonly period: string
  readonly from: (first: string, last: string) => string
  readonly environments: string
  readonly permitted: Noun
  readonly refused: Noun
  readonly overlooked: Noun
  readonly failed: Noun
  readonly sums: (requests: string, outcomes: string) => string
  readonly beforeEntry: (requests: string) => string
  readonly timeline: Readonly<Record<'hour' | 'day' | 'month', string>>
  readonly apis: string
  readonly apiColumns: readonly string[]
  readonly noApi: string
  readonly left: string
  readonly establishments: string
  readonly establishmentColumns: readonly string[]
  readonly noEstablishments: string
  readonly unnamed: (count: string) => string
  readonly more: (count: string) => string
  readonly refusals: string
  readonly noRefusals: string
  readonly failures: string
  readonly last: string
  readonly example: Readonly<
    Record<'request' | 'id' | 'certificate' | 'establishments' | 'detail' | 'handshake', string>
  >
  readonly certificates: string
  readonly certificateColumns: readonly string[]
  readonly entry: (environment: string) => string
  readonly noEntry: string
  readonly proven: Readonly<Record<'called' | 'not-successful' | 'not-called', string>>
  readonly written: (count: number, all: number) => string
  readonly notWritten: (establishments: string) => string
  readonly footnote: string
}

/** Both tables. */
export const reportWords: Readonly<Record<'en' | 'fr', ReportWords>> = {
  en: {
    title: (partner) => `Report on ${partner}`,
    nothing: (partner) => `no request of \`${partner}\` in this period of the audit trail`,
    others: (ids) => `partners seen: ${ids}`,
    requests: ['request', 'requests'],
    trail: 'audit trail',
    lines: ['line read', 'lines read'],
    period: 'period',
    from: (first, last) => `${first} to ${last}`,
    environments: 'environments',
    permitted: ['permitted', 'permitted'],
    refused: ['refused', 'refused'],
    overlooked: ['let pass (report-only)', 'let pass (report-only)'],
    failed: ['failed', 'failed'],
    sums: (requests, outcomes) => `${requests}: ${outcomes}`,
    beforeEntry: (requests) =>
      `${requests} refused before the entry was found, known by the name or the key of the certificate`,
    timeline: { hour: 'requests by hour', day: 'requests by day', month: 'requests by month' },
    apis: 'calls per API',
    apiColumns: ['environment', 'API', 'permitted', 'refused', 'let pass', 'failed', 'statuses', 'last'],
    noApi: '(none)',
    left: 'client left',
    establishments: 'writes per establishment',
    establishmentColumns: ['environment', 'establishment', 'written', 'unsuccessful', 'refused', 'last'],
    noEstablishments: 'no write named an establishment',
    unnamed: (count) => `and ${count} that are not told one by one`,
    more: (count) => `and ${count} more: --all`,
    refusals: 'refusals by reason',
    noRefusals: 'nothing was refused',
    failures: 'failures, none of the partner’s making',
    last: 'last',
    example: {
      request: 'request',
      id: 'id',
      certificate: 'certificate',
      establishments: 'establishments',
      detail: 'detail',
      handshake: 'the handshake',
    },
    certificates: 'certificates seen',
    certificateColumns: ['subject', 'key', 'valid until', 'requests', 'last'],
    entry: (environment) => `what the entry grants${environment === '' ? '' : ` in ${environment}`}`,
    noEntry: 'not listed in this configuration',
    proven: {
      called: 'called, with success',
      'not-successful': 'called, never with success',
      'not-called': 'never called',
    },
    written: (count, all) => `${count} of ${all} ${all === 1 ? 'establishment' : 'establishments'} written`,
    notWritten: (establishments) => `never written: ${establishments}`,
    footnote: 'Instants are UTC; hours, days and months those of Paris. No body and no query is kept.',
  },
  fr: {
    title: (partner) => `Rapport sur ${partner}`,
    nothing: (partner) => `aucune requête de \`${partner}\` sur cette période dans le journal d’audit`,
    others: (ids) => `partenaires vus : ${ids}`,
    requests: ['requête', 'requêtes'],
    trail: 'journal d’audit',
    lines: ['ligne lue', 'lignes lues'],
    period: 'période',
    from: (first, last) => `${first} à ${last}`,
    environments: 'environnements',
    permitted: ['admise', 'admises'],
    refused: ['refusée', 'refusées'],
    overlooked: ['tolérée (report-only)', 'tolérées (report-only)'],
    failed: ['en panne', 'en panne'],
    sums: (requests, outcomes) => `${requests} : ${outcomes}`,
    beforeEntry: (requests) =>
      `${requests} : refus avant que l’inscription soit trouvée, reconnus au nom ou à la clé du certificat`,
    timeline: { hour: 'requêtes par heure', day: 'requêtes par jour', month: 'requêtes par mois' },
    apis: 'appels par API',
    apiColumns: [
      'environnement',
      'API',
      'admises',
      'refusées',
      'tolérées',
      'en panne',
      'statuts',
      'dernière',
    ],
    noApi: '(aucune)',
    left: 'client parti',
    establishments: 'écritures par établissement',
    establishmentColumns: [
      'environnement',
      'établissement',
      'écrit',
      'sans succès',
      'refusé',
      'dernière fois',
    ],
    noEstablishments: 'aucune écriture n’a nommé d’établissement',
    unnamed: (count) => `et ${count} qui ne sont pas détaillés`,
    more: (count) => `et ${count} de plus : --all`,
    refusals: 'refus par motif',
    noRefusals: 'rien n’a été refusé',
    failures: 'pannes, sans rapport avec le partenaire',
    last: 'dernier',
    example: {
      request: 'requête',
      id: 'identifiant',
      certificate: 'certificat',
      establishments: 'établissements',
      detail: 'détail',
      handshake: 'la négociation TLS',
    },
    certificates: 'certificats vus',
    certificateColumns: ['sujet', 'clé', 'valide jusqu’au', 'requêtes', 'dernière'],
    entry: (environment) => `ce que l’inscription accorde${environment === '' ? '' : ` en ${environment}`}`,
    noEntry: 'pas inscrit dans cette configuration',
    proven: {
      called: 'appelée avec succès',
      'not-successful': 'appelée, jamais avec succès',
      'not-called': 'jamais appelée',
    },
    written: (count, all) =>
      `${count} ${count < 2 ? 'établissement écrit' : 'établissements écrits'} sur ${all}`,
    notWritten: (establishments) => `jamais écrits : ${establishments}`,
    footnote:
      'Les instants sont en UTC ; heures, jours et mois sont ceux de Paris. Ni corps ni paramètres de requête ne sont conservés.',
  },
}
