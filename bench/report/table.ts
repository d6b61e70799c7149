import { ratioOf, spreadOf } from '../measure/statistics.js'
import type { Result, Row } from '../rounds.js'

/** A table of one workload for the terminal: medians, and the spread of what comes first. */
export function tableOf({ workload, rows }: Result): string {
  const [first] = workload.columns
  const reference = rows.find(({ subject }) => subject.name === 'nginx')
  const head = ['', ...workload.columns.map(({ title }) => title), 'min–max', '÷ nginx']
  const lines = rows.map((row) => {
    const figures = workload.columns.map(({ key, digits }) => medianOf(row, key)?.toFixed(digits) ?? '–')
    const spread = first && spreadOf(valuesOf(row, first.key))
    const range =
      first && spread ? `${spread.min.toFixed(first.digits)}–${spread.max.toFixed(first.digits)}` : '–'
    const ratio =
      first && reference
        ? ratioOf(valuesOf(row, first.key), valuesOf(reference, first.key))?.median
        : undefined
    return [row.subject.name, ...figures, range, ratio?.toFixed(2) ?? '–']
  })
  const widths = head.map((_, column) =>
    Math.max(...[head, ...lines].map((line) => (line[column] ?? '').length)),
  )
  const text = [head, ...lines].map((line) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
  return [`\n${workload.title}`, ...text].join('\n')
}

export function valuesOf({ rounds }: Row, key: string): readonly number[] {
  return rounds.map((figures) => figures[key] ?? Number.NaN)
}

export function medianOf(row: Row, key: string): number | undefined {
  return spreadOf(valuesOf(row, key))?.median
}
