import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gatewayConfig, nodeFlags, whitelistText } from './gateway.js'
import { launch, type Subject } from './subject.js'

const script = fileURLToPath(new URL('../rivals/blind-forwarder.js', import.meta.url))

/** The gateway's default engine without the gateway. */
export const blind: Subject = {
  name: 'engine, blind',
  does: [],
  only: ['small-get', 'capacity-patch', 'write-4k', 'write-200k'],
  leavesOut: 'everything but mutual TLS and forwarding: what the gateway adds is its distance to this',
  version: () => process.version.slice(1),
  start: (setting) => {
    const { stage, folder, ports } = setting
    // the gateway's own configuration, for the bounds of the engine
    const config = join(folder, 'gateway.yaml')
    writeFileSync(config, gatewayConfig(setting))
    writeFileSync(join(folder, 'whitelist.yaml'), whitelistText(setting.partners.slice(0, 1)))
    return launch({
      command: process.execPath,
      args: [...nodeFlags, script, String(ports[0]), stage.upstream.origin, stage.path('pki'), config],
      port: ports[0],
      output: join(folder, 'output'),
    })
  },
}
