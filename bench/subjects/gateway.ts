import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Partner } from '../partners.js'
import { host } from '../stage.js'
import { filled, launch, type Subject } from './subject.js'

const bin = fileURLToPath(new URL('../../src/cli/bin.js', import.meta.url))

/** The gateway itself. */
export const gateway: Subject = {
  name: 'gateway',
  does: ['whitelist', 'query-rule', 'body-rule'],
  leavesOut: '',
  version: () => process.version.slice(1),
  start: async ({ stage, partners, folder, ports: [port, admin] }) => {
    const list = join(folder, 'whitelist.yaml')
    writeFileSync(list, whitelist(partners))
    const config = join(folder, 'gateway.yaml')
    writeFileSync(
      config,
      filled('gateway.yaml.template', {
        port,
        admin,
        host,
        stage: stage.folder,
        upstream: stage.upstream.origin,
      }),
    )
    const running = await launch({
      command: process.execPath,
      args: [bin, 'serve', '--config', config],
      port,
      output: join(folder, 'output'),
    })
    return {
      ...running,
      reload: (changed) => {
        writeFileSync(`${list}.new`, whitelist(changed))
        renameSync(`${list}.new`, list)
      },
    }
  },
}

function whitelist(partners: readonly Partner[]): string {
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
