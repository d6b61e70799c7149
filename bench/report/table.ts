import { ratioOf, spreadOf } from '../measure/statistics.js'
import { valuesOf, type ResultReport, type RowReport } from './report.js'

/** The rows of one workload as cells: medians, the spread of the first column, and its ratio to nginx. */
export function cellsOf({ columns, rows }: ResultReport): readonly (readonly string[])[] {
  const [first] = columns
  const reference = rows.find(({ subject }) => subject === 'nginx')
  const head = ['', ...columns.map(({ title }) => title), 'min–max', '÷ nginx']
  const lines = rows.map((row) => {
    const figures = columns.map(
      ({ key, digits }) => spreadOf(valuesOf(row, key))?.median.toFixed(digits) ?? '–',
    )
    const spread = first && spreadOf(valuesOf(row, first.key))
    const range =
      first && spread ? `${spread.min.toFixed(first.digits)}–${spread.max.toFixed(first.digits)}` : '–'
    const ratio =
      first && reference && ratioOf(valuesOf(row, first.key), valuesOf(reference, first.key))?.median
    return [nameOf(row), ...figures, range, ratio?.toFixed(2) ?? '–']
  })
  return [head, ...lines]
}

/** A table of one workload for the terminal. */
export function tableOf(result: ResultReport): string {
  const problems = result.rows.flatMap(({ subject, problem }) =>
    problem === undefined ? [] : [`${subject}: ${problem}`],
  )
  return [`\n${result.title}`, aligned(cellsOf(result)), ...problems].join('\n')
}

/** Lines of cells, the first column to the left and the others to the right. */
export function aligned(lines: readonly (readonly string[])[]): string {
  const columns = Math.max(...lines.map((line) => line.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  )
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n')
}

/** The subject, and where it does not do the work of this workload, that it does not. */
export function nameOf({ subject, judges }: RowReport): string {
  return judges ? subject : `${subject} (does not judge)`
}
