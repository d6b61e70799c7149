import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { loadPolicy } from '../gateway/load.js'
import type { ReloadAnswer } from '../gateway/reload-action.js'
import { askAdmin } from './admin-client.js'
import { speakerFor, type Speaker } from './desk-output.js'
import { InvalidSource } from './desk-source.js'
import { inLanguage } from './language.js'
import { exit, listOption, textOption, UsageError, wholeOption, type Verb, type VerbOptions } from './verb.js'

const sentences = {
  en: {
    results: { reloaded: 'reloaded', refused: 'refused: what was in force stays', unchanged: 'unchanged' },
    dry: { reloaded: 'would be reloaded', refused: 'would be refused', unchanged: 'nothing would change' },
    revision: 'revision',
    confirm: (revision: string) => `to bring it into force all the same: --confirm ${revision}`,
    everywhere: (revision: string) => `every process runs revision ${revision}`,
    late: (seconds: number) => `not every process runs it after ${seconds} s`,
    noAdmin: 'gateway.yaml names no admin listener with a fixed port: say --admin URL',
  },
  fr: {
    results: {
      reloaded: 'rechargée',
      refused: 'refusée : la configuration en vigueur reste',
      unchanged: 'inchangée',
    },
    dry: { reloaded: 'serait rechargée', refused: 'serait refusée', unchanged: 'rien ne changerait' },
    revision: 'révision',
    confirm: (revision: string) => `pour la mettre quand même en vigueur : --confirm ${revision}`,
    everywhere: (revision: string) => `tous les processus appliquent la révision ${revision}`,
    late: (seconds: number) => `après ${seconds} s, tous les processus ne l’appliquent pas`,
    noAdmin: 'gateway.yaml ne nomme aucune écoute d’administration à port fixe : précisez --admin URL',
  },
}
type Words = (typeof sentences)['en']

interface Told {
  readonly admin: string
  readonly answer: ReloadAnswer
}

const pauseMs = 200

/** `ror-gateway reload`: asks running gateways to take up their files, and says what came of it. */
export const reload: Verb = {
  name: 'reload',
  summary: 'has running gateways take up their files now, and says what came of it',
  options: [
    { name: 'config', value: 'FILE', help: 'gateway.yaml: its admin listener is asked' },
    {
      name: 'admin',
      value: 'URL',
      multiple: true,
      help: 'admin listeners instead, such as http://127.0.0.1:9464; several: all of them',
    },
    { name: 'dry-run', help: 'only tells what would be' },
    {
      name: 'confirm',
      value: 'REVISION',
      help: 'the revision that may drop as much, or go back as far, as it does',
    },
    { name: 'wait', help: 'until every one of them runs the new revision' },
    { name: 'timeout', value: 'SECONDS', default: '30', help: 'with --wait: how long' },
    { name: 'json', help: 'the answers as JSON' },
  ],
  examples: [
    'ror-gateway reload --config gateway.yaml --dry-run',
    'ror-gateway reload --config gateway.yaml --wait',
    'ror-gateway reload --config gateway.yaml --confirm 9f2c41d07ab3e655',
  ],
  async run(options, streams) {
    const speaker = speakerFor(streams)
    const words = inLanguage<Words>(speaker.language, sentences)
    const told: Told[] = []
    for (const admin of await adminsOf(options, words)) {
      const reply = await askAdmin('POST', `${admin}/reload${queryOf(options)}`)
      if (!isReloadAnswer(reply.value)) {
        throw new Error(`${admin}: answered ${reply.status} ${JSON.stringify(reply.value)}`)
      }
      told.push({ admin, answer: reply.value })
    }
    const waited = await waitFor(told, options)
    if (options['json'] === true) {
      speaker.json({
        gateways: told.map(({ admin, answer }) => ({ admin, ...answer })),
        ...(waited && { everywhere: waited.everywhere }),
      })
    } else {
      for (const each of told) tell(speaker, words, each)
      if (waited !== undefined) {
        speaker.say(waited.everywhere ? words.everywhere(waited.revision) : words.late(waited.seconds))
      }
    }
    return exitOf(told, waited)
  },
}

async function adminsOf(options: VerbOptions, words: Words): Promise<readonly string[]> {
  const named = listOption(options, 'admin')
  if (named.length > 0) return named.map((url) => url.replace(/\/+$/, ''))
  const config = textOption(options, 'config')
  if (config === undefined) throw new UsageError('expected --config or --admin')
  const loaded = await loadPolicy(resolve(config), 'whitelist')
  const listen = loaded.ok ? loaded.value.config.admin?.listen : undefined
  if (!loaded.ok) throw new InvalidSource(loaded.problem.diagnostics)
  if (listen === undefined || listen.port === 0) throw new UsageError(words.noAdmin)
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  return [`http://${host}:${listen.port}`]
}

function queryOf(options: VerbOptions): string {
  const query = new URLSearchParams()
  const confirm = textOption(options, 'confirm')
  if (confirm !== undefined) query.set('confirm', confirm)
  if (options['dry-run'] === true) query.set('dry-run', '')
  return query.size === 0 ? '' : `?${query.toString()}`
}

interface Waited {
  readonly revision: string
  readonly everywhere: boolean
  readonly seconds: number
}

// until each tells at /status what they all took up
async function waitFor(told: readonly Told[], options: VerbOptions): Promise<Waited | undefined> {
  const seconds = wholeOption(options, 'timeout') ?? 30
  const [first] = told
  const isRefused = told.some(({ answer }) => answer.result === 'refused')
  if (options['wait'] !== true || options['dry-run'] === true || isRefused || first === undefined)
    return undefined
  const { revision } = first.answer
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const replies = await Promise.all(told.map(({ admin }) => askAdmin('GET', `${admin}/status`)))
    if (replies.every(({ value }) => revisionsIn(value).every((each) => each === revision)))
      return { revision, everywhere: true, seconds }
    if (performance.now() >= deadline) return { revision, everywhere: false, seconds }
    await pause(pauseMs)
  }
}

/** Of the instance, and of each of its workers where it has several. */
function revisionsIn(status: unknown): readonly unknown[] {
  if (typeof status !== 'object' || status === null) return [undefined]
  const workers: unknown = Reflect.get(status, 'workers')
  return [status, ...(Array.isArray(workers) ? (workers as unknown[]) : [])].map(
    (each) =>
      // JSON: anything
      typeof each === 'object' && each !== null ? (Reflect.get(each, 'revision') as unknown) : undefined, // as above
  )
}

function tell(speaker: Speaker, words: Words, { admin, answer }: Told): void {
  const { paint } = speaker
  const { result, dryRun, revision, nextRevision, refusedRevision, confirmable, diagnostics } = answer
  const mark = result === 'refused' ? paint.bad : result === 'reloaded' ? paint.good : String
  const says = (dryRun ? words.dry : words.results)[result]
  // what stays is named by what stays: the refused one stands behind --confirm
  const next = result === 'refused' ? refusedRevision : nextRevision
  const about = dryRun ? (next ?? revision) : revision
  speaker.say(`${admin}: ${mark(says)}, ${words.revision} ${about}`)
  for (const diagnostic of diagnostics) speaker.say(`  ${diagnostic}`)
  if (confirmable && refusedRevision !== undefined) speaker.say(`  ${words.confirm(refusedRevision)}`)
}

function exitOf(told: readonly Told[], waited: Waited | undefined): number {
  const refused = told.filter(({ answer }) => answer.result === 'refused')
  if (refused.some(({ answer }) => !answer.confirmable)) return exit.invalid
  if (refused.length > 0) return exit.denied
  return waited?.everywhere === false ? exit.couldNot : exit.done
}

function isReloadAnswer(value: unknown): value is ReloadAnswer {
  if (typeof value !== 'object' || value === null) return false
  const result: unknown = Reflect.get(value, 'result')
  return (
    (result === 'reloaded' || result === 'refused' || result === 'unchanged') &&
    Array.isArray(Reflect.get(value, 'diagnostics'))
  )
}
