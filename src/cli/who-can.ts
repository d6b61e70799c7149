import { toIdNatStruct } from '../core/establishment.js'
import { spelled } from '../gateway/policy-diff.js'
import { shownInstant, shownPlace, speakerFor } from './desk-output.js'
import { environmentsOf, openSource } from './desk-source.js'
import { counted, inLanguage, type Noun } from './language.js'
import { exit, textOption, UsageError, type Verb } from './verb.js'

const sentences = {
  en: {
    nobody: (number: string) => `nobody may write for ${number}`,
    may: (number: string, partners: string) => `${number}: ${partners} with write access`,
    noWrites: 'is granted no API with writes',
    not: (when: string) => `not in force: ${when}`,
    partners: ['partner', 'partners'] as Noun, // singular and plural
  },
  fr: {
    nobody: (number: string) => `personne ne peut écrire pour ${number}`,
    may: (number: string, partners: string) => `${number} : ${partners} en écriture`,
    noWrites: 'n’a aucune API ouverte en écriture',
    not: (when: string) => `pas en vigueur : ${when}`,
    partners: ['partenaire', 'partenaires'] as Noun, // singular and plural
  },
}

/** `ror-gateway who-can`: which partners may write for an establishment. */
export const whoCan: Verb = {
  name: 'who-can',
  summary: 'tells which partners, and which of their certificates, may write for an establishment',
  positionals: [{ name: 'FINESS', help: 'FINESS number (350054680) or IdNatStruct (1350054680)' }],
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
    'ror-gateway who-can 350054680 --config gateway.yaml',
    'ror-gateway who-can 1350054680 --config whitelist/ --json',
  ],
  async run(options, streams) {
    const speaker = speakerFor(streams)
    const words = inLanguage(speaker.language, sentences)
    const id = toIdNatStruct(textOption(options, 'finess') ?? '')
    if (!id.ok) throw new UsageError(id.problem.message)
    const source = await openSource(textOption(options, 'config') ?? '')
    try {
      const now = Date.now()
      const found = environmentsOf(source, textOption(options, 'env')).map(({ name, whitelist, apis }) => ({
        environment: name,
        partners: [...whitelist.partnersFor(id.value)].map(({ partner, certificates }) => ({
          id: partner.id,
          name: partner.name,
          mode: partner.mode,
          place: partner.place,
          validFrom: partner.validFrom === undefined ? undefined : shownInstant(partner.validFrom),
          validUntil: partner.validUntil === undefined ? undefined : shownInstant(partner.validUntil),
          inForce:
            (partner.validFrom === undefined || partner.validFrom <= now) &&
            (partner.validUntil === undefined || now < partner.validUntil),
          // what a whitelist alone grants cannot be told apart
          apis: partner.apis.filter((api) => apis?.find((each) => each.name === api)?.writes.length !== 0),
          certificates: certificates.map((each) => ({ certificate: spelled(each), place: each.place })),
        })),
      }))
      const isAny = found.some(({ partners }) =>
        partners.some(({ inForce, apis }) => inForce && apis.length > 0),
      )
      if (options['json'] === true) {
        speaker.json({ establishment: id.value, environments: found })
        return isAny ? exit.done : exit.denied
      }
      for (const { environment, partners } of found) {
        const prefix = environment === '' ? '' : `${environment}: `
        const able = partners.filter(({ inForce, apis }) => inForce && apis.length > 0)
        const who = counted(speaker.language, able.length, words.partners)
        speaker.say(prefix + (able.length === 0 ? words.nobody(id.value) : words.may(id.value, who)))
        for (const partner of partners) {
          const notes = [
            ...(partner.inForce
              ? []
              : [words.not(`${partner.validFrom ?? '…'} – ${partner.validUntil ?? '…'}`)]),
            ...(partner.apis.length > 0 ? [] : [words.noWrites]),
            ...(partner.mode === 'report-only' ? ['report-only'] : []),
          ]
          const note = notes.length === 0 ? '' : `  ${speaker.paint.doubtful(`(${notes.join('; ')})`)}`
          speaker.say(
            `  ${speaker.paint.strong(partner.id)}  ${partner.name}  ${partner.apis.join(', ')}${note}`,
          )
          for (const { certificate, place } of partner.certificates) {
            speaker.say(`    ${certificate}  ${speaker.paint.faint(source.shown(shownPlace(place)))}`)
          }
        }
      }
      return isAny ? exit.done : exit.denied
    } finally {
      await source.close()
    }
  },
}
