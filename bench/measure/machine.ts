import { cpus, loadavg, release, totalmem } from 'node:os'
import type { Report } from '../report/report.js'

/** What the figures were measured on. */
export function machine(): Report['machine'] {
  const [first] = cpus()
  return {
    cpu: first?.model.trim() ?? '',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
  }
}

/** Processes that want to run, over the last minute. */
export function loadAverage(): number {
  return Number((loadavg()[0] ?? 0).toFixed(1))
}
