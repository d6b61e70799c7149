import { readdirSync, readFileSync } from 'node:fs'

/** What a process and all below it have taken so far. */
export interface TreeCost {
  /** Seconds of CPU, user and system; children that ended are counted where they were waited for. */
  readonly cpuSeconds: number
  /** Resident memory, in bytes; pages that processes share are counted for each. */
  readonly rssBytes: number
}

/** USER_HZ: fixed at 100 on Linux for every architecture that Node runs on. @see proc_pid_stat(5) */
const ticksPerSecond = 100
const pageBytes = 4096

interface Stat {
  readonly parent: number
  readonly ticks: number
  readonly pages: number
}

/** @see proc_pid_stat(5): ppid 4, utime 14, stime 15, cutime 16, cstime 17, rss 24 */
function statOf(pid: number): Stat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined // it ended meanwhile
  }
  // the name (field 2) may hold spaces and brackets
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  return {
    parent: field(4),
    ticks: field(14) + field(15) + field(16) + field(17),
    pages: field(24),
  }
}

/** Sums up a process and its descendants. */
export function costOfTree(root: number): TreeCost {
  const stats = new Map<number, Stat>()
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue
    const stat = statOf(Number(name))
    if (stat !== undefined) stats.set(Number(name), stat)
  }
  const isBelow = (pid: number): boolean => {
    if (pid === root) return true
    const parent = stats.get(pid)?.parent ?? 0
    return parent > 1 && isBelow(parent)
  }
  let [ticks, pages] = [0, 0]
  for (const [pid, stat] of stats) {
    if (!isBelow(pid)) continue
    ticks += stat.ticks
    pages += stat.pages
  }
  return { cpuSeconds: ticks / ticksPerSecond, rssBytes: pages * pageBytes }
}
