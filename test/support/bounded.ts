import { createContext, runInContext } from 'node:vm'

const longestMs = 60_000

/**
 * What the work comes to. Work that walks through its text again and again is ended after a minute, where it
 * would take hours: no other timer goes off while it runs.
 *
 * @throws Error (ERR_SCRIPT_EXECUTION_TIMEOUT) once that time is over
 */
export function inBoundedTime<Value>(work: () => Value): Value {
  const found: Value[] = []
  const once = (): void => void found.push(work())
  runInContext('once()', createContext({ once }), { timeout: longestMs })
  const [value] = found
  if (found.length !== 1 || value === undefined) throw new Error('the work came to nothing')
  return value
}
