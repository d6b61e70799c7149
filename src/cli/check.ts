import { resolve } from 'node:path'
import type { Diagnostic } from '../core/diagnostic.js'
import { expiryFindings, namedFindings } from '../gateway/expiry.js'
import { loadInWorker } from '../gateway/policy-source.js'
import { openPolicy, type LoadedPolicy, type Policy } from '../gateway/policy.js'
import type { Usage } from '../gateway/usage.js'
import { usageDoubts, whitelistDoubts } from '../gateway/whitelist-doubts.js'
import { readUsage } from './audit-usage.js'
import { shownPath } from './desk-output.js'
import { diagnosticFormats, githubAnnotation, textLine, type DiagnosticFormat } from './diagnostic-format.js'
import {
  exit,
  instantOption,
  listOption,
  textOption,
  UsageError,
  type Verb,
  type VerbOptions,
} from './verb.js'

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
    const format = formatOf(options)
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
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length
    const warnings = diagnostics.length - errors
    if (!loaded.ok) {
      stderr.write(
        `${shownPath(file)}: ${errors} ${errors === 1 ? 'error' : 'errors'}; \`serve\` would refuse it\n`,
      )
      return exit.invalid
    }
    for (const { name, partners, certificates, establishments } of environments) {
      stdout.write(
        `${name}: ${partners} partners, ${certificates} certificates, ${establishments} establishments\n`,
      )
    }
    const doubts = warnings === 0 ? '' : `, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`
    stdout.write(`${shownPath(file)}: in order, revision ${revision}${doubts}\n`)
    return isInOrder ? exit.done : exit.invalid
  },
}

function formatOf(options: VerbOptions): DiagnosticFormat {
  if (options['json'] === true) return 'json'
  const asked = textOption(options, 'format')
  const format = diagnosticFormats.find((each) => each === asked)
  if (format !== undefined) return format
  throw new UsageError(`--format: expected one of ${diagnosticFormats.join(', ')}, found \`${asked ?? ''}\``)
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
