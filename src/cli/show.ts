import type { PartnerDeclaration } from '../core/partner.js'
import { closest } from '../config/spelling.js'
import type { OpenWhitelist } from '../core/whitelist-lookup.js'
import { spelled } from '../gateway/policy-diff.js'
import { columns, shownInstant, shownPlace, speakerFor, type Speaker } from './desk-output.js'
import { environmentsOf, openSource, type DeskSource } from './desk-source.js'
import { counted, inLanguage, type Noun } from './language.js'
import { exit, textOption, type Verb } from './verb.js'

const sentences = {
  en: {
    unknown: (id: string) => `no partner has the id \`${id}\``,
    meant: (id: string) => `; did you mean \`${id}\`?`,
    name: 'name',
    solution: 'solution',
    mode: 'mode',
    apis: 'APIs',
    valid: 'valid',
    always: 'without dates',
    headers: 'Ror-* fields',
    certificates: 'certificates',
    own: (establishments: string) => `writes for ${establishments} of its own`,
    ownNoun: ['establishment', 'establishments'] as Noun, // singular and plural
    listedUntil: (when: string) => `listed until ${when}`,
    until: (when: string) => `until ${when}`,
    establishments: 'establishments',
    written: 'written in',
  },
  fr: {
    unknown: (id: string) => `aucun partenaire n’a l’identifiant \`${id}\``,
    meant: (id: string) => ` ; vouliez-vous dire \`${id}\` ?`,
    name: 'nom',
    solution: 'solution',
    mode: 'mode',
    apis: 'API',
    valid: 'validité',
    always: 'sans dates',
    headers: 'champs Ror-*',
    certificates: 'certificats',
    own: (establishments: string) => `écrit pour ${establishments}`,
    ownNoun: ['établissement propre', 'établissements propres'] as Noun, // singular and plural
    listedUntil: (when: string) => `inscrit jusqu’au ${when}`,
    until: (when: string) => `jusqu’au ${when}`,
    establishments: 'établissements',
    written: 'inscrit dans',
  },
}
type Words = (typeof sentences)['en']

/** `ror-gateway show`: everything the whitelist says of a partner. */
export const show: Verb = {
  name: 'show',
  summary: 'shows everything the whitelist says of a partner, and where it is written',
  positionals: [{ name: 'PARTNER', help: 'id of the partner' }],
  options: [
    {
      name: 'config',
      value: 'FILE',
      required: true,
      help: 'gateway.yaml, or a whitelist file or folder; also at a git revision (REV:path)',
    },
    { name: 'env', value: 'NAME', help: 'this environment alone' },
    { name: 'json', help: 'the answer as JSON' },
  ],
  examples: [
    'ror-gateway show eai-bretagne --config gateway.yaml',
    'ror-gateway show eai-bretagne --config HEAD~1:gateway.yaml --env production --json',
  ],
  async run(options, streams) {
    const speaker = speakerFor(streams)
    const words = inLanguage<Words>(speaker.language, sentences)
    const id = textOption(options, 'partner') ?? ''
    const source = await openSource(textOption(options, 'config') ?? '')
    try {
      const found = environmentsOf(source, textOption(options, 'env')).flatMap(({ name, whitelist }) => {
        if (!whitelist.hasPartner(id)) return []
        const partner = partnerOf(whitelist, id)
        return partner === undefined ? [] : [{ environment: name, partner }]
      })
      if (options['json'] === true) {
        speaker.json(found.map(({ environment, partner }) => asJson(environment, partner, source)))
        return found.length === 0 ? exit.couldNot : exit.done
      }
      for (const { environment, partner } of found) tell(speaker, words, { environment, partner, source })
      if (found.length === 0) {
        const near = nearestOf(source, id)
        speaker.note(words.unknown(id) + (near === undefined ? '' : words.meant(near)))
      }
      return found.length === 0 ? exit.couldNot : exit.done
    } finally {
      await source.close()
    }
  },
}

function nearestOf({ environments }: DeskSource, id: string): string | undefined {
  const ids = new Set(
    environments.flatMap(({ whitelist }) => [...whitelist.partners()].map((each) => each.id)),
  )
  return closest(id, ids)
}

function asJson(environment: string, partner: PartnerDeclaration, source: DeskSource): unknown {
  const { certificates, validFrom, validUntil, ...rest } = partner
  return {
    environment,
    ...rest,
    ...(validFrom !== undefined && { validFrom: shownInstant(validFrom) }),
    ...(validUntil !== undefined && { validUntil: shownInstant(validUntil) }),
    certificates: certificates.map((each) => ({
      certificate: spelled(each),
      notAfter: endOf(source, each),
      ...(each.validUntil !== undefined && { validUntil: shownInstant(each.validUntil) }),
      establishments: each.establishments,
      place: each.place,
    })),
  }
}

function tell(
  speaker: Speaker,
  words: Words,
  { environment, partner, source }: { environment: string; partner: PartnerDeclaration; source: DeskSource },
): void {
  const { paint } = speaker
  const from = partner.validFrom === undefined ? '…' : shownInstant(partner.validFrom)
  const until = partner.validUntil === undefined ? '…' : shownInstant(partner.validUntil)
  const pinned = Object.entries(partner.rorHeaders).map(([name, value]) => `${name}: ${value}`)
  const heading = environment === '' ? partner.id : `${partner.id} · ${environment}`
  speaker.say(paint.strong(heading))
  const rows = [
    [words.name, partner.name],
    [words.solution, partner.solution],
    [words.mode, partner.mode],
    [words.apis, partner.apis.join(', ')],
    [words.valid, from === '…' && until === '…' ? words.always : `${from} – ${until}`],
    ...(pinned.length === 0 ? [] : [[words.headers, pinned.join(', ')]]),
    [words.written, source.shown(shownPlace(partner.place))],
  ]
  for (const row of columns(rows)) speaker.say(`  ${row}`)
  speaker.say(`  ${words.certificates} (${partner.certificates.length})`)
  for (const certificate of partner.certificates) {
    const end = endOf(source, certificate)
    const notes = [
      ...(end === undefined ? [] : [words.until(end)]),
      ...(certificate.validUntil === undefined
        ? []
        : [words.listedUntil(shownInstant(certificate.validUntil))]),
      ...(certificate.establishments === undefined
        ? []
        : [words.own(counted(speaker.language, certificate.establishments.length, words.ownNoun))]),
      source.shown(shownPlace(certificate.place)),
    ]
    speaker.say(`    ${spelled(certificate)}  ${paint.faint(notes.join(' · '))}`)
  }
  speaker.say(`  ${words.establishments} (${partner.establishments.length})`)
  for (let index = 0; index < partner.establishments.length; index += 8) {
    speaker.say(`    ${partner.establishments.slice(index, index + 8).join(' ')}`)
  }
}

function partnerOf(whitelist: OpenWhitelist, id: string): PartnerDeclaration | undefined {
  for (const partner of whitelist.partners()) if (partner.id === id) return partner
  return undefined
}

// known of certificates that stand in files of their own
function endOf(
  { named }: DeskSource,
  { publicKey }: PartnerDeclaration['certificates'][number],
): string | undefined {
  const found = named.find((each) => each.publicKey === publicKey)
  return found === undefined ? undefined : shownInstant(found.notAfter)
}
