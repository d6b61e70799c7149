import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../../test/support/shared.js'
import { nodeFlags } from './gateway.js'
import { launch, type Subject } from './subject.js'

const script = fileURLToPath(new URL('../rivals/plain-proxy.js', import.meta.url))
const nothing =
  'everything but mutual TLS: no whitelist, no rule, no CRL, no log, no counters, no identity field'

/** http-proxy as anybody would use it: an upstream connection for each request. */
export const plainProxy: Subject = proxySubject('http-proxy', {
  agent: 'default',
  only: ['small-get', 'capacity-patch', 'write-4k', 'full-handshake'],
  leavesOut: `${nothing}; upstream connections are not kept (its default)`,
})

/** http-proxy with an agent that keeps its upstream connections. */
export const keptProxy: Subject = proxySubject('http-proxy, kept connections', {
  agent: 'kept',
  leavesOut: nothing,
})

function proxySubject(
  name: string,
  { agent, ...rest }: { agent: string } & Pick<Subject, 'leavesOut' | 'only'>,
): Subject {
  return {
    name,
    ...rest,
    does: [],
    version: () => {
      const text = readFileSync(join(root, 'node_modules/http-proxy/package.json'), 'utf8')
      return /"version": "([^"]+)"/.exec(text)?.[1]
    },
    start: ({ stage, folder, ports: [port] }) =>
      launch({
        command: process.execPath,
        args: [...nodeFlags, script, String(port), stage.upstream.origin, stage.path('pki'), agent],
        port,
        output: join(folder, 'output'),
      }),
  }
}
