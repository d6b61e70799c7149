import { resolve } from 'node:path'
import { formatDiagnostic } from '../core/diagnostic.js'
import { loadInWorker } from '../gateway/policy-source.js'
import { startGateway } from '../gateway/start.js'
import { exit, textOption, type Verb } from './verb.js'
import { untilStopped } from './signals.js'
import { version } from './version.js'

/** `ror-gateway serve`: the gateway, until SIGTERM or SIGINT. */
export const serve: Verb = {
  name: 'serve',
  summary: 'runs the gateway; SIGHUP reloads, SIGTERM drains and stops',
  options: [{ name: 'config', value: 'FILE', required: true, help: 'gateway.yaml' }],
  examples: ['ror-gateway serve --config /etc/ror-gateway/gateway.yaml'],
  async run(options, { stderr }) {
    const file = resolve(textOption(options, 'config') ?? '')
    const loaded = await loadInWorker(file)
    if (!loaded.ok) {
      for (const diagnostic of loaded.problem.diagnostics) stderr.write(`${formatDiagnostic(diagnostic)}\n`)
      return exit.invalid
    }
    const gateway = await startGateway({ file, loaded: loaded.value, version })
    await untilStopped(gateway)
    return exit.done
  },
}
