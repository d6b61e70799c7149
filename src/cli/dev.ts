import { resolve } from 'node:path'
import { formatDiagnostic } from '../core/diagnostic.js'
import { prepareDevelopmentFolder } from '../dev/development-folder.js'
import type { DevelopmentPorts } from '../dev/development-config.js'
import { firstCalls, formatFirstCalls } from '../dev/first-calls.js'
import { formatWhereToLook } from '../dev/where-to-look.js'
import { startStandInRor, type StandInRor } from '../dev/stand-in-ror.js'
import { loadInWorker } from '../gateway/policy-source.js'
import { startGateway, type RunningGateway } from '../gateway/start.js'
import { untilStopped } from './signals.js'
import { exit, portOption, textOption, UsageError, type Verb } from './verb.js'
import { version } from './version.js'

/** `ror-gateway dev`: a gateway to try, with everything it needs made on the spot. */
export const dev: Verb = {
  name: 'dev',
  summary: 'makes a development PKI and a whitelist, starts a stand-in ROR and the gateway before it',
  options: [
    {
      name: 'folder',
      value: 'FOLDER',
      default: '.dev',
      help: 'where PKI, configuration and audit trail stand; kept between runs',
    },
    { name: 'sandbox-port', value: 'PORT', default: '8443', help: 'the gateway, environment Sandbox' },
    { name: 'production-port', value: 'PORT', default: '8444', help: 'the gateway, environment Production' },
    { name: 'admin-port', value: 'PORT', default: '9464', help: '/metrics, /livez, /readyz, /status' },
    { name: 'ror-port', value: 'PORT', default: '9080', help: 'the stand-in ROR' },
    { name: 'ror-host', value: 'HOST', default: '127.0.0.1', help: 'where the stand-in ROR listens' },
    {
      name: 'only',
      value: 'PART',
      help: '`files`: makes the folder and ends; `ror`: the stand-in ROR alone',
    },
  ],
  examples: ['ror-gateway dev', 'ror-gateway dev --folder demo --sandbox-port 18443 --production-port 18444'],
  async run(options, { stdout, stderr }) {
    const say = (line: string): void => {
      stdout.write(`${line}\n`)
    }
    const only = textOption(options, 'only')
    if (only !== undefined && only !== 'files' && only !== 'ror') {
      throw new UsageError(`--only: expected \`files\` or \`ror\`, found \`${only}\``)
    }
    const rorHost = textOption(options, 'ror-host') ?? ''
    const rorPort = portOption(options, 'ror-port')
    if (only === 'ror') return await standInAlone({ host: rorHost, port: rorPort }, say)
    // it stands in gateway.yaml, as the upstream's
    if (rorPort === 0) throw new UsageError('--ror-port: expected a port from 1 to 65535, found `0`')
    const prepared = await prepareDevelopmentFolder({
      folder: resolve(textOption(options, 'folder') ?? '.dev'),
      ports: {
        sandbox: portOption(options, 'sandbox-port'),
        production: portOption(options, 'production-port'),
        admin: portOption(options, 'admin-port'),
        ror: rorPort,
      },
      now: Date.now(),
      report: say,
    })
    if (only === 'files') return exit.done
    const loaded = await loadInWorker(prepared.configFile)
    if (!loaded.ok) {
      for (const diagnostic of loaded.problem.diagnostics) stderr.write(`${formatDiagnostic(diagnostic)}\n`)
      return exit.invalid
    }
    const { ports } = prepared
    let ror: StandInRor | undefined
    try {
      ror = await startStandInRor({ host: rorHost, port: ports.ror })
      const starting = startGateway({ file: prepared.configFile, loaded: loaded.value, version })
      const stopped = untilStopped(starting)
      const bound = boundPorts(await starting, ports)
      say('')
      say(formatFirstCalls(firstCalls({ folder: prepared.shown, ports: bound })))
      say(formatWhereToLook(prepared.shown, bound))
      await stopped
      return exit.done
    } finally {
      await ror?.close()
    }
  },
}

/** Those that are listened on: one that was asked for as 0 is the system's choice. */
function boundPorts({ addresses, admin }: RunningGateway, asked: DevelopmentPorts): DevelopmentPorts {
  const portOf = (name: string): number | undefined =>
    addresses.find(({ environments }) => environments.includes(name))?.port
  return {
    sandbox: portOf('sandbox') ?? asked.sandbox,
    production: portOf('production') ?? asked.production,
    admin: admin?.port ?? asked.admin,
    ror: asked.ror,
  }
}

async function standInAlone(
  listen: { readonly host: string; readonly port: number },
  say: (line: string) => void,
): Promise<number> {
  const ror = await startStandInRor(listen)
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        resolve()
      })
  })
  say(`Stand-in ROR ${ror.origin}; stop with Ctrl-C`)
  await stopped
  await ror.close()
  return exit.done
}
