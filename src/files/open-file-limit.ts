import { readFile } from 'node:fs/promises'

/**
 * How many descriptors this process may hold at once.
 *
 * Infinity where there is no bound; undefined where the system does not say (anything but Linux).
 *
 * @see proc(5), `/proc/pid/limits`; Node raises the soft limit to the hard one when it starts
 */
export async function openFileLimit(): Promise<number | undefined> {
  const text = await readFile('/proc/self/limits', 'latin1').catch(() => '')
  const soft = /^Max open files +(\S+)/m.exec(text)?.[1]
  if (soft === undefined) return undefined
  return soft === 'unlimited' ? Infinity : Number(soft)
}
