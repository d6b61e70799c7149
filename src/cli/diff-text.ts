import type { PartnerDiff, ValueDiff, WhitelistDiff, WholePartner } from '../gateway/policy-diff.js'
import { isSameWhitelist, type ListDiff } from '../gateway/policy-diff.js'
import type { ReplayReport } from '../gateway/replay.js'
import { columns, shownPlace, type Speaker } from './desk-output.js'
import type { DeskSource } from './desk-source.js'
import { counted, inLanguage, type Noun } from './language.js'

/** What a comparison came to. */
export interface Comparison {
  /** Of gateway.yaml beside the whitelists; empty where one side is a whitelist alone. */
  readonly settings: readonly ValueDiff[]
  readonly environments: readonly (WhitelistDiff & { readonly environment: string })[]
  /** Environments that one side alone has. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** A replay, and how long it took. */
export interface Replayed {
  readonly report: ReplayReport
  readonly ms: number
}

const nouns = {
  en: {
    partners: ['partner', 'partners'] as Noun, // singular and plural
    certificates: ['certificate', 'certificates'] as Noun, // singular and plural
    establishments: ['establishment', 'establishments'] as Noun, // singular and plural
    requests: ['request', 'requests'] as Noun, // singular and plural
    lines: ['line', 'lines'] as Noun, // singular and plural
  },
  fr: {
    partners: ['partenaire', 'partenaires'] as Noun, // singular and plural
    certificates: ['certificat', 'certificats'] as Noun, // singular and plural
    establishments: ['établissement', 'établissements'] as Noun, // singular and plural
    requests: ['requête', 'requêtes'] as Noun, // singular and plural
    lines: ['ligne', 'lignes'] as Noun, // singular and plural
  },
}

const sentences = {
  en: {
    settings: 'settings',
    unset: 'not set',
    same: 'nothing differs',
    environmentAdded: (name: string) => `environment ${name}: new`,
    environmentRemoved: (name: string) => `environment ${name}: gone`,
    whitelist: 'whitelist',
    added: 'new:',
    removed: 'gone:',
    more: (count: number) => `… and ${count} more (--all shows them)`,
    fromOther: (partner: string) => `was with ${partner}`,
    toOther: (partner: string) => `now with ${partner}`,
    own: (certificate: string) => `own establishments of ${certificate}`,
    replay: (lines: string, seconds: string) => `replay of ${lines} in ${seconds} s`,
    closed: (requests: string) => `${requests} permitted by OLD would be refused by NEW`,
    opened: (requests: string) => `${requests} refused by OLD would be permitted by NEW`,
    sameDecision: (requests: string) => `${requests} would be decided as before`,
    unaffected: (requests: string) => `${requests} decided before the whitelist was asked`,
    elsewhere: (requests: string) => `${requests} of environments that were not compared`,
    drifted: (requests: string) => `${requests} are decided by OLD otherwise than they were then`,
    gaps: {
      'public-key': 'cannot be told: the line holds no public key',
      establishments: 'cannot be told: the line does not hold all establishments',
      path: 'cannot be told: the path was cut',
      'ror-headers': 'cannot be told: the Ror-* values pinned have changed',
    },
    refused: 'refused',
    permitted: 'permitted',
    last: 'last',
    colon: ':',
  },
  fr: {
    settings: 'réglages',
    unset: 'non défini',
    same: 'aucune différence',
    environmentAdded: (name: string) => `environnement ${name} : nouveau`,
    environmentRemoved: (name: string) => `environnement ${name} : supprimé`,
    whitelist: 'liste blanche',
    added: 'nouveau :',
    removed: 'supprimé :',
    more: (count: number) => `… et ${count} de plus (--all les montre)`,
    fromOther: (partner: string) => `était chez ${partner}`,
    toOther: (partner: string) => `désormais chez ${partner}`,
    own: (certificate: string) => `établissements propres de ${certificate}`,
    replay: (lines: string, seconds: string) => `rejeu de ${lines} en ${seconds} s`,
    closed: (requests: string) => `${requests} admises par OLD, refusées par NEW`,
    opened: (requests: string) => `${requests} refusées par OLD, admises par NEW`,
    sameDecision: (requests: string) => `${requests} : même décision qu’avant`,
    unaffected: (requests: string) => `${requests} : décision prise avant la liste blanche`,
    elsewhere: (requests: string) => `${requests} d’environnements non comparés`,
    drifted: (requests: string) => `${requests} : OLD en décide aujourd’hui autrement qu’à l’époque`,
    gaps: {
      'public-key': 'indécidable : la ligne ne porte pas la clé publique',
      establishments: 'indécidable : la ligne ne porte pas tous les établissements',
      path: 'indécidable : le chemin a été coupé',
      'ror-headers': 'indécidable : les valeurs Ror-* fixées ont changé',
    },
    refused: 'refus',
    permitted: 'admissions',
    last: 'dernière',
    colon: ' :',
  },
}
type Words = (typeof sentences)['en']

interface Sides {
  readonly before: DeskSource
  readonly after: DeskSource
  /** Of each list, that many are named. */
  readonly most: number
}

/** What differs beside the whitelists. */
export function tellSettings(speaker: Speaker, comparison: Comparison): void {
  const words = inLanguage<Words>(speaker.language, sentences)
  const { paint } = speaker
  for (const name of comparison.added) speaker.say(paint.good(`+ ${words.environmentAdded(name)}`))
  for (const name of comparison.removed) speaker.say(paint.bad(`- ${words.environmentRemoved(name)}`))
  if (comparison.settings.length > 0) {
    speaker.say(paint.strong(words.settings))
    for (const each of comparison.settings) speaker.say(`  ~ ${valueLine(each, words)}`)
  }
}

/** What differs in the whitelist of an environment. */
export function tellWhitelist(
  speaker: Speaker,
  diff: WhitelistDiff & { readonly environment: string },
  sides: Sides,
): void {
  const words = inLanguage<Words>(speaker.language, sentences)
  const { paint } = speaker
  const heading = diff.environment === '' ? words.whitelist : `${words.whitelist} ${diff.environment}`
  speaker.say(`${paint.strong(heading)}  ${countsOf(diff, speaker)}`)
  if (isSameWhitelist(diff)) {
    speaker.say(`  ${words.same}`)
    return
  }
  const telling = new Telling(speaker, words, sides)
  telling.whole(diff.added, '+')
  telling.whole(diff.removed, '-')
  telling.changed(diff.changed)
}

function countsOf({ counts }: WhitelistDiff, { language }: Speaker): string {
  const words = inLanguage(language, nouns)
  return (['partners', 'certificates', 'establishments'] as const)
    .map((each) => {
      const [before, after] = counts[each]
      const change = after - before
      const sign = change === 0 ? '=' : change > 0 ? `+${change}` : `−${-change}`
      return `${counted(language, after, words[each])} (${sign})`
    })
    .join(', ')
}

class Telling {
  private readonly speaker: Speaker
  private readonly words: Words
  private readonly sides: Sides

  constructor(speaker: Speaker, words: Words, sides: Sides) {
    this.speaker = speaker
    this.words = words
    this.sides = sides
  }

  whole(partners: readonly WholePartner[], sign: '+' | '-'): void {
    const { paint, language } = this.speaker
    const words = inLanguage(language, nouns)
    const mark = sign === '+' ? paint.good : paint.bad
    for (const { id, name, place, apis, certificates, establishments } of this.first(partners)) {
      const state = sign === '+' ? this.words.added : this.words.removed
      const counts = [
        counted(language, certificates.length, words.certificates),
        counted(language, establishments, words.establishments),
        apis.join(' '),
      ]
      this.speaker.say(
        `  ${mark(`${sign} ${id}`)} (${name}) ${state} ${counts.join(', ')}  ${this.at(place, sign)}`,
      )
      for (const { certificate, other } of certificates) {
        if (other !== undefined)
          this.speaker.say(`      ${certificate}  ${paint.doubtful(this.hands(other, sign))}`)
      }
    }
    this.rest(partners)
  }

  changed(partners: readonly PartnerDiff[]): void {
    const { paint } = this.speaker
    for (const partner of this.first(partners)) {
      this.speaker.say(
        `  ${paint.doubtful(`~ ${partner.id}`)} (${partner.name})  ${this.at(partner.place, '+')}`,
      )
      for (const field of partner.fields) this.speaker.say(`      ~ ${valueLine(field, this.words)}`)
      for (const api of partner.apis.added) this.speaker.say(`      ${paint.good('+ API')} ${api}`)
      for (const api of partner.apis.removed) this.speaker.say(`      ${paint.bad('- API')} ${api}`)
      for (const sign of ['+', '-'] as const) {
        const mark = sign === '+' ? paint.good : paint.bad
        for (const each of partner.certificates[sign === '+' ? 'added' : 'removed']) {
          const hands = each.other === undefined ? '' : `  ${paint.doubtful(this.hands(each.other, sign))}`
          this.speaker.say(`      ${mark(sign)} ${each.certificate}  ${this.at(each.place, sign)}${hands}`)
        }
      }
      this.list(partner.establishments)
      for (const own of partner.ownEstablishments) {
        this.speaker.say(`      ~ ${this.words.own(own.certificate)}`)
        this.list(own)
      }
    }
    this.rest(partners)
  }

  private list({ added, removed }: ListDiff): void {
    const { paint, language } = this.speaker
    const { establishments } = inLanguage(language, nouns)
    for (const [sign, names, mark] of [
      ['+', added, paint.good],
      ['-', removed, paint.bad],
    ] as const) {
      if (names.length === 0) continue
      const shown = this.first(names).join(' ')
      const more = names.length > this.sides.most ? ` ${this.words.more(names.length - this.sides.most)}` : ''
      this.speaker.say(
        `      ${mark(`${sign} ${counted(language, names.length, establishments)}`)}${this.words.colon} ${shown}${more}`,
      )
    }
  }

  private first<Item>(items: readonly Item[]): readonly Item[] {
    return items.slice(0, this.sides.most)
  }

  private rest(items: readonly unknown[]): void {
    if (items.length > this.sides.most)
      this.speaker.say(`  ${this.words.more(items.length - this.sides.most)}`)
  }

  private hands(other: string, sign: '+' | '-'): string {
    return sign === '+' ? this.words.fromOther(other) : this.words.toOther(other)
  }

  private at(place: Parameters<typeof shownPlace>[0], sign: '+' | '-'): string {
    const source = sign === '+' ? this.sides.after : this.sides.before
    return this.speaker.paint.faint(source.shown(shownPlace(place)))
  }
}

function valueLine({ field, before, after }: ValueDiff, words: Words): string {
  return `${field}${words.colon} ${before ?? words.unset} → ${after ?? words.unset}`
}

/** Which past decisions would be others. */
export function tellReplay(speaker: Speaker, { report, ms }: Replayed, most: number): void {
  const { language, paint } = speaker
  const words = inLanguage<Words>(language, sentences)
  const { requests, lines } = inLanguage(language, nouns)
  const seconds = (ms / 1000).toFixed(1)
  speaker.say(paint.strong(words.replay(counted(language, report.lines, lines), seconds)))
  const told: readonly (readonly [
    count: number,
    text: (requests: string) => string,
    mark?: (text: string) => string,
  ])[] = [
    [report.closed, words.closed, paint.bad],
    [report.opened, words.opened, paint.good],
    [report.same, words.sameDecision],
    [report.unaffected, words.unaffected],
    [report.elsewhere, words.elsewhere],
    [report.drifted, words.drifted, paint.doubtful],
  ]
  for (const [index, [count, text, mark = String]] of told.entries()) {
    if (count > 0 || index < 2) speaker.say(`  ${mark(text(counted(language, count, requests)))}`)
  }
  for (const gap of ['public-key', 'establishments', 'path', 'ror-headers'] as const) {
    const count = report.undetermined[gap]
    if (count > 0)
      speaker.say(`  ${paint.doubtful(`${counted(language, count, requests)} ${words.gaps[gap]}`)}`)
  }
  const rows = report.partners
    .slice(0, most)
    .map(({ environment, partner, closed, opened, reasons, last }) => [
      partner,
      environment,
      closed === 0 ? '' : `${words.refused} ${closed} (${reasonsIn(reasons.closed)})`,
      opened === 0 ? '' : `${words.permitted} ${opened} (${reasonsIn(reasons.opened)})`,
      `${words.last} ${last.time} ${last.method} ${last.path} ${last.establishments.join(' ')}`.trimEnd(),
    ])
  for (const row of columns(rows)) speaker.say(`    ${row}`)
  if (report.partners.length > most) speaker.say(`    ${words.more(report.partners.length - most)}`)
}

function reasonsIn(reasons: Readonly<Record<string, number>>): string {
  return Object.entries(reasons)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ')
}
