import type { Explanation } from '../gateway/explain.js'
import type { NearEntry } from '../gateway/explain-listing.js'
import type { StepName, StepState } from '../gateway/explain-steps.js'
import { columns, shownPlace, type Speaker } from './desk-output.js'
import { inLanguage } from './language.js'

const sentences = {
  en: {
    permit: 'permitted: it goes upstream',
    answered: 'permitted: the gateway answers it itself',
    deny: 'refused',
    overlooked: 'permitted, since the partner is in report-only; it would be refused',
    fail: 'failed: something broke, the rules said nothing',
    notReached: 'not judged',
    detail: 'detail',
    sent: 'told to the client',
    near: 'what comes near',
    states: {
      passed: 'ok',
      denied: 'NO',
      overlooked: 'no, overlooked',
      failed: 'failed',
      'not-reached': '–',
    } satisfies Record<StepState, string>,
    steps: {
      request: 'request',
      environment: 'environment',
      certificate: 'certificate',
      trust: 'authority',
      validity: 'validity',
      revocation: 'revocation',
      listing: 'whitelist entry',
      dates: 'dates of the entry',
      api: 'API',
      grant: 'API granted',
      operation: 'operation',
      'ror-headers': 'Ror-* fields',
      limits: 'limits',
      token: 'token',
      establishments: 'establishments',
      body: 'body',
      forwarding: 'upstream',
    } satisfies Record<StepName, string>,
  },
  fr: {
    permit: 'admise : elle part vers le serveur',
    answered: 'admise : la passerelle y répond elle-même',
    deny: 'refusée',
    overlooked: 'admise, car le partenaire est en report-only ; elle serait refusée',
    fail: 'échec : une panne, les règles n’ont rien dit',
    notReached: 'non examiné',
    detail: 'détail',
    sent: 'dit au client',
    near: 'ce qui s’en approche',
    states: {
      passed: 'oui',
      denied: 'NON',
      overlooked: 'non, toléré',
      failed: 'panne',
      'not-reached': '–',
    } satisfies Record<StepState, string>,
    steps: {
      request: 'requête',
      environment: 'environnement',
      certificate: 'certificat',
      trust: 'autorité',
      validity: 'validité',
      revocation: 'révocation',
      listing: 'entrée de la liste',
      dates: 'dates de l’entrée',
      api: 'API',
      grant: 'API ouverte',
      operation: 'opération',
      'ror-headers': 'champs Ror-*',
      limits: 'limites',
      token: 'jeton',
      establishments: 'établissements',
      body: 'corps',
      forwarding: 'serveur',
    } satisfies Record<StepName, string>,
  },
}
type Words = (typeof sentences)['en']

/** The decision first, then every step, then what comes near. */
export function tellExplanation(speaker: Speaker, explanation: Explanation): void {
  const words = inLanguage<Words>(speaker.language, sentences)
  const { paint, language } = speaker
  const { effect, text, detail, sent, entry } = explanation
  speaker.say(verdictOf(explanation, words, speaker))
  if (text !== undefined) speaker.say(`  ${text[language]}`)
  if (detail !== undefined) speaker.say(`  ${words.detail}: ${detail}`)
  if (effect === 'deny') {
    for (const [name, value] of Object.entries(sent)) speaker.say(`  ${words.sent}: ${name} ${value}`)
  }
  speaker.say('')
  // what passed and has nothing to say is nothing to read; what was not reached is one line
  const reached = explanation.steps.filter(
    ({ state, says }) => state !== 'not-reached' && (state !== 'passed' || says !== undefined),
  )
  const rows = columns(
    reached.map(({ step, state, says }) => [
      words.states[state],
      words.steps[step],
      step === 'listing' && entry !== undefined
        ? `${shownPlace(entry.place)} · ${entry.partner} (${entry.name})`
        : (says?.[language] ?? ''),
    ]),
  )
  const marks: Readonly<Record<StepState, (line: string) => string>> = {
    passed: String,
    denied: paint.bad,
    overlooked: paint.doubtful,
    failed: paint.bad,
    'not-reached': paint.faint,
  }
  for (const [index, row] of rows.entries()) {
    speaker.say(`  ${marks[reached[index]?.state ?? 'passed'](row)}`)
  }
  const left = explanation.steps.filter(({ state }) => state === 'not-reached')
  if (left.length > 0) {
    const names = left.map(({ step }) => words.steps[step]).join(', ')
    speaker.say(`  ${paint.faint(`${words.states['not-reached']}  ${words.notReached}: ${names}`)}`)
  }
  tellNear(speaker, explanation.near)
}

/** Entries that are not the client's, and what keeps them from being. */
export function tellNear(speaker: Speaker, near: readonly NearEntry[]): void {
  const words = inLanguage<Words>(speaker.language, sentences)
  const { paint, language } = speaker
  if (near.length === 0) return
  speaker.say('')
  speaker.say(paint.strong(words.near))
  for (const entry of near) {
    speaker.say(`  ${shownPlace(entry.place)} ${paint.strong(entry.partner)}: ${entry.says[language]}`)
    if (entry.subject !== undefined) speaker.say(`    ${paint.faint(entry.subject)}`)
    for (const difference of entry.differences) speaker.say(`    ${difference[language]}`)
  }
}

function verdictOf(
  { effect, enforced, reason, status, upstream }: Explanation,
  words: Words,
  { paint }: Speaker,
): string {
  const why = reason === undefined ? '' : `: ${reason}${status === undefined ? '' : ` (${status})`}`
  switch (effect) {
    case 'permit':
      if (!enforced) return paint.doubtful(`${words.overlooked}${why}`)
      return paint.good(upstream === undefined ? words.answered : words.permit)
    case 'deny':
      return paint.bad(`${words.deny}${why}`)
    case 'fail':
      return paint.bad(`${words.fail}${why}`)
  }
}
