import { nameKey } from '../core/distinguished-name.js'
import type { PartnerDeclaration } from '../core/partner.js'
import type { Seen, Usage, UsageScope } from '../gateway/usage.js'
import { trailsOf } from './audit-trail.js'
import { readUsage } from './audit-usage.js'
import { columns, shownInstant, speakerFor } from './desk-output.js'
import { environmentsOf, openSource, type DeskSource } from './desk-source.js'
import { counted, inLanguage, type Noun } from './language.js'
import {
  choiceOption,
  exit,
  instantOption,
  listOption,
  textOption,
  wholeOption,
  type Verb,
  type VerbOptions,
} from './verb.js'

const sentences = {
  en: {
    headings: [
      'partner',
      'environment',
      'solution',
      'mode',
      'certificates',
      'establishments',
      'until',
      'last seen',
      'name',
    ],
    never: 'never',
    partners: ['partner', 'partners'] as Noun, // singular and plural
  },
  fr: {
    headings: [
      'partenaire',
      'environnement',
      'solution',
      'mode',
      'certificats',
      'établissements',
      'échéance',
      'vu le',
      'nom',
    ],
    never: 'jamais',
    partners: ['partenaire', 'partenaires'] as Noun, // singular and plural
  },
}

/** One partner as the list shows it. */
interface Row {
  readonly id: string
  readonly environment: string
  readonly name: string
  readonly solution: string
  readonly mode: string
  readonly apis: readonly string[]
  readonly certificates: number
  readonly establishments: number
  /** The first of: the end of the partner's dates, the end of a certificate that is known. */
  readonly until: number | undefined
  readonly seen: Seen | undefined
}

/** What a row is made with. */
interface RowNeeds {
  readonly environment: string
  readonly source: DeskSource
  readonly usage: Usage | undefined
}

const sorts = ['id', 'name', 'until', 'seen', 'certificates', 'establishments'] as const
type Sort = (typeof sorts)[number]
const day = 86_400_000

/** `ror-gateway list`: the partners, sorted and sifted. */
export const list: Verb = {
  name: 'list',
  summary: 'lists the partners: sorted, filtered, those never seen, those whose access ends soon',
  options: [
    {
      name: 'config',
      value: 'FILE',
      required: true,
      help: 'gateway.yaml, or a whitelist file or folder; also at a git revision (REV:path)',
    },
    { name: 'env', value: 'NAME', help: 'this environment alone' },
    { name: 'sort', value: 'BY', default: 'id', help: `one of ${sorts.join(', ')}` },
    {
      name: 'filter',
      value: 'TEXT',
      multiple: true,
      help: 'those whose id, name, solution, mode or API holds this text; several: all of them',
    },
    { name: 'audit', value: 'FILE', multiple: true, help: 'audit trail: when each was last seen' },
    {
      name: 'unused-since',
      value: 'DATE',
      help: 'those not seen since then (by --audit, else the trail of the config)',
    },
    { name: 'expiring-within', value: 'DAYS', help: 'those whose access or known certificate ends by then' },
    { name: 'json', help: 'the list as JSON' },
  ],
  examples: [
    'ror-gateway list --config gateway.yaml --sort until',
    'ror-gateway list --config gateway.yaml --filter fhir-write --expiring-within 60',
    'ror-gateway list --config gateway.yaml --unused-since 2026-06-01',
  ],
  async run(options, streams) {
    const speaker = speakerFor(streams)
    const words = inLanguage(speaker.language, sentences)
    const by = choiceOption(options, 'sort', sorts)
    const since = instantOption(options, 'unused-since')
    const within = wholeOption(options, 'expiring-within')
    const env = textOption(options, 'env')
    const source = await openSource(textOption(options, 'config') ?? '')
    try {
      const needsTrail = since !== undefined || by === 'seen'
      const usage = await readUsage(trailsFor(options, source, needsTrail), scopeOf(source, env), streams)
      const deadline = within === undefined ? undefined : Date.now() + within * day
      const rows = environmentsOf(source, env)
        .flatMap(({ name, whitelist }) =>
          [...whitelist.partners()].map((partner) => rowOf(partner, { environment: name, source, usage })),
        )
        .filter((row) => matches(row, filtersOf(options)))
        .filter(({ seen }) => since === undefined || seen === undefined || seen.last < since)
        .filter(({ until }) => deadline === undefined || (until !== undefined && until <= deadline))
        .sort(order(by))
      if (options['json'] === true) {
        speaker.json(
          rows.map(({ until, seen, ...row }) => ({
            ...row,
            ...(seen !== undefined && { seen: instants(seen) }),
            ...(until !== undefined && { until: shownInstant(until) }),
          })),
        )
        return exit.done
      }
      const shown = rows.map(
        ({ id, environment, solution, mode, certificates, establishments, until, seen, name }) => [
          id,
          environment,
          solution,
          mode,
          String(certificates),
          String(establishments),
          until === undefined ? '' : shownInstant(until).slice(0, 10),
          usage === undefined ? '' : seen === undefined ? words.never : shownInstant(seen.last).slice(0, 10),
          name,
        ],
      )
      const [heading = '', ...lines] = columns(withoutEmpty([words.headings, ...shown]))
      if (rows.length > 0) speaker.say(speaker.paint.strong(heading))
      for (const line of lines) speaker.say(line)
      speaker.note(counted(speaker.language, rows.length, words.partners))
      return exit.done
    } finally {
      await source.close()
    }
  },
}

// a whitelist alone does not say whose it is
function scopeOf({ loaded }: DeskSource, env: string | undefined): UsageScope {
  if (loaded !== undefined) return 'each'
  return env === undefined ? 'any' : { only: env }
}

// a trail may be long: where none is named, it is read for what cannot be told without
function trailsFor(
  options: VerbOptions,
  { label, loaded }: DeskSource,
  needsTrail: boolean,
): readonly string[] {
  const named = listOption(options, 'audit')
  return needsTrail ? trailsOf(named, { label, file: loaded?.config.audit.file?.path }) : named
}

function filtersOf(options: VerbOptions): readonly string[] {
  return listOption(options, 'filter')
}

function rowOf(partner: PartnerDeclaration, { environment, source, usage }: RowNeeds): Row {
  const { id, name, solution, mode, apis, certificates, establishments, validUntil } = partner
  const own = certificates.flatMap((each) => each.establishments ?? [])
  const seen = usage?.ofPartner(environment, id)
  const ends = [
    ...(validUntil === undefined ? [] : [validUntil]),
    ...certificates.flatMap((each) => each.validUntil ?? []),
    ...certificates.flatMap((certificate) => endOf(certificate, { environment, source, usage }) ?? []),
  ]
  return {
    id,
    environment,
    name,
    solution,
    mode,
    apis,
    certificates: certificates.length,
    establishments: new Set([...establishments, ...own]).size,
    until: ends.length === 0 ? undefined : Math.min(...ends),
    seen,
  }
}

// a certificate says its end where its file is named, or once it has come
function endOf(
  { subject, publicKey }: PartnerDeclaration['certificates'][number],
  { environment, source, usage }: RowNeeds,
): number | undefined {
  const named = source.named.find((each) => publicKey !== undefined && each.publicKey === publicKey)
  if (named !== undefined) return named.notAfter
  if (usage === undefined) return undefined
  const seen =
    publicKey === undefined
      ? subject === undefined
        ? undefined
        : usage.ofSubject(environment, nameKey(subject))
      : usage.ofKey(environment, publicKey)
  return seen?.notAfter
}

function instants({ requests, first, last, notAfter }: Seen): unknown {
  return {
    requests,
    first: shownInstant(first),
    last: shownInstant(last),
    ...(notAfter !== undefined && { notAfter: shownInstant(notAfter) }),
  }
}

function matches({ id, name, solution, mode, apis }: Row, filters: readonly string[]): boolean {
  const text = [id, name, solution, mode, ...apis].join('\n').toLowerCase()
  return filters.every((filter) => text.includes(filter.toLowerCase()))
}

function order(by: Sort): (one: Row, other: Row) => number {
  const byId = (one: Row, other: Row): number =>
    compare(one.id, other.id) || compare(one.environment, other.environment)
  return (one, other) => {
    switch (by) {
      case 'id':
        return byId(one, other)
      case 'name':
        return one.name.localeCompare(other.name, 'fr') || byId(one, other)
      case 'until':
        return (one.until ?? Infinity) - (other.until ?? Infinity) || byId(one, other)
      case 'seen':
        return (one.seen?.last ?? 0) - (other.seen?.last ?? 0) || byId(one, other)
      case 'certificates':
      case 'establishments':
        return other[by] - one[by] || byId(one, other)
    }
  }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

// a column that says nothing is left out
function withoutEmpty(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const used = (rows[0] ?? []).map((_, index) => rows.slice(1).some((row) => row[index] !== ''))
  return rows.map((row) => row.filter((_, index) => used[index] === true))
}
