import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { resolve } from 'node:path'
import { formatDiagnostic } from '../core/diagnostic.js'
import { parseGatewayConfig } from '../config/gateway-file.js'
import { exit, textOption, UsageError, type Verb } from './verb.js'

const patienceMs = 3_000
const defaultOrigin = 'http://127.0.0.1:9464'

/** `ror-gateway health`: whether a running gateway takes requests, for a container's health check. */
export const health: Verb = {
  name: 'health',
  summary: 'asks a running gateway whether it takes requests; for health checks of containers',
  options: [
    { name: 'config', value: 'FILE', help: 'gateway.yaml: its `admin` address is asked' },
    { name: 'url', value: 'URL', help: `what is asked (default ${defaultOrigin}/readyz)` },
    { name: 'live', help: 'asks whether it lives (/livez), not whether it is ready' },
    { name: 'json', help: 'the answer as JSON' },
  ],
  examples: [
    'ror-gateway health --config /etc/ror-gateway/gateway.yaml',
    'ror-gateway health --url http://127.0.0.1:9464/readyz',
  ],
  async run(options, { stdout, stderr }) {
    const [config, url] = [textOption(options, 'config'), textOption(options, 'url')]
    if (config !== undefined && url !== undefined)
      throw new UsageError('expected --config or --url, found both')
    const origin = config === undefined ? defaultOrigin : adminOriginOf(resolve(config), stderr)
    if (origin === undefined) return exit.invalid
    const page = targetOf(url ?? `${origin}/${options['live'] === true ? 'livez' : 'readyz'}`)
    const found = await ask(page)
    if (options['json'] === true) stdout.write(`${JSON.stringify({ url: page.href, ...found })}\n`)
    else stdout.write(`${page.href}: ${found.status ?? found.error}\n`)
    return found.status === 200 ? exit.done : exit.couldNot
  },
}

type Found = { readonly status: number } | { readonly status?: undefined; readonly error: string }

function targetOf(url: string): URL {
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (target?.protocol !== 'http:') throw new UsageError(`--url: expected an http URL, found \`${url}\``)
  return target
}

function ask(page: URL): Promise<Found> {
  return new Promise((answer) => {
    const failed = ({ message }: Error): void => {
      answer({ error: message })
    }
    const signal = AbortSignal.timeout(patienceMs)
    const asked = request(page, { agent: false, signal }, (response) => {
      response.resume().once('error', failed)
      answer({ status: response.statusCode ?? 0 })
    })
    asked.once('error', failed)
    asked.end()
  })
}

/** Where the admin pages of a configuration are reached from this machine; told on `stderr` where nowhere. */
function adminOriginOf(file: string, stderr: NodeJS.WritableStream): string | undefined {
  const { config, diagnostics } = parseGatewayConfig({ file, text: readFileSync(file, 'utf8') })
  if (config === undefined) {
    for (const diagnostic of diagnostics) stderr.write(`${formatDiagnostic(diagnostic)}\n`)
    return undefined
  }
  if (config.admin === undefined) {
    stderr.write(`${file}:1:1 expected \`admin\`, whose pages tell how the gateway stands\n`)
    return undefined
  }
  const { host, port } = config.admin.listen
  const loopback: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }
  return `http://${loopback[host] ?? (host.includes(':') ? `[${host}]` : host)}:${port}`
}
