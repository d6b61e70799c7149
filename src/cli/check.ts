import { resolve } from 'node:path'
import type { Diagnostic } from '../core/diagnostic.js'
import { expiryFindings, namedFindings } from '../gateway/expiry.js'
import { loadInWorker } from '../gateway/policy-source.js'
import { openPolicy, type LoadedPolicy, type Policy } from '../gateway/policy.js'
import type { Usage } from '../gateway/usage.js'
import { usageDoubts, whitelistDoubts } from '../gateway/whitelist-doubts.js'
import { readUsage } from './audit-usage.js'
import { shownPath, speakerFor } from './desk-output.js'
import { diagnosticFormats, githubAnnotation, textLine } from './diagnostic-format.js'
import { counted, inLanguage, type Noun } from './language.js'
import { choiceOption, exit, instantOption, listOption, textOption, type Verb } from './verb.js'

const sentences = {
  en: {
    refused: (file: string, errors: string) => `${file}: ${errors}; \`serve\` would refuse it`,
    inOrder: (file: string, revision: string) => `${file}: in order, revision ${revision}`,
    sizes: (environment: string, sizes: string) => `${environment}: ${sizes}`,
    errors: ['error', 'errors'] as Noun, // singular and plural
    warnings: ['warning', 'warnings'] as Noun, // singular and plural
    partners: ['partner', 'partners'] as Noun, // singular and plural
    certificates: ['certificate', 'certificates'] as Noun, // singular and plural
    establishments: ['establishment', 'establishments'] as Noun, // singular and plural
  },
  fr: {
    refused: (file: string, errors: string) => `${file} : ${errors} ; \`serve\` le refuserait`,
    inOrder: (file: string, revision: string) => `${file} : en ordre, révision ${revision}`,
    sizes: (environment: string, sizes: string) => `${environment} : ${sizes}`,
    errors: ['erreur', 'erreurs'] as Noun, // singular and plural
    warnings: ['avertissement', 'avertissements'] as Noun, // singular and plural
    partners: ['partenaire', 'partenaires'] as Noun, // singular and plural
    certificates: ['certificat', 'certificats'] as Noun, // singular and plural
    establishments: ['établissement', 'établissements'] as Noun, // singular and plural
  },
}

/** `ror-gateway check`: everything that `serve` would refuse, without listening, and what is doubtful. */
export const check: Verb = {
  name: 'check',
  summary: 'reads a configuration as `serve` would, and tells everything that is wrong or doubtful in it',
  options: [
    { name: 'config', value: 'FILE', required: true, help: 'gateway.yaml' },
    { name: 'format', value: 'FORMAT', default: 'text', help: `one of ${diagnosticFormats.join(', ')}` },
    {
      name: 'audit',
      value: 'FILE',
      multiple: true,
      help: 'audit trail: tells of entries that nobody uses, too',
    },
    { name: 'at', value: 'TIME', help: 'the moment that dates are judged at (default: now)' },
    { name: 'strict', help: 'warnings count as errors' },
    { name: 'json', help: 'short for --format json' },
  ],
  examples: [
    'ror-gateway check --config config/gateway.yaml',
    'ror-gateway check --config gateway.yaml --audit audit.ndjson',
    'ror-gateway check --config gateway.yaml --format github --strict',
  ],
  async run(options, streams) {
    const { stdout, stderr } = streams
    const format = options['json'] === true ? 'json' : choiceOption(options, 'format', diagnosticFormats)
    const file = resolve(textOption(options, 'config') ?? '')
    const at = instantOption(options, 'at') ?? Date.now()
    const loaded = await loadInWorker(file)
    const usage = await readUsage(listOption(options, 'audit'), 'each', streams)
    const policy = loaded.ok ? openPolicy(loaded.value) : undefined
    const diagnostics = loaded.ok
      ? [
          ...loaded.value.warnings,
          ...findingsAt(loaded.value, at),
          ...(policy === undefined ? [] : doubtsIn(policy, { usage, at })),
        ]
      : loaded.problem.diagnostics
    const isInOrder = loaded.ok && (options['strict'] !== true || diagnostics.length === 0)
    const environments = policy === undefined ? [] : sizesOf(policy)
    const revision = loaded.ok ? loaded.value.revision : loaded.problem.revision
    if (format === 'json') {
      stdout.write(`${JSON.stringify({ ok: isInOrder, revision, environments, diagnostics }, null, 2)}\n`)
      return isInOrder ? exit.done : exit.invalid
    }
    if (format === 'github') {
      for (const diagnostic of diagnostics) stdout.write(`${githubAnnotation(diagnostic, shownPath)}\n`)
      return isInOrder ? exit.done : exit.invalid
    }
    for (const diagnostic of diagnostics) stderr.write(`${textLine(diagnostic, shownPath)}\n`)
    const speaker = speakerFor(streams)
    const { language } = speaker
    const words = inLanguage(language, sentences)
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length
    if (!loaded.ok) {
      speaker.note(words.refused(shownPath(file), counted(language, errors, words.errors)))
      return exit.invalid
    }
    for (const { name, partners, certificates, establishments } of environments) {
      const sizes = [
        counted(language, partners, words.partners),
        counted(language, certificates, words.certificates),
        counted(language, establishments, words.establishments),
      ]
      speaker.say(words.sizes(name, sizes.join(', ')))
    }
    const warnings = diagnostics.length - errors
    const doubts = warnings === 0 ? '' : `, ${counted(language, warnings, words.warnings)}`
    speaker.say(words.inOrder(shownPath(file), revision) + doubts)
    return isInOrder ? exit.done : exit.invalid
  },
}

function findingsAt({ environments, named }: LoadedPolicy, at: number): readonly Diagnostic[] {
  return [...expiryFindings(environments, at), ...namedFindings(named, at)]
}

function doubtsIn(
  policy: Policy,
  { usage, at }: { usage: Usage | undefined; at: number },
): readonly Diagnostic[] {
  return [...policy.environments.values()].flatMap((environment) => [
    ...whitelistDoubts(environment, at),
    ...(usage === undefined ? [] : usageDoubts(environment, usage)),
  ])
}

function sizesOf(policy: Policy) {
  return [...policy.environments.values()].map(({ name, whitelist }) => ({
    name,
    partners: whitelist.partnerCount,
    certificates: whitelist.certificateCount,
    establishments: whitelist.establishmentCount,
  }))
}
