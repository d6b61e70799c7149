import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../test/support/shared.js'
import type { Partner } from '../partners.js'
import { host } from '../stage.js'
import { filled, launch, versionOf, type Subject } from './subject.js'

/** nginx, its map for the whitelist, Lua and lua-cjson for the establishments. */
export const nginx: Subject = {
  name: 'nginx',
  does: ['whitelist', 'query-rule', 'body-rule'],
  leavesOut:
    'CRLs and certificates are judged in the handshake alone; duplicate keys and other readings of a body are not refused; the log is not chained',
  version: () => versionOf('/usr/sbin/nginx', '-v'),
  start: async ({ stage, partners, folder, ports: [port] }) => {
    writeLists(folder, partners)
    const config = join(folder, 'nginx.conf')
    writeFileSync(
      config,
      filled('nginx.conf', {
        port,
        host,
        folder,
        stage: stage.folder,
        rivals: join(root, 'bench', 'rivals'),
        'upstream-port': stage.upstream.port,
      }),
    )
    const running = await launch({
      command: '/usr/sbin/nginx',
      args: ['-p', folder, '-c', config, '-e', join(folder, 'error.log')],
      port,
      output: join(folder, 'output'),
    })
    return {
      ...running,
      reload: (changed) => {
        writeLists(folder, changed)
        process.kill(running.pid, 'SIGHUP') // what `nginx -s reload` does
      },
    }
  },
}

function writeLists(folder: string, partners: readonly Partner[]): void {
  const map = partners.map(({ id, subject }) => `"${subject}" ${id};\n`)
  writeFileSync(join(folder, 'partners.map'), map.join(''))
  writeFileSync(join(folder, 'establishments.txt'), establishmentLines(partners))
}

/** The establishments as establishment.lua reads them. */
export function establishmentLines(partners: readonly Partner[]): string {
  return partners.map(({ id, establishments }) => `${id} ${establishments.join(' ')}\n`).join('')
}
