import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../test/support/shared.js'
import { chartOf } from './chart.js'
import { documentOf } from './document.js'
import type { Report } from './report.js'

const path = (name: string): string => join(root, 'docs', name)
const marker = '<!-- notes: written by hand -->\n'

export function readReport(): Report {
  return JSON.parse(readFileSync(path('benchmarks.json'), 'utf8')) as Report // as `writeReport` wrote it
}

/** Writes the figures, the chart and the document; its notes stay. */
export function writeReport(report: Report): void {
  const document = path('benchmarks.md')
  const before = existsSync(document) ? readFileSync(document, 'utf8') : ''
  const notes = before.includes(marker) ? before.slice(before.indexOf(marker) + marker.length) : ''
  writeFileSync(path('benchmarks.json'), `${JSON.stringify(report)}\n`)
  writeFileSync(path('benchmarks.svg'), chartOf(report))
  writeFileSync(document, documentOf(report, notes))
}
