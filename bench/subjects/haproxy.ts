import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../test/support/shared.js'
import type { Partner } from '../partners.js'
import { establishmentLines } from './nginx.js'
import { filled, launch, versionOf, type Subject } from './subject.js'

/** HAProxy, its map for the whitelist, Lua and lua-cjson for the establishments. */
export const haproxy: Subject = {
  name: 'HAProxy',
  does: ['whitelist', 'query-rule', 'body-rule'],
  leavesOut:
    'CRLs and certificates are judged in the handshake alone; duplicate keys and other readings of a body are not refused; the log is not chained',
  version: () => versionOf('/usr/sbin/haproxy', '-v'),
  start: async ({ stage, partners, folder, ports: [port] }) => {
    writeLists(folder, partners)
    const config = join(folder, 'haproxy.cfg')
    writeFileSync(
      config,
      filled('haproxy.cfg', {
        port,
        folder,
        stage: stage.folder,
        rivals: join(root, 'bench', 'rivals'),
        'upstream-port': stage.upstream.port,
      }),
    )
    const running = await launch({
      command: '/usr/sbin/haproxy',
      args: ['-f', config],
      port,
      output: join(folder, 'access.ndjson'),
    })
    return {
      ...running,
      reload: (changed) => {
        writeLists(folder, changed)
        process.kill(running.pid, 'SIGUSR2') // what `systemctl reload haproxy` does
      },
    }
  },
}

function writeLists(folder: string, partners: readonly Partner[]): void {
  const map = partners.map(({ id, subject }) => `${escaped(subject)} ${id}\n`)
  writeFileSync(join(folder, 'partners.map'), map.join(''))
  writeFileSync(join(folder, 'establishments.txt'), establishmentLines(partners))
}

// as HAProxy's `url_enc` spells a name
function escaped(subject: string): string {
  return subject.replaceAll(/[^A-Za-z0-9._~-]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}
