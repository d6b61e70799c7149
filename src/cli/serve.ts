import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { formatDiagnostic } from '../core/diagnostic.js'
import { loadInWorker } from '../gateway/policy-source.js'
import { startGateway } from '../gateway/start.js'
import { inheritedSockets } from '../tls/inherited-sockets.js'
import { notifyServiceManager } from './service-manager.js'
import { exit, textOption, type Verb } from './verb.js'
import { untilStopped } from './signals.js'
import { version } from './version.js'

/** `ror-gateway serve`: the gateway, until SIGTERM or SIGINT. */
export const serve: Verb = {
  name: 'serve',
  summary: 'runs the gateway; SIGHUP reloads, SIGTERM drains and stops',
  options: [{ name: 'config', value: 'FILE', required: true, help: 'gateway.yaml' }],
  examples: ['ror-gateway serve --config /etc/ror-gateway/gateway.yaml'],
  async run(options, { stderr, variables = process.env }) {
    const file = resolve(textOption(options, 'config') ?? '')
    const loaded = await loadInWorker(file)
    if (!loaded.ok) {
      for (const diagnostic of loaded.problem.diagnostics) stderr.write(`${formatDiagnostic(diagnostic)}\n`)
      return exit.invalid
    }
    const sockets = inheritedSockets(variables, process.pid)
    const { workers } = loaded.value.config
    const outcome: { code: number } = { code: exit.done }
    const starting = startGateway({
      file,
      loaded: loaded.value,
      version,
      sockets,
      workers: workers === 'auto' ? availableParallelism() : workers,
      onHopeless: () => {
        // a service manager that handed sockets over hands them over anew
        outcome.code = exit.couldNot
        process.kill(process.pid, 'SIGTERM')
      },
    })
    const stopped = untilStopped(starting)
    await starting
    const { revision } = loaded.value
    await notifyServiceManager(['READY=1', `STATUS=listening, started with revision ${revision}`], {
      variables,
      stderr,
    })
    await stopped
    return outcome.code
  },
}
