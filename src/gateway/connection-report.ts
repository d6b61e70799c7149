import { findEntry, type ClientNames } from '../core/admission.js'
import type { Api, MatchBy } from '../core/api.js'
import { toIdNatStruct } from '../core/establishment.js'
import { formatName } from '../core/name-text.js'
import { renderingOf } from '../core/reasons.js'
import { parametersOf, percentDecoded, type RequestTarget } from '../core/request-target.js'
import { formatSpkiSha256 } from '../core/spki.js'
import type { Whitelist, WhitelistEntry } from '../core/whitelist.js'
import type { Certificate } from '../x509/certificate.js'

const day = 86_400_000

/** Who asks, about which environment. */
export interface ConnectionQuestion {
  readonly environment: string
  readonly apis: readonly Api[]
  readonly whitelist: Whitelist
  readonly certificate: Certificate
  readonly names: ClientNames
  readonly target: RequestTarget
  readonly requestId: string
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

/** What the gateway sees of a connection, and what its holder should do. @param now - epoch milliseconds */
export function reportConnection(question: ConnectionQuestion, now: number): ConnectionReport {
  const { certificate, names, whitelist, apis } = question
  const perApi = apis.map((api) => ({ api, entry: findEntry(whitelist, names, api) }))
  const entry =
    perApi.find(({ entry }) => entry !== undefined)?.entry ?? findEntry(whitelist, names, undefined)
  const partner = entry?.partner
  const wanted = askedEstablishment(question.target)
  const asked = wanted === undefined ? undefined : judgeAsked(wanted, whitelist, entry)
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
    ...(asked !== undefined && { asked }),
    advice: adviceFor(question, entry, now) ?? adviceOnAsked(asked) ?? allIsWell(certificate, now),
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
  question: ConnectionQuestion,
  entry: WhitelistEntry | undefined,
  now: number,
): ConnectionReport['advice'] | undefined {
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
  return undefined
}

// whoever asks about one establishment wants to know of that one
function adviceOnAsked(asked: ConnectionReport['asked']): ConnectionReport['advice'] | undefined {
  if (asked === undefined || asked.permitted) return undefined
  const { establishment, problem } = asked
  if (problem !== undefined) {
    return {
      en: `your certificate is listed; the number asked about cannot be read: ${problem}`,
      fr: `votre certificat est inscrit ; le numéro demandé ne peut pas être lu : écrivez un FINESS de neuf caractères (350054680) ou un IdNatStruct (1350054680)`,
    }
  }
  return {
    en: `your certificate is listed, but may not write for ${establishment}; ask the ROR team to add this establishment`,
    fr: `votre certificat est inscrit, mais ne peut pas écrire pour ${establishment} ; demandez à l’équipe ROR le rattachement de cet établissement`,
  }
}

function allIsWell(certificate: Certificate, now: number): ConnectionReport['advice'] {
  const daysLeft = Math.floor((certificate.notAfter - now) / day)
  if (daysLeft < 60) {
    return {
      en: `your certificate ends in ${daysLeft} days: announce the renewed one to the ROR team before that`,
      fr: `votre certificat prend fin dans ${daysLeft} jours : annoncez le nouveau à l’équipe ROR avant cette date`,
    }
  }
  return { en: 'your certificate is listed', fr: 'votre certificat est inscrit' }
}
