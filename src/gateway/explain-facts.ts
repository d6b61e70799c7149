import type { Api } from '../core/api.js'
import type { Denial, EstablishmentWritten } from '../core/decision.js'
import { formatPlace } from '../core/diagnostic.js'
import { formatName } from '../core/name-text.js'
import { judgeTarget } from '../core/request-target.js'
import { operationOf } from '../core/route.js'
import type { Certificate } from '../x509/certificate.js'
import { commonNameOf } from '../x509/common-name.js'
import type { Listing, Sentence } from './explain-listing.js'
import type { ExplainQuestion, SettledQuestion } from './explain-question.js'
import type { StepName } from './explain-steps.js'
import type { Trial } from './explain-trial.js'

/** Everything that is known of a request once it has been judged. */
export interface Findings {
  readonly question: ExplainQuestion
  readonly settled: SettledQuestion
  readonly certificate: Certificate | undefined
  readonly api: Api | undefined
  readonly listing: Listing
  readonly denial: Denial | undefined
  readonly establishments: readonly EstablishmentWritten[]
  readonly forwarded: Trial['forwarded']
}

/** What each step has to say; facts alone, the judgement is made. */
export function factsOf(findings: Findings): Readonly<Record<StepName, Sentence | undefined>> {
  const { question, settled, certificate, api, listing } = findings
  const { environment, host } = settled
  const path = question.target.replace(/\?.*$/s, '')
  const { tls } = environment.config
  return {
    request: both(`${question.method} ${path} · ${host}`),
    environment: both(environment.name),
    certificate:
      certificate === undefined
        ? { en: 'none, or none that can be read', fr: 'aucun, ou aucun qui soit lisible' }
        : both(formatName(certificate.subject)),
    trust: certificate === undefined ? undefined : chainOf(certificate, findings),
    validity: certificate === undefined ? undefined : validityOf(certificate),
    revocation:
      tls.crlPolicy === 'off'
        ? { en: 'CRLs are not looked at here', fr: 'les CRL ne sont pas consultées ici' }
        : crlsOf(findings),
    listing: listingOf(listing),
    dates: datesOf(listing),
    api: api === undefined ? undefined : both(`${api.name} · ${api.path}`),
    grant: grantOf(findings),
    operation: operationIn(findings),
    'ror-headers': pinnedOf(listing),
    limits: undefined,
    token: bindingOf(api),
    establishments: establishmentsOf(findings),
    body: question.body === undefined ? undefined : sized(question.body.length),
    forwarding: findings.forwarded === undefined ? undefined : both(api?.upstream.servers.join(', ') ?? ''),
  }
}

function both(text: string): Sentence {
  return { en: text, fr: text }
}

function sized(bytes: number): Sentence {
  return { en: `${bytes} bytes`, fr: `${bytes} octets` }
}

function chainOf(certificate: Certificate, { settled }: Findings): Sentence {
  const { environment, peer } = settled
  const paths = environment.trustedPaths.of(certificate, peer)
  const [path] = paths.ok ? paths.value : []
  if (path !== undefined) return both(path.chain.map(({ subject }) => commonNameOf(subject)).join(' → '))
  const issuer = commonNameOf(certificate.issuer)
  return { en: `issued by ${issuer}`, fr: `émis par ${issuer}` }
}

function validityOf({ notBefore, notAfter }: Certificate): Sentence {
  const [from, until] = [instant(notBefore), instant(notAfter)]
  return { en: `from ${from} to ${until}`, fr: `du ${from} au ${until}` }
}

function crlsOf({ settled }: Findings): Sentence {
  const { crls, config } = settled.environment
  const lists = crls.map(({ issuer, nextUpdate }) => ({
    name: commonNameOf(issuer),
    until: instant(nextUpdate),
  }))
  const policy = config.tls.crlPolicy
  return {
    en: `${policy}: ${lists.map(({ name, until }) => `CRL of ${name}, next update ${until}`).join('; ') || 'no CRL'}`,
    fr: `${policy} : ${lists.map(({ name, until }) => `CRL de ${name}, prochaine mise à jour ${until}`).join(' ; ') || 'aucune CRL'}`,
  }
}

function listingOf({ entry }: Listing): Sentence {
  if (entry === undefined) return { en: 'no entry lists it', fr: 'aucune entrée ne l’inscrit' }
  const { id, name } = entry.partner
  return both(`${formatPlace(entry.place)} · ${id} (${name})`)
}

function datesOf({ entry }: Listing): Sentence | undefined {
  if (entry === undefined) return undefined
  const { validFrom, validUntil: ofPartner = Infinity } = entry.partner
  const ends = Math.min(ofPartner, entry.validUntil ?? Infinity)
  const validUntil = ends === Infinity ? undefined : ends
  const from = validFrom === undefined ? undefined : instant(validFrom)
  const until = validUntil === undefined ? undefined : instant(validUntil)
  if (from === undefined && until === undefined) return { en: 'no dates are set', fr: 'aucune date fixée' }
  return {
    en: [from && `from ${from}`, until && `until ${until}`].filter(Boolean).join(' '),
    fr: [from && `à partir du ${from}`, until && `jusqu’au ${until}`].filter(Boolean).join(' '),
  }
}

function grantOf({ listing }: Findings): Sentence | undefined {
  const { entry } = listing
  if (entry === undefined) return undefined
  const apis = entry.partner.apis.join(', ')
  return { en: `granted: ${apis}`, fr: `API ouvertes : ${apis}` }
}

function operationIn({ api, question }: Findings): Sentence | undefined {
  const target = judgeTarget(question.target)
  if (api === undefined || !target.ok) return undefined
  const operation = operationOf(api, question.method, target.value)
  switch (operation.kind) {
    case 'read':
      return { en: 'a read', fr: 'une lecture' }
    case 'token':
      return { en: 'a token request', fr: 'une demande de jeton' }
    case 'write': {
      const { method, path } = operation.rule
      const rule = `${method} /${path.join('/')}`
      return { en: `a write by the rule ${rule}`, fr: `une écriture selon la règle ${rule}` }
    }
    case 'undescribed-write': {
      const known = api.writes.map(({ method, path }) => `${method} /${path.join('/')}`).join(', ')
      return {
        en: `a write that no rule describes; described are: ${known || 'none'}`,
        fr: `une écriture qu’aucune règle ne décrit ; sont décrites : ${known || 'aucune'}`,
      }
    }
    case 'unsupported-method': {
      const allowed = operation.allowed.join(', ')
      return { en: `allowed are: ${allowed}`, fr: `méthodes admises : ${allowed}` }
    }
  }
}

function bindingOf(api: Api | undefined): Sentence | undefined {
  if (api === undefined || api.tokenBinding === 'off') return undefined
  return both(`tokenBinding: ${api.tokenBinding}`)
}

function pinnedOf({ entry }: Listing): Sentence | undefined {
  const names = Object.keys(entry?.partner.rorHeaders ?? {})
  if (names.length === 0) return undefined
  return { en: `pinned: ${names.join(', ')}`, fr: `valeurs fixées : ${names.join(', ')}` }
}

function establishmentsOf({ establishments, denial, listing }: Findings): Sentence | undefined {
  const named = establishments.map(({ idNatStruct, at }) => `${idNatStruct} (${at})`).join(', ')
  if (denial?.reason === 'establishment-not-permitted') {
    const refused = denial.sent?.['establishment'] ?? ''
    const { en, fr } = permittedCount(listing)
    return {
      en: `${refused} is not among those of the entry (${en})`,
      fr: `${refused} n’est pas parmi ceux de l’entrée (${fr})`,
    }
  }
  return named === '' ? undefined : both(named)
}

function permittedCount({ entry }: Listing): Sentence {
  const count = entry?.establishmentCount ?? 0
  return { en: `${count} establishments`, fr: `${count} établissements` }
}

function instant(at: number): string {
  return new Date(at).toISOString().replace(/\.000Z$/, 'Z')
}
