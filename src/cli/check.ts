import { resolve } from 'node:path'
import { formatDiagnostic, type Diagnostic } from '../core/diagnostic.js'
import { expiryFindings, namedFindings } from '../gateway/expiry.js'
import { loadInWorker } from '../gateway/policy-source.js'
import { openPolicy, type LoadedPolicy } from '../gateway/policy.js'
import { exit, textOption, type Verb } from './verb.js'

/** `ror-gateway check`: everything that `serve` would refuse, without listening. */
export const check: Verb = {
  name: 'check',
  summary: 'reads a configuration as `serve` would, and tells everything that is wrong with it',
  options: [
    { name: 'config', value: 'FILE', required: true, help: 'gateway.yaml' },
    { name: 'json', help: 'the findings as JSON' },
  ],
  examples: [
    'ror-gateway check --config config/gateway.yaml',
    'ror-gateway check --config gateway.yaml --json',
  ],
  async run(options, { stdout, stderr }) {
    const file = resolve(textOption(options, 'config') ?? '')
    const loaded = await loadInWorker(file)
    const diagnostics = loaded.ok
      ? [...loaded.value.warnings, ...findingsNow(loaded.value, Date.now())]
      : loaded.problem.diagnostics
    const environments = loaded.ok
      ? [...openPolicy(loaded.value).environments.values()].map(({ name, whitelist }) => ({
          name,
          partners: whitelist.partnerCount,
          certificates: whitelist.certificateCount,
          establishments: whitelist.establishmentCount,
        }))
      : []
    if (options['json'] === true) {
      const revision = loaded.ok ? loaded.value.revision : loaded.problem.revision
      stdout.write(`${JSON.stringify({ ok: loaded.ok, revision, environments, diagnostics }, null, 2)}\n`)
      return loaded.ok ? exit.done : exit.invalid
    }
    for (const diagnostic of diagnostics) stderr.write(`${formatDiagnostic(diagnostic)}\n`)
    if (!loaded.ok) {
      const errors = diagnostics.filter(({ severity }) => severity === 'error').length
      stderr.write(`${file}: ${errors} ${errors === 1 ? 'error' : 'errors'}; \`serve\` would refuse it\n`)
      return exit.invalid
    }
    for (const { name, partners, certificates, establishments } of environments) {
      stdout.write(
        `${name}: ${partners} partners, ${certificates} certificates, ${establishments} establishments\n`,
      )
    }
    stdout.write(`${file}: in order, revision ${loaded.value.revision}\n`)
    return exit.done
  },
}

function findingsNow({ environments, named }: LoadedPolicy, now: number): readonly Diagnostic[] {
  return [...expiryFindings(environments, now), ...namedFindings(named, now)]
}
