import type { Diagnostic, Place } from '../core/diagnostic.js'
import type { Listen } from '../config/gateway-config.js'
import type { Policy } from './policy.js'

/**
 * What stands against putting `next` in the place of `current` while running.
 *
 * Addresses, environments, admin and audit are taken up at the start alone: a reload that changes
 * them is refused as a whole, and says that a restart is needed.
 */
export function judgeReplacement(next: Policy, current: Policy): readonly Diagnostic[] {
  const found: Diagnostic[] = []
  const restart = (place: Place, what: string): void => {
    found.push({
      severity: 'error',
      code: 'restart-needed',
      place,
      message: `${what} changed: restart to take it up`,
    })
  }
  const top: Place = { file: next.config.file, line: 1, column: 1 }
  for (const environment of next.environments.values()) {
    const { listen, place } = environment.config
    const before = current.environments.get(environment.name)
    if (before === undefined)
      restart(place, `the environment \`${environment.name}\` is new: the list of environments`)
    else if (!isSameListen(listen, before.config.listen)) restart(listen.place, 'the listening address')
  }
  for (const name of current.environments.keys()) {
    if (!next.environments.has(name))
      restart(top, `the environment \`${name}\` is gone: the list of environments`)
  }
  const [admin, adminBefore] = [next.config.admin?.listen, current.config.admin?.listen]
  if (!isSameListen(admin, adminBefore)) restart(admin?.place ?? top, 'the admin address')
  if (next.config.workers !== current.config.workers) restart(top, 'the number of workers')
  const [audit, auditBefore] = [next.config.audit, current.config.audit]
  if (auditSettings(audit) !== auditSettings(auditBefore))
    restart(audit.file?.place ?? top, 'the audit settings')
  if (JSON.stringify(next.config.limits) !== JSON.stringify(current.config.limits)) restart(top, 'the limits')
  if (next.config.forwarding.engine !== current.config.forwarding.engine)
    restart(top, 'the forwarding engine')
  return found
}

// where they stand in the file does not matter
function auditSettings({ file, sealKey, ...rest }: Policy['config']['audit']): string {
  return JSON.stringify([file?.path, sealKey?.path, rest])
}

function isSameListen(one: Listen | undefined, other: Listen | undefined): boolean {
  return one?.host === other?.host && one?.port === other?.port
}
