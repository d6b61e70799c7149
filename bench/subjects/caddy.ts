import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { host } from '../stage.js'
import { filled, launch, versionOf, type Subject } from './subject.js'

/** Caddy, its map for the whitelist and an expression for the query. */
export const caddy: Subject = {
  name: 'Caddy',
  does: ['whitelist', 'query-rule'],
  leavesOut:
    'no CRL, no rule for bodies; the aim of a patch is not looked at; its map is gone through entry by entry (the listed client stands in the middle)',
  version: () => versionOf('/usr/bin/caddy', 'version'),
  start: async ({ stage, partners, folder, ports: [port] }) => {
    const lines = partners.map(
      ({ id, subject, establishments }) => `\t"${subject}" ${id} "${establishments.join(' ')}"`,
    )
    const map = `map {http.request.tls.client.subject} {partner} {establishments} {\n${lines.join('\n')}\n\tdefault none none\n}\n`
    writeFileSync(join(folder, 'partners.caddy'), map)
    const config = join(folder, 'Caddyfile')
    writeFileSync(
      config,
      filled('Caddyfile', {
        port,
        host,
        folder,
        stage: stage.folder,
        'upstream-port': stage.upstream.port,
      }),
    )
    return launch({
      command: '/usr/bin/caddy',
      args: ['run', '--config', config, '--adapter', 'caddyfile'],
      port,
      output: join(folder, 'output'),
      // one worker, as everybody has
      variables: { GOMAXPROCS: '1', XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    })
  },
}
