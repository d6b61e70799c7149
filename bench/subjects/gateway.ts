import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../../test/support/shared.js'
import type { Partner } from '../partners.js'
import { host } from '../stage.js'
import { filled, launch, type Setting, type Subject } from './subject.js'

const bin = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))

const unit = readFileSync(join(root, 'deploy/systemd/ror-gateway.service'), 'utf8')
const [start = ''] = /^ExecStart=.*$/m.exec(unit) ?? []

/** How Node is run where the gateway is deployed. */
export const nodeFlags: readonly string[] = start.split(' ').filter((part) => part.startsWith('--initial-'))

const schema = JSON.parse(readFileSync(join(root, 'config/gateway.schema.json'), 'utf8')) as EngineSchema // see there
const { enum: engines = [], default: usual } = schema.properties.forwarding.properties.engine

/** The engine that the gateway takes by itself. */
export const usualEngine = usual

/** The gateway with that engine. */
export const gateway: Subject = gatewaySubject('gateway')

/** The gateway with each other engine. */
export const otherEngines: readonly Subject[] = engines
  .filter((engine) => engine !== usual)
  .map((engine) =>
    gatewaySubject(`gateway, ${engine}`, {
      engine,
      only: ['small-get', 'capacity-patch', 'write-4k', 'write-200k', 'down-10m', 'up-10m'],
    }),
  )

function gatewaySubject(
  name: string,
  { engine, ...rest }: { engine?: string } & Pick<Subject, 'only'> = {},
): Subject {
  return {
    name,
    ...rest,
    does: ['whitelist', 'query-rule', 'body-rule'],
    leavesOut: '',
    version: () => process.version.slice(1),
    start: async (setting) => {
      const { folder, partners, ports } = setting
      const list = join(folder, 'whitelist.yaml')
      writeFileSync(list, whitelistText(partners))
      const config = join(folder, 'gateway.yaml')
      writeFileSync(config, gatewayConfig(setting, engine))
      const running = await launch({
        command: process.execPath,
        args: [...nodeFlags, bin, 'serve', '--config', config],
        port: ports[0],
        output: join(folder, 'output'),
      })
      return {
        ...running,
        reload: (changed) => {
          writeFileSync(`${list}.new`, whitelistText(changed))
          renameSync(`${list}.new`, list)
        },
      }
    },
  }
}

/** The text of gateway.yaml; with its default engine where none is named. */
export function gatewayConfig({ stage, ports: [port, admin] }: Setting, engine?: string): string {
  const values = { port, admin, host, stage: stage.folder, upstream: stage.upstream.origin }
  const text = filled('gateway.yaml.template', values)
  return engine === undefined ? text : `${text}forwarding: { engine: ${engine} }\n`
}

export function whitelistText(partners: readonly Partner[]): string {
  const lines = ['partners:']
  for (const { id, subject, establishments } of partners) {
    lines.push(
      `  - id: ${id}`,
      `    name: ${id}`,
      '    solution: regional-eai',
      '    certificates:',
      `      - subject: "${subject}"`,
      '    apis: [fhir-read, fhir-write, csd]',
      `    establishments: [${establishments.map((number) => `"${number}"`).join(', ')}]`,
    )
  }
  return `${lines.join('\n')}\n`
}

/** The published schema of gateway.yaml, which a test keeps true, as far as it tells of engines. */
interface EngineSchema {
  readonly properties: {
    readonly forwarding: {
      readonly properties: {
        readonly engine: { readonly enum?: readonly string[]; readonly default: string }
      }
    }
  }
}
