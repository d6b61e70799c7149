import type { AdminAction } from '../admin/server.js'
import { logLevels } from '../observe/log.js'
import type { Observers } from './observers.js'

/** `POST /log-level?level=debug` on the admin listener: until the next start, or until the file says another. */
export function logLevelAction(observers: Observers): AdminAction {
  return (parameters) => {
    const before = observers.log.level
    if (observers.setLogLevel(parameters.get('level') ?? '')) {
      return Promise.resolve({ status: 200, value: { level: observers.log.level, before } })
    }
    return Promise.resolve({ status: 400, value: { error: 'unknown-level', expected: logLevels } })
  }
}
