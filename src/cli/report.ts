import { formatName } from '../core/name-text.js'
import type { PartnerDeclaration } from '../core/partner.js'
import { PartnerReporter, type PartnerReport } from '../gateway/partner-report.js'
import { readTrails, trailsOf } from './audit-trail.js'
import { shownInstant, speakerFor } from './desk-output.js'
import { environmentsOf, openSource, type DeskEnvironment } from './desk-source.js'
import { inLanguage } from './language.js'
import { provenOf, type ProvenEntry } from './report-entry.js'
import { reportPage } from './report-page.js'
import { tellReport } from './report-text.js'
import { reportWords } from './report-words.js'
import {
  choiceOption,
  exit,
  instantOption,
  listOption,
  textOption,
  UsageError,
  type Verb,
  type VerbOptions,
} from './verb.js'

const formats = ['text', 'json', 'html'] as const

/** A report with what it was made of. */
export interface ReportedPartner {
  readonly report: PartnerReport
  /** As the whitelist names the partner; its id where it is not known. */
  readonly name: string
  /** The period asked for; undefined: without an end on that side. */
  readonly since: number | undefined
  readonly until: number | undefined
  /** What the whitelist grants and the trail shows used; undefined without --config. */
  readonly entries: readonly ProvenEntry[] | undefined
}

/** `ror-gateway report`: what a partner did, as its tests are judged by before production. */
export const report: Verb = {
  name: 'report',
  summary: 'tells what a partner did: calls per API, establishments written, refusals with the last example',
  positionals: [{ name: 'PARTNER', help: 'id of the partner' }],
  options: [
    {
      name: 'audit',
      value: 'FILE',
      multiple: true,
      help: 'audit trail, with the files set aside from it; `-` is the standard input',
    },
    {
      name: 'config',
      value: 'FILE',
      help: 'gateway.yaml: names the trail, and tells what the entry grants and was not used',
    },
    { name: 'since', value: 'TIME', help: 'from this day (Paris) or instant on' },
    { name: 'until', value: 'TIME', help: 'up to this day, with it, or up to this instant' },
    { name: 'env', value: 'NAME', help: 'this environment alone' },
    { name: 'all', help: 'every establishment, however many there are' },
    { name: 'format', value: 'FORMAT', default: 'text', help: `one of ${formats.join(', ')}` },
    { name: 'json', help: 'short for --format json' },
  ],
  examples: [
    'ror-gateway report eai-bretagne --since 2026-11-01 --config gateway.yaml',
    'ror-gateway report eai-bretagne --since 2026-11-01 --until 2026-11-30 --audit audit.ndjson --json',
    'LANG=fr_FR.UTF-8 ror-gateway report eai-bretagne --config gateway.yaml --format html > rapport.html',
    'zcat audit-2026*.ndjson.gz | ror-gateway report eai-bretagne --audit -',
  ],
  async run(options, streams) {
    const speaker = speakerFor(streams)
    const words = inLanguage(speaker.language, reportWords)
    const format = options['json'] === true ? 'json' : choiceOption(options, 'format', formats)
    const partner = textOption(options, 'partner') ?? ''
    const [since, until] = [instantOption(options, 'since'), instantOption(options, 'until', 'until')]
    if (since !== undefined && until !== undefined && since >= until)
      throw new UsageError('--until: expected a time behind --since')
    const environment = textOption(options, 'env')
    const { trails, environments } = await readConfig(options)
    const listed = environments?.map((each) => declarationIn(each, partner))
    const found = listed?.flatMap((each) => each ?? []) ?? []
    const reporter = new PartnerReporter({
      partner,
      subjects: found.flatMap((each) =>
        each.certificates.flatMap(({ subject }) => (subject === undefined ? [] : [formatName(subject)])),
      ),
      publicKeys: found.flatMap((each) => each.certificates.flatMap(({ publicKey }) => publicKey ?? [])),
      environment,
      since,
      until,
    })
    const onLine = (line: string): void => {
      reporter.note(line)
    }
    await readTrails(trails, { onLine, since }, streams)
    const made = reporter.report()
    const reported: ReportedPartner = {
      report: made,
      name: found[0]?.name ?? partner,
      since,
      until,
      entries: environments?.map((each, index) => provenOf(each, listed?.[index], made)),
    }
    if (format === 'json') speaker.json(asJson(reported))
    if (made.requests === 0) {
      speaker.note(words.nothing(partner))
      const others = reporter.others()
      if (others.length > 0) speaker.note(words.others(others.join(', ')))
      return exit.couldNot
    }
    if (format === 'text') tellReport(speaker, reported, options['all'] === true ? Infinity : 20)
    if (format === 'html') streams.stdout.write(reportPage(reported, speaker.language))
    return exit.done
  },
}

/** The trails to read, and the environments of the configuration, where one is named. */
async function readConfig(options: VerbOptions): Promise<{
  readonly trails: readonly string[]
  readonly environments: readonly DeskEnvironment[] | undefined
}> {
  const config = textOption(options, 'config')
  const named = listOption(options, 'audit')
  if (config === undefined) return { trails: trailsOf(named, undefined), environments: undefined }
  const source = await openSource(config)
  try {
    const trails = trailsOf(named, { label: config, file: source.loaded?.config.audit.file?.path })
    return { trails, environments: environmentsOf(source, textOption(options, 'env')) }
  } finally {
    await source.close()
  }
}

function declarationIn({ whitelist }: DeskEnvironment, id: string): PartnerDeclaration | undefined {
  if (!whitelist.hasPartner(id)) return undefined
  for (const partner of whitelist.partners()) if (partner.id === id) return partner
  return undefined
}

function asJson({ report: made, name, since, until, entries }: ReportedPartner): unknown {
  const { first, last, apis, establishments, refusals, failures, certificates, ...rest } = made
  const dated = <Row extends { readonly last: number }>(row: Row) => ({
    ...row,
    last: shownInstant(row.last),
  })
  const reasons = (each: (typeof refusals)[number]) => ({ ...dated(each), first: shownInstant(each.first) })
  return {
    name,
    period: {
      since: since === undefined ? null : shownInstant(since),
      until: until === undefined ? null : shownInstant(until),
      first: first === undefined ? null : shownInstant(first),
      last: last === undefined ? null : shownInstant(last),
    },
    ...rest,
    apis: apis.map(dated),
    establishments: establishments.map(dated),
    refusals: refusals.map(reasons),
    failures: failures.map(reasons),
    certificates: certificates.map(dated),
    ...(entries && { entries }),
  }
}
