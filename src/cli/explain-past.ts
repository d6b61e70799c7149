import { renderingOf } from '../core/reasons.js'
import { explainListing, type NearEntry } from '../gateway/explain-listing.js'
import type { Policy } from '../gateway/policy.js'
import {
  denialOf,
  isBeforeListing,
  judgePast,
  namesOf,
  type ReplayVerdict,
} from '../gateway/replay-judgement.js'
import { auditField, establishmentsOf, readAuditLine, type PastRequest } from '../observe/audit-line.js'
import { readTrails, trailsOf } from './audit-trail.js'
import { columns, speakerFor, type Speaker } from './desk-output.js'
import { judgingPolicy } from './desk-source.js'
import { tellNear } from './explain-text.js'
import { inLanguage } from './language.js'
import { exit, instantOption, listOption, textOption, type Streams, type VerbOptions } from './verb.js'

const sentences = {
  en: {
    missing: (id: string) => `no request \`${id}\` in the audit trail`,
    decisions: { permit: 'was permitted', deny: 'was refused', fail: 'failed: something broke' },
    overlooked: 'was let pass, since the partner was in report-only',
    today: 'by the rules of now',
    same: 'the whitelist has no say in it',
    verdicts: {
      permit: 'it would be permitted',
      deny: 'it would be refused',
      unknown: 'the line does not hold enough to tell',
    },
    unlisted: 'the certificate is not listed',
    fields: [
      'time',
      'environment',
      'API',
      'partner',
      'certificate',
      'serial number',
      'request',
      'establishments',
      'status',
      'detail',
      'revision',
    ],
  },
  fr: {
    missing: (id: string) => `aucune requête \`${id}\` dans le journal d’audit`,
    decisions: { permit: 'a été admise', deny: 'a été refusée', fail: 'a échoué : une panne' },
    overlooked: 'a été tolérée, car le partenaire était en report-only',
    today: 'selon les règles actuelles',
    same: 'la liste blanche n’y est pour rien',
    verdicts: {
      permit: 'elle serait admise',
      deny: 'elle serait refusée',
      unknown: 'la ligne n’en dit pas assez',
    },
    unlisted: 'le certificat n’est pas inscrit',
    fields: [
      'date',
      'environnement',
      'API',
      'partenaire',
      'certificat',
      'numéro de série',
      'requête',
      'établissements',
      'statut',
      'détail',
      'révision',
    ],
  },
}

/** A past request, and what the rules of now make of it. */
interface PastExplanation {
  readonly line: Readonly<Record<string, unknown>>
  readonly past: PastRequest
  readonly today:
    { readonly verdict: ReplayVerdict | undefined; readonly near: readonly NearEntry[] } | undefined
}

/** `explain --request-id`: what became of a request of the audit trail, and what would become of it now. */
export async function explainPast(options: VerbOptions, streams: Streams): Promise<number> {
  const speaker = speakerFor(streams)
  const words = inLanguage(speaker.language, sentences)
  const id = textOption(options, 'request-id') ?? ''
  const config = textOption(options, 'config')
  const policy = config === undefined ? undefined : await judgingPolicy(config)
  const written = policy?.config.audit.file?.path
  const trails = trailsOf(
    listOption(options, 'audit'),
    config === undefined ? undefined : { label: config, file: written },
  )
  const line = await findLine(id, trails, streams)
  const past = line === undefined ? undefined : readAuditLine(line)
  if (line === undefined || past === undefined) {
    speaker.note(words.missing(id))
    return exit.couldNot
  }
  const found: PastExplanation = {
    line: JSON.parse(line) as Record<string, unknown>, // an object, as it was read above
    past,
    today:
      policy === undefined ? undefined : judgeToday(past, policy, instantOption(options, 'at') ?? Date.now()),
  }
  if (options['json'] === true)
    speaker.json({ event: found.line, ...(found.today && { today: found.today }) })
  else tell(speaker, found)
  if (past.decision === 'fail') return exit.couldNot
  return past.decision === 'deny' && past.enforced ? exit.denied : exit.done
}

async function findLine(
  id: string,
  trails: readonly string[],
  streams: Streams,
): Promise<string | undefined> {
  let found: string | undefined
  const needle = JSON.stringify(id)
  const onLine = (line: string): void => {
    if (line.includes(needle) && readAuditLine(line)?.requestId === id) found = line
  }
  await readTrails(trails, { onLine, isEnough: () => found !== undefined }, streams)
  return found
}

function judgeToday(past: PastRequest, policy: Policy, at: number): PastExplanation['today'] {
  const environment = policy.environments.get(past.environment)
  const client = namesOf(past)
  if (environment === undefined || client === undefined || isBeforeListing(past)) {
    return { verdict: undefined, near: [] }
  }
  const verdict = judgePast(past, environment, { client, at })
  const api = environment.apis.find(({ name }) => name === past.api)
  if (verdict.effect === 'unknown') return { verdict, near: [] }
  return { verdict, near: explainListing({ policy, environment: past.environment, api, names: client }).near }
}

function tell(speaker: Speaker, { line, past, today }: PastExplanation): void {
  const words = inLanguage(speaker.language, sentences)
  const { paint, language } = speaker
  const refused = denialOf(past)
  const isOverlooked = past.decision === 'deny' && !past.enforced
  const decision = past.decision === 'permit' || past.decision === 'deny' ? past.decision : 'fail'
  const mark = isOverlooked ? paint.doubtful : decision === 'permit' ? paint.good : paint.bad
  const colon = language === 'fr' ? ' :' : ':'
  const why = past.reason === undefined ? '' : `${colon} ${past.reason}`
  speaker.say(mark(`${past.requestId} ${isOverlooked ? words.overlooked : words.decisions[decision]}${why}`))
  if (refused !== undefined) speaker.say(`  ${renderingOf(refused)[language]}`)
  speaker.say('')
  const values = [
    past.time,
    past.environment,
    past.api,
    past.partner,
    past.subject,
    shownField(auditField(line, 'serialNumber')),
    `${past.method} ${past.path}`,
    establishmentsOf(past)
      .map(({ idNatStruct, at }) => `${idNatStruct} (${at})`)
      .join(', '),
    past.status === undefined ? undefined : String(past.status),
    shownField(auditField(line, 'detail')),
    shownField(auditField(line, 'policyRevision')),
  ]
  const rows = values.flatMap((value, index) =>
    value === undefined || value === '' ? [] : [[words.fields[index] ?? '', value]],
  )
  for (const row of columns(rows)) speaker.say(`  ${row}`)
  if (today === undefined) return
  const { verdict } = today
  const reason = verdict === undefined || verdict.effect === 'unknown' ? undefined : verdict.reason
  const says = verdict === undefined ? words.same : words.verdicts[verdict.effect]
  speaker.say('')
  speaker.say(
    `${paint.strong(words.today)}${colon} ${says}${reason === undefined ? '' : `${colon} ${reason}`}`,
  )
  tellNear(speaker, today.near)
}

function shownField(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
